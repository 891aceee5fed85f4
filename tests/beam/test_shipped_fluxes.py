"""The flux tables that come with hnlstat, against the integrals of their sources."""

import numpy as np
import pytest
import yaml

from hnlstat.beam.flux import FLAVOURS, load_flux
from hnlstat.config.flux import Flux
from hnlstat.errors import ConfigError
from hnlstat.studies import load
from hnlstat.system.shipped import conf_dir

FLUXES = sorted(
    path.stem for path in (conf_dir() / "flux").glob("*.yaml") if "kaons" not in path.stem
)

INTEGRALS = {
    "bnb_miniboone": {
        "fhc": (5.19358e11, 3.26002e10, 2.86907e9, 2.99849e8),
        "rhc": (5.42276e10, 2.9282e11, 6.70714e8, 1.26626e9),
    },
    "bnb_microboone": {"fhc": (7.37621e11, 4.55894e10, 3.97792e9, 4.02546e8)},
    "bnb_icarus": {"fhc": (4.52615e11, 2.79742e10, 2.44089e9, 2.47007e8)},
    "bnb_sbnd": {"fhc": (1.54924e13, 9.91801e11, 9.27546e10, 8.70972e9)},
    "lbnf_dune_nd": {
        "fhc": (1.04378e14, 7.62393e12, 1.07216e12, 2.30152e11),
        "rhc": (8.84985e12, 9.42322e13, 2.81722e11, 8.83451e11),
    },
    "numi_le_minerva": {
        "fhc": (2.85888e13, 3.25391e12, 4.23486e11, 5.50267e10),
        "rhc": (5.06636e12, 2.31231e13, 8.53631e10, 3.27217e11),
    },
    "numi_me_minerva": {
        "fhc": (6.73888e13, 2.36326e12, 6.45672e11, 3.6437e10),
        "rhc": (3.23635e12, 5.13013e13, 4.88405e10, 4.86385e11),
    },
    "t2k_nd280": {
        "fhc": (1.86572e13, 1.21316e12, 2.23254e11, 3.08621e10),
        "rhc": (1.6124e12, 1.49821e13, 4.35108e10, 1.55627e11),
    },
}
"""Sums [neutrinos / cm^2 / 1e21 POT] of the columns of the sources, in the order of FLAVOURS."""


@pytest.mark.parametrize("name", FLUXES)
def test_integrals_of_the_sources(name):
    flux = Flux.model_validate(yaml.safe_load((conf_dir() / "flux" / f"{name}.yaml").read_text()))
    assert flux.name == name
    table = load_flux(flux.table)
    assert set(table.flux) == {(mode, f) for mode in INTEGRALS[name] for f in FLAVOURS}
    for mode, integrals in INTEGRALS[name].items():
        found = [table.flux[mode, flavour].sum() for flavour in FLAVOURS]
        assert found == pytest.approx(integrals, rel=1e-5)
    # the uncertainty is given for all energies
    assert flux.uncertainty.edges[0] == 0
    last = max(np.flatnonzero(values)[-1] for values in table.flux.values() if values.any())
    assert flux.uncertainty.edges[-1] >= table.edges_gev[last + 1]


def test_published_integrals_of_miniboone():
    # table of arXiv:0806.1449: neutrinos / POT / cm^2 of fhc
    table = load_flux("bnb_miniboone_flux")
    found = [table.flux["fhc", flavour].sum() / 1e21 for flavour in FLAVOURS]
    assert found == pytest.approx([5.19e-10, 3.26e-11, 2.87e-12, 3.00e-13], rel=2e-3)


def test_one_beam_at_four_distances():
    mini, micro, icarus, sbnd = (
        load_flux(f"bnb_{name}_flux") for name in ("miniboone", "microboone", "icarus", "sbnd")
    )
    for flavour in FLAVOURS:
        key = "fhc", flavour
        # rounded to five digits
        assert icarus.flux[key] == pytest.approx(micro.flux[key] * (47 / 60) ** 2, rel=5e-5)
    # 541, 470 and 110 m, not quite as from a point
    for other, distance in ((micro, 470), (sbnd, 110)):
        ratio = other.flux["fhc", "numu"].sum() / mini.flux["fhc", "numu"].sum()
        assert ratio == pytest.approx((541 / distance) ** 2, rel=0.25)
    means = [
        np.average((t.edges_gev[1:] + t.edges_gev[:-1]) / 2, weights=t.flux["fhc", "numu"])
        for t in (mini, micro, icarus, sbnd)
    ]
    assert means == pytest.approx([0.808, 0.823, 0.823, 0.727], abs=1e-3)


def test_flux_by_name():
    assert load(["flux=numi_le_minerva"]).datasets[0].flux.table == "numi_le_minerva_flux"
    with pytest.raises(ConfigError, match="rhc") as caught:
        load(["flux=bnb_sbnd"])
    assert "\n" not in str(caught.value)
