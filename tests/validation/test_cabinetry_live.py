"""cabinetry opens and fits our workspaces; run where it is installed (`hnlstat[peers]`)."""

import json
from dataclasses import replace

import numpy as np
import pyhf
import pytest

from hnlstat.inference.engines.profile import best_fit
from hnlstat.likelihood.model import CountingModel
from hnlstat.likelihood.patchset import SignalGrid, patchset
from hnlstat.likelihood.reader import read_likelihoods
from hnlstat.likelihood.workspace import background_only

cabinetry = pytest.importorskip("cabinetry")

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


@pytest.mark.parametrize(
    "model", [COUNTS, SPECTRUM, COVARIANCE], ids=["counts", "spectrum", "covariance"]
)
def test_cabinetry_finds_the_same_strength(model):
    background, spec = patched(model)
    for content in (background, spec):
        cabinetry.workspace.validate(content)
    # by default it stops 4e-3 short of the minimum
    fitted = cabinetry.fit.fit(*cabinetry.model_utils.model_and_data(spec), tolerance=1e-5)
    place = fitted.labels.index("mu")
    likelihoods = read_likelihoods([spec])
    ours = best_fit(likelihoods, likelihoods.data)
    assert ours.converged.all()
    assert 0.3 < fitted.bestfit[place] < 3.0  # not at its bounds
    assert ours.parameters[0, likelihoods.poi] == pytest.approx(fitted.bestfit[place], abs=1e-3)
    assert fitted.uncertainty[place] > 0.1


def test_cabinetry_opens_the_background_alone():
    background, _ = patched(SPECTRUM)
    model, data = cabinetry.model_utils.model_and_data(background)
    assert model.config.channel_nbins == {"nd280_fhc": 3, "nd280_rhc": 2}
    rates = cabinetry.model_utils.prediction(model).model_yields
    totals = [np.sum(channel, axis=0) for channel in rates]
    assert np.concatenate(totals) == pytest.approx(SPECTRUM.background)
    assert data[:5] == SPECTRUM.observed.tolist()
