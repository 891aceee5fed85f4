"""cabinetry's fits of our workspaces; where it is installed (`hnlstat[peers]`) it is asked again.

`python tests/validation/test_cabinetry.py` writes the table of its fits anew.
"""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyhf
import pytest

from hnlstat.inference.engines.profile import best_fit
from hnlstat.likelihood.model import CountingModel
from hnlstat.likelihood.patchset import SignalGrid, patchset
from hnlstat.likelihood.reader import read_likelihoods
from hnlstat.likelihood.workspace import background_only

SUBJECT = "Statistics"
SOURCE = "cabinetry 0.6.0, by Minuit"
TABLE = Path(__file__).parent / "cabinetry_fits.csv"

pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")

POINT = (0.1, 4e-7)
COUNTS = CountingModel(
    ("nd280_fhc", "nd280_rhc"),
    np.array([3.0, 1.2]),
    np.array([0.563, 0.015]),
    np.array([2.0, 1.0]),
    {"flux_fhc": np.array([0.12, 0.0]), "efficiency": np.full(2, 0.2)},
    np.array([0.3, 1.0]),
    np.array([0.02, 0.03]),
)
SPECTRUM = CountingModel(
    ("nd280_fhc",) * 3 + ("nd280_rhc",) * 2,
    np.array([0.5, 2.0, 0.4, 1.1, 0.6]),
    np.array([1.3, 2.0, 3.0, 0.1, 0.05]),
    np.array([2.0, 4.0, 4.0, 1.0, 1.0]),
    {
        "flux_fhc": np.array([0.10, 0.14, 0.3, 0.0, 0.0]),
        "flux_rhc": np.array([0.0, 0.0, 0.0, 0.11, 0.12]),
        "efficiency": np.full(5, 0.2),
    },
    np.array([0.3, 0.3, 0.3, 1.0, 1.0]),
    np.array([0.05, 0.02, 0.0, 0.1, 0.04]),
    bins=(0, 1, 2, 0, 1),
)
COVARIANCE = replace(
    SPECTRUM,
    background=20.0 * SPECTRUM.background,
    observed=20.0 * SPECTRUM.background + np.array([3.0, 9.0, 1.0, 2.0, 0.0]),
    background_components={
        "search_0": np.array([3.0, 5.0, 8.0, 0.2, 0.1]),
        "search_1": np.array([2.0, 0.0, -3.0, 0.0, 0.0]),
    },
)


MODELS = {"counts": COUNTS, "spectrum": SPECTRUM, "covariance": COVARIANCE}


def patched(model):
    """The point as it comes out of the files BkgOnly.json and patchset.json."""
    grid = SignalGrid(
        *np.array([POINT]).T,
        model.signal[None],
        {name: delta[None] for name, delta in model.signal_modifiers.items()},
        model.mc_error[None],
    )
    files = background_only(model), patchset(model, grid, "test", "coupling_inv_gev")
    spec, patches = (json.loads(json.dumps(content)) for content in files)
    return spec, dict(pyhf.PatchSet(patches).apply(spec, POINT))


def strengths():
    """Of the table, by model."""
    with TABLE.open() as file:
        table = csv.DictReader(line for line in file if line[0] != "#")
        return {row["model"]: float(row["strength"]) for row in table}


def fit_by_cabinetry(spec):
    """Strength of the signal and its error."""
    import cabinetry

    # by default it stops 4e-3 short of the minimum
    fitted = cabinetry.fit.fit(*cabinetry.model_utils.model_and_data(spec), tolerance=1e-5)
    place = fitted.labels.index("mu")
    return float(fitted.bestfit[place]), float(fitted.uncertainty[place])


@pytest.mark.parametrize("name", MODELS)
def test_the_strength_is_that_of_cabinetry(compare, name):
    likelihoods = read_likelihoods([patched(MODELS[name])[1]])
    ours = best_fit(likelihoods, likelihoods.data)
    assert ours.converged.all()
    theirs = strengths()[name]
    assert 0.3 < theirs < 3.0  # not at its bounds
    what = f"best fit of the signal's strength, {name}"
    compare(what, ours.parameters[0, likelihoods.poi], theirs, absolute=1e-3)


@pytest.mark.parametrize("name", MODELS)
def test_cabinetry_takes_workspaces_and_finds_the_strength_again(name):
    cabinetry = pytest.importorskip("cabinetry")
    background, spec = patched(MODELS[name])
    for content in (background, spec):
        cabinetry.workspace.validate(content)
    strength, error = fit_by_cabinetry(spec)
    assert strength == pytest.approx(strengths()[name], abs=1e-3)
    assert error > 0.1


def test_cabinetry_opens_the_background_alone():
    cabinetry = pytest.importorskip("cabinetry")
    background, _ = patched(SPECTRUM)
    model, data = cabinetry.model_utils.model_and_data(background)
    assert model.config.channel_nbins == {"nd280_fhc": 3, "nd280_rhc": 2}
    rates = cabinetry.model_utils.prediction(model).model_yields
    totals = [np.sum(channel, axis=0) for channel in rates]
    assert np.concatenate(totals) == pytest.approx(SPECTRUM.background)
    assert data[:5] == SPECTRUM.observed.tolist()


def freeze():
    """Write the table of fits."""
    import cabinetry

    rows = [
        (name, f"{fit_by_cabinetry(patched(model)[1])[0]:.6f}") for name, model in MODELS.items()
    ]
    with TABLE.open("w", newline="") as file:
        version = cabinetry.__version__
        file.write(f"# Signal strengths in test_cabinetry.py's workspaces, cabinetry {version}\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("model", "strength"), *rows])


if __name__ == "__main__":
    freeze()
