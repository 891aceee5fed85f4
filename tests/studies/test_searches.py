"""Searches and datasets: by name, from files of one's own, in mappings; and what is wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from own_files import OWN_DETECTOR, OWN_SEARCH, own_folder

from hnlstat.config import Study
from hnlstat.errors import ConfigError, DataError
from hnlstat.likelihood.channels import channels
from hnlstat.studies import load
from hnlstat.studies.compose import read
from hnlstat.studies.loading import from_settings
from hnlstat.studies.saved import to_yaml

BINS = "search.tpc_ee_tracks.observable={name: pair_mass, edges: [0, 0.1, 0.7]}"


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[str]:
    """A folder with searches, a flux and a detector of one's own, as an override."""
    return f"hydra.searchpath=['file://{own_folder(tmp_path)}']"


def names(study: Study) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(d.name, d.flux.name, tuple(d.search)) for d in study.datasets]


def test_the_default_is_the_recast_in_every_dataset(upgrade: Study) -> None:
    assert [tuple(d.search) for d in upgrade.datasets] == [("tpc_ee",)] * 2
    assert [c.name for c in channels(upgrade)] == [
        "nd280_upgrade_fhc", "nd280_upgrade_rhc", "nd280_fhc", "nd280_rhc"
    ]  # fmt: skip


def test_several_searches_name_their_channels(mine: str) -> None:
    study = load([mine, "search=[front,back]"])
    assert names(study) == [("nd280", "t2k_nd280", ("front", "back"))]
    assert [c.name for c in channels(study)] == [
        "nd280_front_fhc", "nd280_front_rhc", "nd280_back_fhc", "nd280_back_rhc"
    ]  # fmt: skip


def test_settings_of_a_search_go_by_its_name(mine: str) -> None:
    study = load([mine, "search=[front,back]", "search.front.min_cos_theta=0.99"])
    assert [s.min_cos_theta for _, s in study.searches] == [0.99, 0.999]


def test_a_dataset_names_its_own(mine: str) -> None:
    study = load(
        [
            mine,
            "datasets=[{exposure: t2k_2019}, {name: b, exposure: t2k_2023, search: front},"
            "{name: c, exposure: t2k_upgrade_3yr, search: [back, front], flux: my_beam}]",
        ]
    )
    assert names(study) == [
        ("nd280", "t2k_nd280", ("tpc_ee",)),
        ("b", "t2k_nd280", ("front",)),
        ("c", "my_beam", ("back", "front")),
    ]


def test_a_detector_brings_its_beam_and_its_search(mine: str) -> None:
    own = ("my_detector", "my_beam", ("front",))
    assert names(load([mine, "detector=my_detector"])) == [own]
    old = ("nd280", "t2k_nd280", ("tpc_ee",))
    both = (
        "datasets=[{detector: nd280, exposure: t2k_2019}, {detector: my_detector, exposure: run1}]"
    )
    assert names(load([mine, both])) == [old, own]
    # beside a detector that brings its own, others do not take these
    with pytest.raises(
        ConfigError, match=r"datasets.1.flux: is missing; what is chosen is that of"
    ):
        load([mine, "detector=my_detector", "datasets=[{exposure: run1}, {detector: nd280, "
              "exposure: t2k_2019}]"])  # fmt: skip
    # what is asked for by hand comes before that
    asked = load([mine, "detector=my_detector", "search=back", "flux=t2k_nd280"])
    assert names(asked) == [("my_detector", "t2k_nd280", ("back",))]


def test_a_mapping_is_a_search() -> None:
    one = yaml.safe_load(OWN_SEARCH) | {"name": "plain"}
    study = load([f"datasets=[{{exposure: t2k_2019, search: {one}}}]".replace("'", "")])
    assert names(study)[0][2] == ("plain",)


@pytest.mark.parametrize(
    "settings",
    [["detector=nd280_upgrade"], ["search=[front,back]"], ["experiment=published_upgrade"],
     ["datasets=[{exposure: t2k_2019}, {detector: my_detector, exposure: run1}]"]],
)  # fmt: skip
def test_the_resolved_configuration_is_the_same_study(mine: str, settings: list[str]) -> None:
    study = load([mine, *settings])
    content = yaml.safe_load(to_yaml(study))
    del content["defaults"], content["inputs"]
    assert from_settings(content) == study


def test_a_background_is_for_the_volumes_that_are_named() -> None:
    def background(*settings: str) -> float:
        return channels(load(["detector=nd280_upgrade", *settings]))[0].background[0]

    five = background()
    assert five == pytest.approx(0.563 * 8.03 / 1.234 * 5 / 3)
    assert background("search.tpc_ee.fiducial=[tpc1,tpc2,tpc3]", HALF) == pytest.approx(five * 0.6)
    assert background("+search.tpc_ee.background_factor=2") == pytest.approx(five * 1.2)


HALF = "datasets=[{exposure: t2k_upgrade_3yr}]"


def test_volumes_by_name_are_for_searches_that_name_them() -> None:
    fgd1 = "+detector.fiducial.tpc3.by_name=true"
    (dataset,) = load([fgd1]).datasets
    assert dataset.used_volumes == ("tpc1", "tpc2")
    (dataset,) = load(["search.tpc_ee.fiducial=[fgd2,tpc1]"]).datasets
    assert dataset.volumes(dataset.search["tpc_ee"]) == ("fgd2", "tpc1")
    assert dataset.used_volumes == ("tpc1", "fgd2")
    with pytest.raises(ConfigError, match=r"tpc_ee.fiducial: is null, but all .* name some: tpc1"):
        load([f"+detector.fiducial.tpc{i}.by_name=true" for i in (1, 2, 3)])


def test_errors_of_the_background_come_from_the_search_or_from_above() -> None:
    def errors(*settings: str) -> list[float]:
        return [channel.error for channel in channels(load(list(settings)))]

    assert errors() == [0.43, 1.01]
    assert errors("search.tpc_ee.background.fhc.error=10 %") == [0.1, 1.01]
    assert errors("systematics=none") == [0, 0]
    assert errors("systematics=none", "systematics.background=0.2") == [0.2, 0.2]
    assert errors("systematics.background={rhc: 0.5}") == [0.43, 0.5]
    assert load(["systematics=none"]).signal_sizes(next(load([]).searches)[1]) == {}


BAD = [  # @ stands for search.tpc_ee
    ("selection=kinematic", "selection: is search now: search=tpc_ee or tpc_ee_tracks"),
    ("selection.min_cos_theta=0.9", "selection.min_cos_theta: is search now"),
    ("+selection.cuts={}", "selection: is search now"),
    ("+exposure.observed={fhc: 0}", "exposure.observed: is of the searches now: search.NAME.obs"),
    ("datasets=[{exposure: {name: x, pot: {fhc: 1e20}, observed: {fhc: 1}}}]",
     "datasets.0.exposure.observed: is of the searches now"),
    ("search=tpc_e", "search=tpc_e: no such search; did you mean tpc_ee?"),
    ("search=[tpc_ee,tpc_e]", "search=tpc_e: no such search; did you mean tpc_ee?"),
    ("search=[tpc_ee,tpc_ee]", "search=[tpc_ee,tpc_ee]: has an option twice"),
    ("search=[]", "datasets.0.search: is missing; name one here or add search=NAME"),
    ("~search", "datasets.0.search: is missing; name one here or add search=NAME"),
    ("search=tpc_ee,tpc_ee_tracks", "search=tpc_ee,tpc_ee_tracks: has several values; add -m"),
    ("search.tpc_ee=1", "search.tpc_ee: 1 is not a mapping"),
    ("search.tpc_e.min_cos_theta=0.9", "search.tpc_e.min_cos_theta: unknown key; did"),
    ("+search.tpc_e.min_cos_theta=0.9", "search.tpc_e.kind: is missing (recast, tracks, photons, "),
    ("@.kind=recasts", "@.kind: recasts is not a kind of search; did you "
     "mean recast?"),
    ("@.kind=tracks", "@.efficiency: unknown key"),
    ("@.min_cos_thta=1", "@.min_cos_thta: unknown key; did you mean"),
    ("@.final_state=mupi", "@.final_state: mupi is no final state of"),
    ("@.fiducial=[tpc1,tpc4]", "datasets.0.@.fiducial: tpc4 is not a fiducial"
     " volume of nd280; did you mean tpc"),
    ("+detector.fiducial.tpc1.by_name=1", "detector.fiducial.tpc1.by_name: 1"),
    ("+detector.volumes.fgd1.by_name=true", "detector.volumes.fgd1.by_name: unknown key"),
    ("@.fiducial=[]", "@.fiducial: [] is empty"),
    ("@.fiducial=[tpc1,tpc1]", "@.fiducial: tpc1 appears twice"),
    ("@.fiducial=tpc1", "@.fiducial: tpc1 is not a list; write [tpc1]"),
    ("+@.observed.t2k_2091={fhc: 0, rhc: 0}", "@.observed.t2k_2091: there "
     "is no exposure t2k_2091; did you mean t2k_2019?"),
    ("+@.observed.t2k_2019.up=0", "datasets.0.@.observed.t2k_2019: has"),
    ("@.observed.t2k_2019.fhc=-1", "@.observed.t2k_2019.fhc: -1"),
    ("@.observed.t2k_2019.fhc=0.5", "@.observed.t2k_2019.fhc: 0.5"),
    ("@.observed.t2k_2019.fhc=[0,0]", "@.observed.t2k_2019.fhc: has 2 entr"),
    ("@.background.fhc.error=43", "@.background.fhc.error: 43 is not a rela"),
    ("@.background.fhc.events=[1,2]", "@.background.fhc.events: has 2 entr"),
    ("@.background.fhc.error=[0.1,0.1]", "@.background.fhc.error: has 2 en"),
    ("@.background.fhc.events=0", "@.background.fhc.events: 0 leaves channel "
     "nd280_fhc without background"),
    ("+@.background.rhc.pot_of=up", "datasets.0.@.background.rhc.pot_of: up"),
    ("~@.background.rhc", "datasets.0.@.background: lacks the horn mode rhc"),
    ("+@.systematics.pauli=0.1", "@.systematics.pauli: is not of a search"),
    ("+@.systematics.flux_x=0.1", "@.systematics.flux_x: is not of a search"),
    ("@.systematics.efficiency=20", "@.systematics.efficiency: 20 is not a"),
    ("systematics.background={up: 0.1}", "systematics.background.up: up is no horn mode of"),
    ("systematics.background=43", "systematics.background: 43 is not a relative size"),
    ("systematics.searches=maybe", "systematics.searches: maybe: input should be a valid boolean"),
    ("search=[tpc_ee,tpc_ee_tracks]", "datasets.0.search.tpc_ee_tracks: counts the decays to ee in "
     "tpc1, tpc2, tpc3 that tpc_ee counts; if not say disjoint_from: [tpc_ee]"),
    ("datasets=[{exposure: t2k_2019}, {name: b, exposure: t2k_2019}]", "datasets: b with search "
     "tpc_ee counts the decays to ee in tpc1, tpc2, tpc3 that tpc_ee counts"),
    ("datasets=[{exposure: t2k_2019, search: [tpc_ee, tpc_ee]}]", "datasets.0.search: names"),
    ("datasets=[{exposure: t2k_2019, search: tpc_e}]", "search=tpc_e: no such search; did"),
    ("datasets=[{exposure: t2k_2019, search: {a: 1}}]", "datasets.0.search.a: 1 is not a mapping"),
    ("datasets=[{exposure: t2k_2019, search: {kind: recast}}]", "datasets.0.search.name: is missi"),
    ("datasets=[{exposure: t2k_2019, flux: t2k_nd28}]", "flux=t2k_nd28: no such flux; did you"),
    ("flux.name='a b'", "flux.name: a b is not a name"),
    ("datasets=[{exposure: t2k_2019, search: 3}]", "datasets.0.search: 3 is not the name of a s"),
    ("datasets=[{exposure: t2k_2019, search: [null]}]", "datasets.0.search: None is not the name"),
    ("+@.systematics.mc_x=0.1", "@.systematics.mc_x: is not of a search"),
    ("+@.covariance={modes: [fhc], matrix: '~nobodyx/c.csv'}", "@.covariance.matrix: begins with"),
    ("flux=[]", "datasets.0.flux: is missing; name one here or add flux=NAME"),
]  # fmt: skip


@pytest.mark.parametrize(("override", "line"), BAD, ids=[override for override, _ in BAD])
def test_bad_input_is_one_line(override: str, line: str) -> None:
    with pytest.raises((ConfigError, DataError)) as error:
        channels(load([override.replace("@", "search.tpc_ee")]))
    line = line.replace("@", "search.tpc_ee").removeprefix("datasets: ")
    assert str(error.value).removeprefix("datasets: ").startswith(line)
    assert "\n" not in str(error.value)


COVARIANCE = [
    ("{modes: [fhc, rhc], matrix: [[1]]}", "is 1 x 1; fhc, rhc with 1 bins each need 2 x 2"),
    ("{modes: [fhc], matrix: [[1, 2], [2, 1]]}", "is 2 x 2; fhc with 1 bins each need 1 x 1"),
    ("{modes: [fhc, rhc], matrix: [[1, 2], [2]]}", "matrix.1: has 1 entries; rows are 2"),
    ("{modes: [fhc, fhc], matrix: [[1, 2], [2, 1]]}", "modes: fhc appears twice"),
    ("{modes: [up], matrix: [[1]]}", "modes: up is not in background; choose from fhc, rhc"),
    ("{modes: [], matrix: []}", "modes: [] is empty"),
    ("{matrix: [[1]]}", "modes: is missing"),
    ("{modes: [fhc], matrix: [[x]]}", "matrix.0.0: x"),
]


@pytest.mark.parametrize(("covariance", "line"), COVARIANCE)
def test_a_covariance_that_does_not_fit_is_one_line(covariance: str, line: str) -> None:
    with pytest.raises(ConfigError) as error:
        load([f"+search.tpc_ee.covariance={covariance}"])
    assert str(error.value).startswith("search.tpc_ee.covariance")
    assert line in str(error.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1,0\n0,x\n", "c.csv, line 2: 'x' is not a number"),
        ("1,0\n0\n", "c.csv, line 2: has 1 numbers, the first row 2"),
        ("1,0\n", "c.csv: is no square matrix: 1 rows of 2 numbers"),
        ("", "c.csv: is no square matrix: 0 rows of 0 numbers"),
    ],
)
def test_a_matrix_in_a_file_is_read_with_care(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "c.csv").write_text(text)
    covariance = f"+search.tpc_ee.covariance={{modes: [fhc, rhc], matrix: {tmp_path / 'c.csv'}}}"
    with pytest.raises(DataError, match=r"search.tpc_ee.covariance.matrix: ") as error:
        load([covariance])
    assert str(error.value).endswith(line)
    (tmp_path / "c.csv").write_text("# events^2\n0.04, 0.001\n0.001, 0.0001\n")
    (search,) = load([covariance]).datasets[0].search.values()
    assert search.covariance is not None
    assert search.covariance.matrix == ((0.04, 0.001), (0.001, 0.0001))


def test_bins_need_a_background_each() -> None:
    with pytest.raises(ConfigError, match=r"background.fhc.events: is for 2 bins together; give"):
        load(["search=tpc_ee_tracks", BINS])
    each = [f"search.tpc_ee_tracks.background.{mode}.events=[0.2,0.3]" for mode in ("fhc", "rhc")]
    study = load(["search=tpc_ee_tracks", BINS, *each])
    assert channels(study)[0].background == pytest.approx((0.2, 0.3))


@pytest.mark.parametrize("override", ["search.tpc_ee.min_cos_theta=0.9", "search=tpc_ee"])
def test_a_search_that_no_dataset_uses_is_an_error(override: str) -> None:
    with pytest.raises(ConfigError, match="changes nothing, because each entry of datasets names"):
        load(["datasets=[{exposure: t2k_2019, search: tpc_ee_tracks}]", override])


def test_a_files_own_list_of_overrides_is_checked(tmp_path: Path) -> None:
    folder = own_folder(tmp_path)
    (folder / "detector" / "bad.yaml").write_text(OWN_DETECTOR.replace("my_beam", "my_baem"))
    with pytest.raises(ConfigError, match=r"flux=my_baem: no such flux; did you mean my_beam?"):
        load([f"hydra.searchpath=['file://{folder}']", "detector=bad"])


def test_a_detector_brings_its_search_beam_task_and_grid(tmp_path: Path) -> None:
    """Where it is chosen; named by a dataset it brings search and beam alone."""
    study = load(["detector=miniboone"])
    assert names(study) == [("miniboone", "bnb_miniboone", ("electron_like",))]
    assert (study.task.kind, study.scan.mass.points) == ("fit", 36)
    assert load(["detector=miniboone", "task=yields", "scan=default"]).scan.mass.points == 45
    both = "datasets=[{detector: miniboone, exposure: miniboone}, {exposure: t2k_2019}]"
    study = load([both])
    assert names(study) == [
        ("miniboone", "bnb_miniboone", ("electron_like",)), ("nd280", "t2k_nd280", ("tpc_ee",))
    ]  # fmt: skip
    assert (study.task.kind, study.scan.mass.points) == ("contour", 45)
    # what a run keeps has the numbers of the files, and needs these no more
    (tmp_path / "config.yaml").write_text(to_yaml(study), encoding="utf-8")
    assert read(tmp_path / "config.yaml").datasets == study.datasets
