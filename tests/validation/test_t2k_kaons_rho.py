"""Neutrinos from kaons in place of their N: too few by known factors, which runs say."""

import numpy as np
import pytest

from hnlstat.app import main
from hnlstat.beam.kaons import load_kaons
from hnlstat.config.flux import read_flux
from hnlstat.errors import ConfigError, DataError
from hnlstat.physics.kaon_decay import kaon_branching
from hnlstat.studies import load
from hnlstat.tables.csv_table import read_csv


@pytest.fixture(scope="module")
def scaled():
    return load(["flux=t2k_kaons_rho", "model=mixed_mu"]).datasets[0].flux


@pytest.fixture(scope="module")
def own():
    return load(["model=mixed_mu"]).datasets[0].flux


@pytest.mark.parametrize(
    ("flavours", "lepton", "masses", "fewer"),
    [
        (["numu"], "mu", [0.15, 0.2, 0.3, 0.38], [1.5, 2.0, 5.5, 34]),
        (["numu"], "e", [0.15, 0.48], [1.4, 93]),
        (["numu", "numubar"], "mu", [0.15, 0.2, 0.3, 0.38], [1.2, 1.7, 4.6, 28]),
        (["numu", "numubar"], "e", [0.15, 0.48], [1.2, 78]),
    ],
)
def test_they_are_too_few(own, scaled, flavours, lepton, masses, fewer):
    """Heavy N are not spread like neutrinos."""
    chosen = scaled.model_copy(update={"flavours": flavours})
    beams = load_kaons(own), load_kaons(chosen)
    decays = [[np.sum(b.flux("fhc", lepton, m) * b.slow(m)) for m in masses] for b in beams]
    assert np.divide(*decays) == pytest.approx(fewer, rel=0.05)  # digits of what is said
    assert all(f"{factor:g}" in scaled.caveat for factor in fewer)
    assert not np.any(beams[1].flux("rhc", lepton, masses[0]))


def test_a_run_says_so(tmp_path, capsys):
    given = ["task=yields", "search=t2k_2019", "model=mixed_mu", "scan.mass.values=[0.2]"]
    given += ["scan.coupling={min: 1e-9, max: 1e-8, points: 2}", "executor=serial"]
    events = {}
    for flux in ("t2k_kaons", "t2k_kaons_rho"):
        assert main([*given, f"flux={flux}", f"runs={tmp_path}", f"name={flux}"]) == 0
        (file,) = tmp_path.glob(f"{flux}/*/yields.csv")
        table = read_csv(file)
        horn = np.array(["_fhc" in channel for channel in table.columns["channel"]])
        events[flux] = [table.numbers("events")[mine].sum() for mine in (horn, ~horn)]
    assert events["t2k_kaons"][0] / events["t2k_kaons_rho"][0] == pytest.approx(2.04, rel=0.01)
    assert events["t2k_kaons"][1] > 0 == events["t2k_kaons_rho"][1]
    said = " ".join(capsys.readouterr().out.split())
    assert "flux t2k_kaons_rho has neutrinos of fhc alone; no N of the exposure in rhc" in said
    assert "1.5, 2.0, 5.5 and 34 times more of K -> mu N" in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "rho"}, "flux.source: rho is not one of tables or rho_scaled"),
        ({"source": ["tables"]}, "flux.source: .* is not one of tables or rho_scaled"),
        ({"flavours": ["nue"]}, "flux.flavours.0: nue is not one of 'numu' or 'numubar'"),
        ({"flavours": []}, r"flux.flavours: \[\] is empty"),
        ({"volume": 5}, "flux.volume: unknown key; choose from .*, flavours, caveat$"),
        ({"table": "t2k_2019/modes"}, "flux table .*, line 4: lacks the column 'flavour'"),
    ],
)
def test_other_settings_are_one_clear_line(scaled, change, message):
    with pytest.raises((ConfigError, DataError), match=f"^{message}"):
        load_kaons(read_flux(scaled.model_dump() | change, "flux"))


def test_exposures_of_other_horn_modes_alone_are_refused():
    exposure = ["exposure=t2k_2023", "~exposure.pot.fhc"]
    with pytest.raises(ConfigError, match=r"^exposure.pot.rhc: .*, which flux t2k_kaons_rho lacks"):
        load(["flux=t2k_kaons_rho", "model=mixed_mu", *exposure])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("fhc,numu,1,1e12\nfhc,numu,3,1e12\n", None),
        ("fhc,numu,1,1\nfhc,numu,1,1\n", "line 3: energy_gev = '1' must rise along a curve"),
        ("fhc,numubar,1,1\nfhc,numubar,2,1\n", "has no curve of numu in fhc"),
        ("fhc,numu,1,-1\nfhc,numu,2,1\n", "line 2: flux = '-1' "),
    ],
)
def test_curves(tmp_path, scaled, rows, message):
    file = tmp_path / "mine.csv"
    file.write_text(f"mode,flavour,energy_gev,flux\n{rows}")
    mine = scaled.model_copy(update={"table": str(file)})
    if message is not None:
        with pytest.raises(DataError, match=message):
            load_kaons(mine)
        return
    # 1e12 per GeV from 1 to 3 GeV; N of 2 GeV are made by half of these, but not by kaons
    beam, ratio = load_kaons(mine), kaon_branching(0.2, "mu") / 0.6356
    assert beam.flux("fhc", "mu", 0.2).sum() == pytest.approx(2e12 / 1e21 * ratio)
    assert not np.any(beam.flux("fhc", "mu", 2.0))
