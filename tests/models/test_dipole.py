"""The dipole as a model: names, strength, widths and decays."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from axes import ANY

import hnlstat
from hnlstat.config.base import validate
from hnlstat.errors import ConfigError
from hnlstat.models.dipole import Dipole
from hnlstat.physics import decay
from hnlstat.physics.constants import HBAR_C_GEV_M
from hnlstat.studies import load

MODEL = {
    "kind": "dipole", "flavours": {"e": 0, "mu": 1, "tau": 0}, "nature": "dirac", "mass": None,
    "coupling": None, "width_factor": 1, "branching_ratio": "tree_level",
}  # fmt: skip
MASSES = np.array([0.05, 0.3, 0.6])
COUPLINGS = np.array([1e-7, 1e-6])


def dipole(**changes):
    return validate(Dipole, MODEL | changes)


@pytest.mark.parametrize(
    ("flavours", "text", "symbol", "only"),
    [
        ({"e": 0, "mu": 1, "tau": 0}, "d_mu", r"d_{\mu}", "mu"),
        ({"e": 1, "mu": 1, "tau": 1}, "d_e = d_mu = d_tau", r"d_{e}=d_{\mu}=d_{\tau}", None),
        ({"e": 1.0, "mu": 0.5, "tau": 0.0}, "d", "d", None),
        ({"e": 0, "mu": 2.0, "tau": 0}, "d", "d", None),
        ({"e": 0, "mu": -1, "tau": 0}, "d", "d", "mu"),
    ],
)
def test_coupling_is_named_by_its_flavours(flavours, text, symbol, only):
    axis = dipole(flavours=flavours).axis
    assert (axis.name, axis.symbol, axis.flavour) == (text, symbol, only)
    assert (axis.column, axis.unit) == (ANY.column, "GeV^-1")


def test_lifetime_and_strength_go_as_the_coupling_squared():
    model = dipole(flavours={"e": 2, "mu": 1, "tau": -0.5}, width_factor=3, nature="majorana")
    assert model.strength(COUPLINGS) == pytest.approx(COUPLINGS**2)
    assert model.flavour_weights() == {"e": 4, "mu": 1, "tau": 0.25}
    width = 3 * 5.25 * decay.total_width(MASSES, "majorana")[:, None] * COUPLINGS**2
    found = model.inverse_decay_length(MASSES, COUPLINGS)
    assert found == pytest.approx(width / HBAR_C_GEV_M, rel=1e-12)


@pytest.mark.parametrize("kind", ["tree_level", "arxiv_2412_15051"])
def test_branching_ratios_sum_to_one(kind):
    model = dipole(branching_ratio=kind)
    total = sum(model.branching(MASSES, state) for state in model.final_states)
    assert total == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("state", Dipole.final_states)
def test_decays_have_the_masses_of_their_products(state):
    sampler = dipole(flavours={"e": 1, "mu": 1, "tau": 0}).decay(state)
    assert sampler.neutrinos(4.0) == (0.5, 0.5, 0)
    rng = np.random.default_rng(1)
    mass, momentum = 4.0, rng.normal(size=(50, 3))
    vectors = sampler.sample(rng.random((50, sampler.dimensions)), momentum, mass, 1.0)
    for product, vector in zip(sampler.products, vectors, strict=True):
        square = vector[:, 0] ** 2 - np.sum(vector[:, 1:] ** 2, axis=1)
        assert square == pytest.approx(product.mass**2, rel=1e-6, abs=1e-9)
    energy = np.sqrt(mass**2 + np.sum(momentum**2, axis=1))
    assert np.all(sum(vector[:, 0] for vector in vectors) < energy)
    assert sum(product.charge for product in sampler.products) == 0


def test_each_state_has_products_of_its_own():
    names = [dipole().decay(state).products for state in Dipole.final_states]
    assert all(a != b for a, b in pairwise(names))


def test_nobody_else_knows_the_dipole():
    package = Path(hnlstat.__file__).parent
    for path in package.rglob("*.py"):
        room = path.relative_to(package).parts[0]
        text = path.read_text(encoding="utf-8")
        if room in ("models", "physics"):
            continue
        imported = re.findall(r"^\s*(?:from|import) hnlstat.*", text, re.MULTILINE)
        matter = room == "detector"  # where photons make electrons whatever they come from
        masses = () if matter else ("LEPTON_MASS",)
        for name in ("physics.decay ", "upscattering", "models.dipole", *masses):
            assert not [line for line in imported if name in f"{line} "], path
        assert "coupling**2" not in text, path
        assert "couplings**2" not in text, path
        assert '"coupling_inv_gev"' not in re.sub(r'""".*?"""', "", text, flags=re.DOTALL), path


def test_a_photon_has_no_tracks_to_cut_on():
    with pytest.raises(ConfigError, match=r"photon is no final state to cut on tracks: its prod"):
        load(["search=tpc_ee_tracks", "search.tpc_ee_tracks.final_state=photon"])
    assert load(["search=tpc_ee_tracks", "search.tpc_ee_tracks.final_state=mumu"])
    with pytest.raises(ConfigError, match=r"mupi is no final state of the model dipole; choose fr"):
        load(["search.tpc_ee.final_state=mupi"])
