import json
import subprocess
import sys

import numpy as np
import pyhf
import pytest

from hnlstat.errors import InferenceError
from hnlstat.inference.engines.asymptotic import AsymptoticCalculator
from hnlstat.likelihood.model import CountingModel
from hnlstat.likelihood.patchset import SignalGrid, patchset
from hnlstat.likelihood.workspace import background_only, digest, workspace

# pyhf 0.7 validates with a class that jsonschema has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")


def grid_of(points):
    """Return the grid of some models by their masses and couplings."""
    models = list(points.values())
    modifiers = {
        name: np.array([model.signal_modifiers[name] for model in models])
        for name in models[0].signal_modifiers
    }
    return SignalGrid(
        *np.array(list(points)).T,
        np.array([model.signal for model in models]),
        modifiers,
        np.array([model.mc_error for model in models]),
    )


MODEL = CountingModel(
    ("nd280_fhc", "nd280_rhc"),
    signal=np.array([3.0, 1.2]),
    background=np.array([0.563, 0.015]),
    observed=np.array([0.0, 0.0]),
    signal_modifiers={"flux_fhc": np.array([0.12, 0.0]), "efficiency": np.full(2, 0.2)},
    background_modifiers=np.array([0.3, 1.0]),
    mc_error=np.array([0.01, 0.0]),
)
EMPTY = {(0.1, 1e-8): MODEL.with_signal([0.0, 0.0])}
GRID = grid_of({(0.1, 1e-7): MODEL, **EMPTY, (0.3, 2.5e-6): MODEL.with_signal([0.0, 4.0])})


SPECTRUM = CountingModel(
    ("nd280_fhc",) * 3 + ("nd280_rhc",) * 3,
    signal=np.array([0.5, 2.0, 0.0, 0.1, 0.6, 0.4]),
    background=np.array([1.3, 2.0, 3.0, 0.1, 0.05, 0.02]),
    observed=np.array([2.0, 1.0, 4.0, 0.0, 0.0, 1.0]),
    signal_modifiers={
        "flux_fhc": np.array([0.10, 0.14, 0.3, 0.0, 0.0, 0.0]),
        "flux_rhc": np.array([0.0, 0.0, 0.0, 0.11, 0.12, 0.09]),
        "efficiency": np.full(6, 0.2),
    },
    background_modifiers=np.repeat([0.3, 1.0], 3),
    mc_error=np.array([0.05, 0.02, 0.0, 0.1, 0.04, 0.03]),
    bins=(0, 1, 2, 0, 1, 2),
)


def pyhf_cli(*arguments):
    command = [sys.executable, "-c", "from pyhf.cli import cli; cli()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_workspace_is_valid_and_has_the_rates_of_the_model():
    spec = pyhf.Workspace(workspace(MODEL))
    likelihood = spec.model()
    assert likelihood.config.poi_name == "mu"
    assert spec.data(likelihood, include_auxdata=False) == [0.0, 0.0]
    nominal = likelihood.config.suggested_init()
    rates = likelihood.expected_actualdata(nominal)
    assert rates == pytest.approx(MODEL.signal + MODEL.background)
    nominal[likelihood.config.poi_index] = 0.0
    assert likelihood.expected_actualdata(nominal) == pytest.approx(MODEL.background)


def test_uncertainties_act_on_their_sample_and_channel():
    likelihood = pyhf.Workspace(workspace(MODEL)).model()
    names = ["background_nd280_fhc", "background_nd280_rhc", "efficiency", "flux_fhc"]
    assert sorted(likelihood.config.par_order) == [*names, "mc_nd280_fhc", "mu"]
    signal, background = MODEL.signal, MODEL.background
    shifted = {
        "background_nd280_rhc": signal + background * [1.0, 2.0],
        "efficiency": signal * 1.2 + background,
        "flux_fhc": signal * [1.12, 1.0] + background,
    }
    for name, expected in shifted.items():
        parameters = likelihood.config.suggested_init()
        parameters[likelihood.config.par_slice(name)] = [1.0]
        assert likelihood.expected_actualdata(parameters) == pytest.approx(expected)
    constraint = likelihood.config.param_set("mc_nd280_fhc")
    # the error of the signal alone, not of signal + background
    assert constraint.sigmas == pytest.approx([0.01])


def test_bins_of_a_channel_share_their_background_and_bend_with_the_flux():
    assert SPECTRUM.labels[1] == "nd280_fhc[1]"
    likelihood = pyhf.Workspace(workspace(SPECTRUM)).model()
    assert likelihood.config.channel_nbins == {"nd280_fhc": 3, "nd280_rhc": 3}
    signal, background = SPECTRUM.signal, SPECTRUM.background
    flux = 1.0 + SPECTRUM.signal_modifiers["flux_fhc"]
    # factor of the signal and of the background at +1 and -1 sigma
    shifted = {
        "background_nd280_fhc": (np.ones(6), np.repeat([1.3, 1.0], 3)),
        "flux_fhc": (flux, np.ones(6)),
        "efficiency": (np.full(6, 1.2), np.ones(6)),
    }
    for name, (on_signal, on_background) in shifted.items():
        for sigma in (1.0, -1.0):
            parameters = likelihood.config.suggested_init()
            parameters[likelihood.config.par_slice(name)] = [sigma]
            expected = signal * on_signal**sigma + background * on_background**sigma
            assert likelihood.expected_actualdata(parameters) == pytest.approx(expected)


def test_asymptotic_cls_of_spectra_are_those_of_pyhf():
    ours = AsymptoticCalculator().exclusion(SPECTRUM)
    spec = pyhf.Workspace(workspace(SPECTRUM))
    likelihood = spec.model()
    found, bands = pyhf.infer.hypotest(
        1.0, spec.data(likelihood), likelihood, test_stat="qtilde", return_expected_set=True
    )
    assert ours.validity == "ok"
    assert ours.cls_observed == pytest.approx(float(found), abs=1e-4)
    assert ours.cls_expected == pytest.approx([float(b) for b in bands], abs=1e-4)


def test_digest_is_that_of_pyhf():
    spec = background_only(MODEL) | {"text": "µ"}
    assert digest(spec) == pyhf.utils.digest(spec, algorithm="sha256")


def test_observations_without_data_are_the_expected_background():
    blind = CountingModel(MODEL.channels, MODEL.signal, MODEL.background)
    spec = pyhf.Workspace(background_only(blind))
    assert [spec.observations[name] for name in MODEL.channels] == [[0.563], [0.015]]


@pytest.mark.parametrize("model", [MODEL, SPECTRUM])
@pytest.mark.parametrize("optimizer", ["scipy", "minuit"])
def test_the_background_alone_fits_and_its_patches_free_mu(model, optimizer):
    spec = pyhf.Workspace(background_only(model))
    (patch,) = pyhf.PatchSet(
        patchset(model, grid_of({(0.1, 1e-7): model}), "test", "coupling_inv_gev")
    )
    backend, before = pyhf.get_backend()
    pyhf.set_backend(backend, optimizer)
    try:
        alone = spec.model()
        best = pyhf.infer.mle.fit(spec.data(alone), alone)
        fixed = pyhf.infer.mle.fixed_poi_fit(0.0, spec.data(alone), alone)
        # both ways that pyhf's command line has: `cls --patch` and `patchset apply`
        whole = pyhf.Workspace(patch.apply(spec))
        for point, data in ((spec.model(patches=[patch]), spec), (whole.model(), whole)):
            assert point.config.poi_name == "mu"
            assert point.config.suggested_init()[point.config.poi_index] == 1.0
            assert not point.config.suggested_fixed()[point.config.poi_index]
            cls = pyhf.infer.hypotest(1.0, data.data(point), point, test_stat="qtilde")
            ours = AsymptoticCalculator().exclusion(model).cls_observed
            assert ours == pytest.approx(float(cls), abs=1e-4)
    finally:
        pyhf.set_backend(backend, before)
    names = alone.config.par_names
    for name in (n for n in names if n != "mu"):
        assert best[names.index(name)] == pytest.approx(fixed[names.index(name)], abs=0.01)


def test_patches_carry_spectra():
    spec = background_only(SPECTRUM)
    patches = pyhf.PatchSet(
        patchset(SPECTRUM, grid_of({(0.1, 1e-7): SPECTRUM}), "test", "coupling_inv_gev")
    )
    assert dict(patches.apply(spec, (0.1, 1e-7))) == workspace(SPECTRUM)


def test_a_patch_turns_background_only_into_the_point():
    spec = background_only(MODEL)
    patches = pyhf.PatchSet(patchset(MODEL, GRID, "test", "coupling_inv_gev"))
    assert patches.labels == ["mass_gev", "coupling_inv_gev"]
    patches.verify(spec)
    assert dict(patches.apply(spec, (0.1, 1e-7))) == workspace(MODEL)
    assert [patch.values for patch in patches] == [(0.1, 1e-7), (0.3, 2.5e-6)]
    assert [patch.name for patch in patches] == [
        "mass_0p1_coupling_1em07",
        "mass_0p3_coupling_2p5em06",
    ]


def test_digest_is_of_the_background_only_workspace():
    other = background_only(MODEL.without_uncertainties())
    patches = pyhf.PatchSet(patchset(MODEL, GRID, "test", "coupling_inv_gev"))
    with pytest.raises(pyhf.exceptions.PatchSetVerificationError):
        patches.verify(other)


def test_a_patch_set_needs_a_signal():
    with pytest.raises(InferenceError, match="no grid point has a signal"):
        patchset(MODEL, grid_of(EMPTY), "test", "coupling_inv_gev")


def test_command_line_tools_take_the_files_as_they_are(tmp_path):
    spec = background_only(MODEL)
    patches = patchset(MODEL, GRID, "test", "coupling_inv_gev")
    files = {
        "BkgOnly.json": spec,
        "patchset.json": patches,
        "patch.json": patches["patches"][0]["patch"],
    }
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    base = tmp_path / "BkgOnly.json"
    assert "background_nd280_fhc" in pyhf_cli("inspect", base)
    assert "All good" in pyhf_cli("patchset", "verify", base, tmp_path / "patchset.json")
    printed = json.loads(pyhf_cli("cls", base, "--patch", tmp_path / "patch.json"))
    ours = AsymptoticCalculator().exclusion(MODEL)
    assert printed["CLs_obs"] == pytest.approx(ours.cls_observed, abs=1e-4)
    assert printed["CLs_exp"] == pytest.approx(ours.cls_expected, abs=1e-4)


def test_patches_have_names_of_their_own_however_near_their_points_are():
    near = np.nextafter(0.3, 1.0)
    points = {(0.3, 1e-7): MODEL, (near, 1e-7): MODEL, (0.3, 1.0000001e-7): MODEL}
    patches = patchset(MODEL, grid_of(points), "near", "coupling_inv_gev")
    assert len({patch["metadata"]["name"] for patch in patches["patches"]}) == 3
    pyhf.PatchSet(patches)
    coarse = patchset(MODEL, GRID, "coarse", "coupling_inv_gev")["patches"]
    assert coarse[0]["metadata"]["name"] == "mass_0p1_coupling_1em07"
