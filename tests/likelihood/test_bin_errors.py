"""Statistical errors of a background by bin, beside its other uncertainties."""

import numpy as np
import pytest

from hnlstat.errors import ConfigError
from hnlstat.likelihood.channels import channels, covariance
from hnlstat.likelihood.experiment import components
from hnlstat.studies import load

EDGES = "search.photon.observable={name: visible_energy, edges: [100 MeV, 300 MeV, 3 GeV]}"
BACKGROUND = ("search.photon.background={fhc: {events: [30, 10], pot: 6.8e20}, "
              "rhc: {events: [8, 4], pot: 6.8e20}}")  # fmt: skip
MATRIX = ("search.photon.covariance={modes: [fhc], matrix: [[0.04, 0.02], [0.02, 0.09]], "
          "relative: true}")  # fmt: skip


def of(asked, *overrides):
    """The study, its covariance in a dataset, and its channels."""
    mine = [f"+search.photon.background.fhc.{one}" for one in asked]
    study = load(["detector=microboone", "search=photon", "task=yields", EDGES, BACKGROUND, *mine,
                  *(overrides or ("search.photon.covariance=null",))])  # fmt: skip
    dataset, search = next(iter(study.searches))
    return study, covariance(study, dataset, search), channels(study)


def test_they_stand_beside_an_error_that_is_common_to_all_bins():
    study, found, (fhc,) = of(["error=20 %", "mc_error=[0.1,0.5]"])
    events = np.array(fhc.background)
    assert found == pytest.approx(np.diag((events * [0.1, 0.5]) ** 2))
    assert fhc.error == 0.2
    shifts = components(study, [fhc.name] * 2, [0, 1])
    total = sum(np.outer(one, one) for one in shifts.values())
    assert total == pytest.approx(found)


def test_they_add_to_errors_of_bins_and_to_a_covariance():
    _, found, (fhc,) = of(["error=[0.3,0.4]", "mc_error=[0.4,0.3]"])
    events = np.array(fhc.background)
    assert found == pytest.approx(np.diag((0.5 * events) ** 2))
    _, alone, _ = of([], MATRIX)
    _, both, _ = of(["mc_error=[0.1,0.2]"], MATRIX)
    assert both - alone == pytest.approx(np.diag((events * [0.1, 0.2]) ** 2))
    assert alone[0, 1] == pytest.approx(0.02 * events[0] * events[1])


def test_what_stands_in_place_of_all_errors_is_in_place_of_these():
    none = "search.photon.covariance=null"
    for override in ("background=30 %", "background={fhc: 30 %}", "searches=false"):
        assert of(["mc_error=[0.1,0.5]"], none, f"systematics.{override}")[1] is None
    assert of([], none)[1] is None


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("[0.1]", r"background\.fhc\.mc_error: has 1 entries for 2 bins"),
        ("0.1", r"background\.fhc\.mc_error: 0.1 is not a list; write \[0.1\]"),
        ("[0.1,-1]", r"mc_error\.1: -1 is not a relative size"),
        ("true", r"background\.fhc\.mc_error: true, but events: "),
    ],
)
def test_what_is_none_is_one_line(asked, words):
    with pytest.raises(ConfigError, match=words):
        of([f"mc_error={asked}"])


@pytest.mark.parametrize("error", ["20 %", "0.2", "0"])
def test_those_of_a_file_are_not_lost_beside_an_error_common_to_all_bins(tmp_path, error):
    path = tmp_path / "b.csv"
    path.write_text("n,n_error,r\n30,3,0.3\n10,2,0.4\n")
    mine = f"search.photon.background.fhc.events='{path}:n'"
    none = "search.photon.covariance=null"
    with pytest.raises(ConfigError, match=r"fhc\.events: .*has errors of its bins, .*mc_error: tr"):
        of([f"error={error}"], none, mine)
    assert of([f"error={error}", "mc_error=false"], none, mine)[1] is None
    for said in ("[0.3,0.4]", f"'{path}:r'"):  # errors of bins are given: nothing is to be said
        found = of([f"error={said}"], none, mine)[1]
        assert found == pytest.approx(np.diag([81.0, 16.0]))
