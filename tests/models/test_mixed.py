"""The mass-mixed N as a model: names, shares, widths, and what is refused."""

import json

import numpy as np
import pytest
from particle import Particle

from hnlstat.app import main
from hnlstat.config.base import validate
from hnlstat.errors import ConfigError
from hnlstat.models.checks import check_model, pair_sampler
from hnlstat.models.mixed import Mixed
from hnlstat.physics.constants import HBAR_C_GEV_M, KAON_MASS, LEPTON_MASS
from hnlstat.physics.mixing import CHARGED, pion_slope
from hnlstat.run.files.limits import read_limits
from hnlstat.run.stages import title
from hnlstat.studies import load
from hnlstat.studies.checks import check

MODEL = {
    "kind": "mixed", "mixing": {"e": 0, "mu": 1, "tau": 0}, "nature": "majorana", "mass": None,
    "coupling": None, "release_widths": False,
}  # fmt: skip
MASSES = np.array([0.15, 0.25, 0.38, 0.45])
COUPLINGS = np.array([1e-9, 1e-3, 1])
EXCLUSIVE = [name for name in Mixed.final_states if name not in CHARGED]


def mixed(e=0, mu=0, tau=0, **changes):
    return validate(Mixed, MODEL | {"mixing": {"e": e, "mu": mu, "tau": tau}} | changes)


@pytest.mark.parametrize(
    ("mixing", "text", "symbol", "only"),
    [
        ({"mu": 1}, "|U_mu|^2", r"|U_{\mu}|^2", "mu"),
        ({"tau": 0.3}, "|U_tau|^2", r"|U_{\tau}|^2", "tau"),
        ({"e": 1, "mu": 1}, "|U|^2", "|U|^2", None),
    ],
)
def test_coupling_is_named_by_its_flavour(mixing, text, symbol, only):
    axis = mixed(**mixing).axis
    assert (axis.name, axis.symbol, axis.flavour) == (text, symbol, only)
    assert (axis.column, axis.unit) == ("coupling_u2", "")


def test_couplings_are_the_sum_over_flavours():
    one, two = mixed(e=1, mu=3), mixed(e=0.25, mu=0.75)
    assert one.flavour_weights() == two.flavour_weights() == {"e": 0.25, "mu": 0.75, "tau": 0}
    assert one.strength(COUPLINGS) == pytest.approx(COUPLINGS)
    length = one.inverse_decay_length(MASSES, COUPLINGS)
    assert length == pytest.approx(two.inverse_decay_length(MASSES, COUPLINGS), rel=1e-12)
    parts = [mixed(**{name: 1}).inverse_decay_length(MASSES, COUPLINGS) for name in ("e", "mu")]
    assert length == pytest.approx(0.25 * parts[0] + 0.75 * parts[1], rel=1e-12)


@pytest.mark.parametrize("nature", ["dirac", "majorana"])
@pytest.mark.parametrize("release", [False, True])
def test_what_is_seen_and_what_is_not_are_all(nature, release):
    if release and nature == "dirac":
        return
    model = mixed(e=2, mu=1, tau=4, nature=nature, release_widths=release)
    width = model.inverse_decay_length(MASSES, np.ones(1))[:, 0] * HBAR_C_GEV_M
    # of a massless final state: one flavour's share each, 1 in all
    invisible = (1 + (nature == "majorana")) * 1.1663788e-5**2 * MASSES**5 / (192 * np.pi**3)
    seen = sum(model.branching(MASSES, state) for state in EXCLUSIVE)
    assert seen + invisible / width == pytest.approx(1, rel=1e-12)


def test_majorana_n_have_twice_the_width_and_the_same_ratios():
    dirac, majorana = (mixed(e=1, mu=1, nature=nature) for nature in ("dirac", "majorana"))
    single = dirac.inverse_decay_length(MASSES, COUPLINGS)
    assert majorana.inverse_decay_length(MASSES, COUPLINGS) == pytest.approx(2 * single, rel=1e-12)
    for state in EXCLUSIVE:
        ratio = dirac.branching(MASSES, state)
        assert majorana.branching(MASSES, state) == pytest.approx(ratio, rel=1e-12)
    for lepton in ("e", "mu"):
        charges = (f"{lepton}minus_piplus", f"{lepton}plus_piminus")
        halves = [majorana.branching(MASSES, state) for state in charges]
        assert sum(halves) == pytest.approx(majorana.branching(MASSES, f"{lepton}pi"), rel=1e-12)
        assert halves[0] == pytest.approx(halves[1], rel=1e-12)
        # a Dirac N has one of them, and its antiparticle the other
        halves = [dirac.branching(MASSES, state) for state in charges]
        assert halves[0] == pytest.approx(dirac.branching(MASSES, f"{lepton}pi"), rel=1e-12)
        assert not np.any(halves[1])


def test_widths_of_the_release():
    """Its pion constant in both charges, masses exchanged in one."""
    right, release = mixed(e=1), mixed(e=1, release_widths=True)
    masses = np.array([0.15, 0.2, 0.39])
    total = [m.inverse_decay_length(masses, np.ones(1))[:, 0] for m in (right, release)]
    pions, swapped = 0.12678 / 0.12762, np.array([7.457, 1.95, 1.147])
    for state, ratio in (
        ("eminus_piplus", pions**2), ("ee", 1), ("eplus_piminus", swapped * pions**2)
    ):  # fmt: skip
        width = [
            m.branching(masses, state) * t for m, t in zip((right, release), total, strict=True)
        ]
        assert width[0] / width[1] == pytest.approx(ratio, rel=2e-3)


def test_kaons_make_those_that_mix_with_their_leptons():
    modes = mixed(e=1, mu=3, tau=4).source.modes
    assert [(mode.lepton, mode.share) for mode in modes] == [("e", 1 / 8), ("mu", 3 / 8)]
    assert mixed(tau=1).source.modes == ()
    for mode in modes:
        assert mode.heaviest == pytest.approx(KAON_MASS - LEPTON_MASS[mode.lepton])
        assert mode.branching(mode.heaviest * 1.001) == 0
    assert modes[0].branching(0.2) == pytest.approx(1.6932 / 8, rel=1e-4)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model.mixing.e=-1"], "model.mixing.e: -1 is negative"),
        (["model.mixing.mu=0"], "model.mixing: e, mu and tau are 0: N would neither be made"),
        (["model.nature=dirac", "model.release_widths=true"], "model.release_widths: is true; the"),
        (
            ["scan.mass.min=0.1"],
            "scan.mass: 0.1 GeV is below 0.14 GeV, where the tables of N from kaons begin",
        ),
        (
            ["model=mixed", "scan.mass.min=0.1"],
            "scan.mass: 0.1 GeV is below 0.14 GeV, where the tables of N from kaons begin; below "
            "that pi -> e N exceeds K -> e N by 10 to 470, and is not here",
        ),
        (
            ["scan.mass.max=0.39"],
            "scan.mass: 0.39 GeV is above the reach of K -> mu N, 0.388019 GeV",
        ),
        (
            ["model=mixed", "scan.mass.max=0.494"],
            "scan.mass: 0.494 GeV is above the reach of K -> ",
        ),
        (["model=mixed_tau"], "model.mixing: N of |U_tau|^2 alone is made in no decay of kaons"),
        (["scan.coupling.max=2"], "scan.coupling.max: 2 is above 1, the most here"),
        (
            ["flux=t2k_nd280"],
            "flux: t2k_nd280 has neutrinos; N of the model are made in decays of ",
        ),
        (
            ["model=dipole_mu", "flux=t2k_kaons"],
            "flux: t2k_kaons has N of kaons; those of the model",
        ),
        (
            ["model=dipole_mu", "search=t2k_2019"],
            "search.t2k_2019.final_state: charged is no final state of the model dipole",
        ),
        (
            ["model.nature=dirac", "search=t2k_2019"],
            "search.t2k_2019.final_state: charged takes K+ and K- apart for model.nature=dirac, "
            "which no table has; choose model.nature=majorana or a search such as tpc_mupi_tracks",
        ),
        (
            ["model=mixed_e", "search=t2k_2019", "scan.mass.max=0.492"],
            "scan.mass: 0.492 GeV lies outside the efficiencies of search t2k_2019, 0.14 to 0.49",
        ),
        (
            ["model=mixed_e", "scan.mass.max=0.492"],
            "scan.mass: 0.492 GeV lies outside the table of flux t2k_kaons, which is for 0.14 to ",
        ),
        (
            ["search=[t2k_2019,tpc_ee]"],
            "datasets.0.search.tpc_ee: counts the decays to ee in tpc1, tpc2, ",
        ),
        (
            ["simulation.survival=false"],
            "simulation.survival: false is of N that are made in matter",
        ),
        (
            ["flux.tunnel=[-280,0]"],
            "flux.tunnel: kaons decay to z = 0 m, but the fiducial volume tpc",
        ),
        (["flux.pot.x=1e21"], "flux.pot.x: "),
        (
            ["task=point", "model.mass=0.4", "model.coupling=1e-8"],
            "model.mass: 0.4 GeV is above the reach of K -> mu N, 0.388019 GeV",
        ),
        (
            ["model.nature=dirac", "search.tpc_ee.final_state=muplus_piminus"],
            "search.tpc_ee.final_state: muplus_piminus alone takes K+ and K- apart for model.natur",
        ),
    ],
)
def test_what_cannot_be_is_one_line(overrides, message):
    with pytest.raises(ConfigError) as error:
        check(load(["model=mixed_mu", *overrides]))
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("state", Mixed.final_states)
@pytest.mark.parametrize("p", [0.0, 1.0, -0.4])
def test_decays_have_the_masses_and_charges_of_their_products(state, p):
    model, rng = mixed(e=1, mu=2, tau=1), np.random.default_rng(1)
    sampler, mass, momentum = model.decay(state), 0.4, rng.normal(size=(50, 3))
    polarised = np.full(50, p)
    vectors = sampler.sample(rng.random((50, sampler.dimensions)), momentum, mass, polarised)
    rest = np.column_stack([np.sqrt(mass**2 + np.sum(momentum**2, axis=1)), momentum])
    for product, vector in zip(sampler.products, vectors, strict=True):
        square = vector[:, 0] ** 2 - np.sum(vector[:, 1:] ** 2, axis=1)
        assert square == pytest.approx(product.mass**2, rel=1e-6, abs=1e-9)
        particle = Particle.from_pdgid(product.code)
        assert particle.charge == product.charge
        assert product.mass == pytest.approx(particle.mass / 1e3, rel=1e-9)
        rest -= vector
    # a neutrino, or nothing, is left
    assert rest[:, 0] ** 2 == pytest.approx(np.sum(rest[:, 1:] ** 2, axis=1), abs=1e-9)
    shares = sampler.neutrinos(mass)
    assert (shares is None) == ("pi" in state and state != "nupi0") == np.all(rest[:, 0] < 1e-9)
    assert sum(product.charge for product in sampler.products) == 0


def test_each_state_has_products_of_its_own_but_for_their_sum():
    model = mixed(e=1, mu=1)
    found = {state: model.decay(state).products for state in Mixed.final_states}
    assert found["epi"] == found["eminus_piplus"]  # decays of lepton number -1 count as of +1
    assert len({*found.values()}) == len(found) - 2
    for state, (_, number) in CHARGED.items():
        lepton, pion = found[state]
        assert model.decay(state).number == pion.charge == -lepton.charge == number
    assert model.decay("ee").number is model.decay("epi").number is None


@pytest.mark.parametrize("charge", [1, -1])
def test_leptons_of_one_charge_go_against_the_spin(charge):
    """1 - A P cos(theta) with P, the helicity times the lepton number."""
    state = "muminus_piplus" if charge > 0 else "muplus_piminus"
    sampler, rng, n = mixed(mu=1).decay(state), np.random.default_rng(2), 100_000
    lepton, _ = sampler.sample(rng.random((n, 2)), np.zeros((n, 3)), 0.3, 0.7 * charge)
    cosine = lepton[:, 3] / np.sqrt(np.sum(lepton[:, 1:] ** 2, axis=1))
    expected = -charge * 0.7 * float(pion_slope(0.3, "mu")) / 3
    assert cosine.mean() == pytest.approx(expected, abs=4 * 0.58 / np.sqrt(n))


def test_neutrinos_are_of_the_flavours_that_the_decay_is_by():
    model = mixed(e=1, mu=3)
    assert model.decay("nupi0").neutrinos(0.3) == (0.25, 0.75, 0)
    # N -> e- mu+ nu_mu is by |U_e|^2
    assert model.decay("emu").neutrinos(0.3) == pytest.approx((0.75, 0.25, 0))
    e, mu, tau = mixed(e=1, mu=1, tau=1).decay("ee").neutrinos(0.3)
    assert (mu, e) == (tau, pytest.approx(1 - 2 * tau))
    assert e / mu == pytest.approx((0.73122**2 + 0.23122**2) / (0.26878**2 + 0.23122**2), rel=1e-4)


def test_final_states_of_pairs_can_be_cut_on():
    for state in ("ee", "mumu", "emu", "epi", "mupi", *CHARGED):
        minus, plus = pair_sampler(mixed(e=1, mu=1), state).tracks
        products = mixed(e=1, mu=1).decay(state).products
        assert (products[minus].charge, products[plus].charge) == (-1, 1)
    with pytest.raises(ConfigError, match="nupi0 is no final state to cut on tracks"):
        pair_sampler(mixed(e=1), "nupi0")


@pytest.mark.parametrize("nature", ["dirac", "majorana"])
def test_a_model_that_comes_along_passes_the_checks_of_others(nature):
    model = mixed(e=1, mu=1, nature=nature)
    check_model(model, MASSES, COUPLINGS, EXCLUSIVE)


def test_limits_on_mixing_from_yields_that_are_given(tmp_path, capsys):
    """Four times the decays have half the limit on |U|^2, which stands for production and decay."""
    rows = [
        f"{channel},{mass},{u2:.6e},{size * (mass / 0.2) ** 2 * (u2 / 1e-7) ** 2:.6e}"
        for mass in (0.2, 0.4)
        for u2 in np.geomspace(1e-9, 1e-5, 9)
        for channel, size in (("nd280_fhc", 3), ("nd280_rhc", 1))
    ]
    table = tmp_path / "mine.csv"
    table.write_text("\n".join(["channel,mass_gev,coupling_u2,events", *rows]) + "\n")
    options = [f"yields_from={table}", f"runs={tmp_path / 'runs'}", "executor=serial"]
    # more than kaons reach: where yields are given nobody asks them
    assert main(["model=mixed_tau", "inference.sigmas=[]", *options]) == 0
    (folder,) = (tmp_path / "runs").glob("*/*")
    one, two = (
        limit.coupling
        for limit in read_limits(folder / "limits.csv")
        if (limit.kind, limit.branch) == ("observed", "lower")
    )
    assert one == pytest.approx(2 * two, rel=1e-3)
    assert 1e-8 < one < 1e-6
    shown = capsys.readouterr().out
    assert "Majorana N" in shown
    assert json.loads((folder / "summary.json").read_text())["coupling"] == "|U_tau|^2"


def test_a_run_says_which_ratios_it_has():
    """Hydra merges `{tau: 0}` with the other ratios; in a plane, or integrated, none is fixed."""
    mixed = ["model=mixed", "search=t2k_2019", "model.mixing={tau: 0}"]
    plane = ["scan.plane=[e,mu]", "model.mass=0.25"]
    assert title(load(mixed)) == "nd280 (t2k_2019): Majorana N, e:mu:tau = 1:1:0"
    assert title(load(["model=mixed_mu"])) == "nd280 (t2k_2019): Majorana N"
    assert title(load([*mixed, *plane])) == "nd280 (t2k_2019): Majorana N"
