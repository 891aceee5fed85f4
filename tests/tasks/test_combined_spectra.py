"""task=combine of runs whose channels have several bins, against one run with all datasets."""

import csv
import json

import numpy as np
import pyhf
import pytest
from axes import ANY

from hnlstat.app import main
from hnlstat.inference.engines.asymptotic import asymptotic_tests
from hnlstat.run.files.limits import read_limits
from hnlstat.run.files.yields import read_yields

MASSES = (0.1, 0.2)
SETTINGS = (
    "scan.mass.values=[0.1, 0.2]", "scan.coupling.points=12", "scan.coupling.min=2e-7",
    "scan.coupling.max=5e-6", "simulation.precision=0.1", "executor=serial", "search=tpc_ee_tracks",
    "search.tpc_ee_tracks.observable={name: pair_mass, edges: [0 MeV, 40 MeV, 700 MeV], "
    "background: [0.3, 0.7]}",
)  # fmt: skip
OLD, NEW = "{name: old, exposure: t2k_2019}", "{name: new, exposure: t2k_2023}"
DATA = {"old_fhc": (1, 0), "old_rhc": (0, 0), "new_fhc": (0, 2), "new_rhc": (0, 1)}


def run(tmp_path, *arguments):
    before = set(tmp_path.glob("*/*"))
    assert main([f"runs={tmp_path}", *arguments]) == 0
    (folder,) = set(tmp_path.glob("*/*")) - before
    return folder


def study(tmp_path, *datasets, seed=1, task="workspace"):
    """Run a study of some datasets with their data."""
    names = [name for name in ("old", "new") if any(f"name: {name}," in d for d in datasets)]
    data = tmp_path / f"{'_'.join(names)}.csv"
    lines = [f"{c},{i},{n}\n" for c in DATA if c[:3] in names for i, n in enumerate(DATA[c])]
    data.write_text("".join(["channel,bin,observed\n", *lines]))
    return run(
        tmp_path, *SETTINGS, f"datasets=[{', '.join(datasets)}]", f"data_from={data}",
        f"simulation.seed={seed}", f"task={task}", "inference.calculator=asymptotic",
        "bounds.curves=[]",
    )  # fmt: skip


def likelihood(folder):
    """Workspace and patch set of a run."""
    names = "BkgOnly.json", "patchset.json"
    spec, patches = (json.loads((folder / "workspace" / name).read_text()) for name in names)
    return pyhf.Workspace(spec), pyhf.PatchSet(patches)


def limits(folder):
    """Lowest excluded coupling at each mass, between the grid points of a workspace."""
    background, patches = likelihood(folder)
    found = []
    for mass in MASSES:
        mine = [patch for patch in patches if patch.values[0] == mass]
        cls = asymptotic_tests([dict(patch.apply(background)) for patch in mine]).cls
        end = int(np.argmax(cls < 0.1)) + 1
        log_coupling = np.log([patch.values[1] for patch in mine[:end]])
        found.append(np.exp(np.interp(-np.log(0.1), -np.log(cls[:end]), log_coupling)))
    return found


def powers(folder, couplings):
    """Power of the coupling that the events of a run go as, at one coupling for each mass."""
    table = read_yields(folder / "yields.csv", ANY, [*DATA])
    x, events = np.log(table.couplings), np.log(table.events.sum(axis=-1))
    slopes = np.gradient(events, x, axis=1)
    return [np.interp(np.log(d), x, slope) for d, slope in zip(couplings, slopes, strict=True)]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    return study(tmp_path_factory.mktemp("both"), OLD, NEW, task="contour")


@pytest.fixture(scope="module")
def combined(tmp_path_factory):
    folder = tmp_path_factory.mktemp("combined")
    parts = ",".join(str(study(folder, dataset)) for dataset in (OLD, NEW))
    return run(folder, "task=combine", f"task.folders=[{parts}]", "name=combined")


def test_all_channels_keep_their_bins_and_data(combined):
    background, patches = likelihood(combined)
    patches.verify(background)
    model = pyhf.Workspace(next(iter(patches)).apply(background)).model()
    assert model.config.channel_nbins == dict.fromkeys(sorted(DATA), 2)
    assert {k: tuple(v) for k, v in background.observations.items()} == DATA
    assert len(patches.patches) == len(MASSES) * 12


def test_modifiers_of_the_same_name_move_together(combined):
    summary = json.loads((combined / "summary.json").read_text())
    shared = {"efficiency", "flux_t2k_nd280_fhc", "flux_t2k_nd280_rhc", "form_factor", "pauli",
              "rock_density_t2k_nd280", "rock_length_t2k_nd280"}  # fmt: skip
    assert {*summary["correlated"]} == shared
    background, patches = likelihood(combined)
    model = pyhf.Workspace(patches.patches[0].apply(background)).model()
    names = model.config.par_order
    assert {*names} == {
        "mu", *shared, *(f"background_{name}" for name in DATA), *(f"mc_{name}" for name in DATA)
    }  # fmt: skip

    def moved(parameter):
        """Channels in which a parameter changes the rates."""
        rates = []
        for value in (0.0, 1.0):
            theta = np.array(model.config.suggested_init())
            theta[model.config.par_slice(parameter)] = value
            rates.append(model.expected_actualdata(theta))
        changed = ~np.isclose(*rates, rtol=1e-9, atol=0.0)
        slices = model.config.channel_slices
        return {name for name in model.config.channels if changed[slices[name]].all()}

    assert moved("efficiency") == moved("rock_density_t2k_nd280") == {*DATA}
    assert moved("flux_t2k_nd280_fhc") == {"old_fhc", "new_fhc"}
    assert moved("background_new_rhc") == {"new_rhc"}


def test_the_combination_is_one_run_of_both(both, combined):
    # the same seed gives the same yields: only the order of the channels differs
    assert limits(combined) == pytest.approx(limits(both), rel=1e-5)
    lower = [
        found.coupling
        for found in read_limits(both / "limits.csv")
        if (found.level, found.kind, found.branch) == (0.9, "observed", "lower")
    ]
    # twelve couplings in 1.4 decades, straight lines between
    assert limits(combined) == pytest.approx(lower, rel=0.02)


def test_independent_simulations_agree_to_their_precision(tmp_path, both):
    parts = [study(tmp_path, dataset, seed=10 + i) for i, dataset in enumerate((OLD, NEW))]
    folders = ",".join(map(str, parts))
    folder = run(tmp_path, "task=combine", f"task.folders=[{folders}]", "name=combined")
    with (both / "yields.csv").open() as file:
        error = max(float(row["precision"]) for row in csv.DictReader(file))
    for found, expected, power in zip(
        limits(folder), limits(both), powers(both, limits(both)), strict=True
    ):
        # both simulations have an error, and three sigma are allowed
        assert found == pytest.approx(expected, rel=3.0 * np.sqrt(2.0) * error / power)
    assert limits(folder) != limits(both)
