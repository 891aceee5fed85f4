"""search=tpc_ee_tracks end to end, with an observable, and what can go wrong."""

import csv
import json

import jsonpatch
import pyhf
import pytest
from axes import ANY

from hnlstat.app import main
from hnlstat.run.files.yields import read_yields

TRACKS = "search.tpc_ee_tracks"
GRID = (
    "scan.mass.values=[60 MeV, 0.2 GeV]", "scan.coupling.points=8", "scan.coupling.min=1e-7",
    "simulation.precision=0.1", "executor.workers=1",
    "search=tpc_ee_tracks", TRACKS + ".decays=4",
)  # fmt: skip
SHAPE = (
    TRACKS + ".observable={name: pair_angle, edges: [0 mrad, 30 mrad, 60 mrad, 8 deg], "
    "background: [0.3, 0.3, 0.4]}"
)
CUTS = [
    "min_momentum", "opposite_charge", "min_track_length", "min_separation", "max_opening_angle",
    "min_pair_cos", "max_pair_mass",
]  # fmt: skip


def run(tmp_path, *arguments):
    """Run the command line and return the folder that it made."""
    assert main([*GRID, f"runs={tmp_path}", *arguments]) == 0
    (folder,) = tmp_path.glob("*/*")
    return folder


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def contour(tmp_path_factory):
    return run(tmp_path_factory.mktemp("runs"), SHAPE, "inference.calculator=asymptotic")


def test_shape_enters_the_likelihood(contour):
    """Three bins in each channel, whose background is split as configured."""
    background = json.loads((contour / "workspace/BkgOnly.json").read_text())
    patches = pyhf.PatchSet(json.loads((contour / "workspace/patchset.json").read_text()))
    model = pyhf.Workspace(jsonpatch.apply_patch(background, patches.patches[5].patch)).model()
    assert model.config.channel_nbins == {"nd280_fhc": 3, "nd280_rhc": 3}
    channel = next(c for c in background["channels"] if c["name"] == "nd280_fhc")
    (sample,) = (s for s in channel["samples"] if s["name"] == "background")
    assert sample["data"] == pytest.approx([0.3 * 0.563, 0.3 * 0.563, 0.4 * 0.563])
    assert (contour / "limits.csv").stat().st_size > 200


def test_yields_have_their_bins_and_cut_flow(contour):
    table = read_yields(contour / "yields.csv", ANY)
    assert set(table.bin) == {0, 1, 2}
    assert (table.events.sum(axis=(0, 1)) > 0).all()
    flow = rows(contour / "cutflow.csv")
    assert [row["cut"] for row in flow[:9]] == ["none", *CUTS, "beyond_edges"]
    left = [float(row["decays"]) for row in flow[:8]]
    assert left == sorted(left, reverse=True)
    assert 0 < float(flow[7]["share"]) < 0.5


def test_a_cut_that_keeps_nothing_is_named(tmp_path, capfd):
    folder = run(tmp_path, "task=yields", TRACKS + ".cuts.max_opening_angle=1e-6")
    text = TRACKS + ".cuts.max_opening_angle = 1e-06 keeps no decay at 2 masses, 60 to 200 MeV"
    assert json.loads((folder / "summary.json").read_text())["remarks"] == [text]
    assert text in " ".join(capfd.readouterr().out.split())
    assert not read_yields(folder / "yields.csv", ANY).events.any()


def test_events_beyond_the_edges_are_counted_and_said(tmp_path):
    edges = TRACKS + ".observable={name: pair_energy, edges: [2 GeV, 3 GeV], background: [1]}"
    folder = run(tmp_path, "task=point", "model.mass=0.1", "model.coupling=1e-6", edges)
    summary = json.loads((folder / "summary.json").read_text())
    (remark,) = [text for text in summary["remarks"] if "changes nothing" not in text]
    assert remark.startswith(TRACKS + ".observable.edges: 9")
    assert remark.endswith("lie beyond them and count in the outermost bins")
    flow = {
        row["cut"]: row for row in rows(folder / "cutflow.csv") if row["channel"] == "nd280_fhc"
    }
    events = summary["channels"][0]["signal"]
    assert events == pytest.approx(0.178 * float(flow["max_pair_mass"]["decays"]), rel=1e-4)
    assert summary["searches"]["tpc_ee_tracks"]["efficiency"] < 0.178


def test_efficiency_against_the_recast(tmp_path):
    folder = run(tmp_path, "task=efficiency", "simulation.precision=0.03")
    found = {(row["mass_gev"], row["place"]): row for row in rows(folder / "efficiency.csv")}
    assert set(found) == {(m, place) for m in ("0.06", "0.2") for place in ("coupling", "events")}
    # as the recast assumes for light N; heavier ones have narrow pairs
    assert 0.9 < float(found["0.06", "coupling"]["ratio"]) < 1.25
    assert 0.5 < float(found["0.2", "coupling"]["ratio"]) < 0.7
    there = found["0.06", "events"]
    assert float(there["events_reference"]) == pytest.approx(2.3, rel=1e-6)
    assert float(there["events"]) == pytest.approx(2.3 * float(there["ratio"]), rel=1e-4)


@pytest.mark.parametrize(
    ("override", "line"),
    [
        (TRACKS + ".observable={name: pair_mas, edges: [0, 1], background: [1]}",
         TRACKS + ".observable.name: pair_mas is not an observable; did you mean pair_mass?"),
        (TRACKS + ".observable={name: pair_mass, edges: [0 MeV, 20 mrad], background: [1]}",
         TRACKS + ".observable.edges: ['0 MeV', '20 mrad'] has the edge 20 mrad, which is an "
         "angle, expected an energy in GeV"),
        (TRACKS + ".observable={name: pair_mass, edges: [0, 1, 2], background: [0.5, 0.4]}",
         TRACKS + ".observable.background: [0.5, 0.4] sums to 0.9, not to 1"),
        (TRACKS + ".observable={name: pair_mass, edges: [0, 1, 2], background: [1]}",
         TRACKS + ".observable.background: has 1 shares for 2 bins of `edges`"),
        (TRACKS + ".observable={name: pair_mass, edges: [0], background: [1]}",
         TRACKS + ".observable.edges: has 1 entries; a bin needs two"),
        (TRACKS + ".kind=kinematics",
         TRACKS + ".kind: kinematics is not a kind of search; choose from recast, tracks"),
        (TRACKS + ".cuts.min_pair_cos=2", TRACKS + ".cuts.min_pair_cos: 2 is not a cosine from -1"),
        (TRACKS + ".smearing.angle=-1 mrad", TRACKS + ".smearing.angle: -1 mrad is negative"),
        (TRACKS + ".cuts.min_separation=0", TRACKS + ".cuts.min_separation: 0 is not positive"),
        ("detector.fiducial.tpc1.size=[2.48 m, 1 m, 0.5 m]",
         "datasets.0.detector.fiducial.tpc1: does not lie in a single box"),
    ],
)  # fmt: skip
def test_bad_settings_are_one_clear_line(tmp_path, capfd, override, line):
    assert main([*GRID, f"runs={tmp_path}", "task=yields", override]) == 2
    error = capfd.readouterr().err
    assert error.startswith(f"hnlstat: {line}")
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_reference_that_does_not_compose_is_one_line(tmp_path, capfd):
    arguments = [
        *GRID,
        f"runs={tmp_path}",
        "task=efficiency",
        "task.reference=['search=tpc']",
    ]
    assert main(arguments) == 2
    assert capfd.readouterr().err.startswith("hnlstat: task.reference: ")
