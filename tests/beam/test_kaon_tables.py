"""Tables of N of kaons: what cannot be is one line that names the file, and the row if it can."""

import pytest

from hnlstat.beam.kaons import load_kaons
from hnlstat.errors import DataError
from hnlstat.studies import load

RATES = "mass_gev,mu_fhc,e_fhc\n0.2,1e31,1e31\n0.3,1e31,1e31\n"
SPECTRA = "lepton,mass_gev,energy_gev,flux\n" + "".join(
    f"{lepton},0.2,{energy},{flux}\n" for lepton in ("mu", "e") for energy, flux in ((1, 1), (2, 3))
)


@pytest.fixture(scope="module")
def shipped():
    return load(["model=mixed_mu"]).datasets[0].flux


def read(folder, shipped, rates=RATES, spectra=SPECTRA):
    files = {"table": folder / "rates.csv", "spectra": folder / "spectra.csv"}
    for file, text in zip(files.values(), (rates, spectra), strict=True):
        file.write_text(text)
    paths = {key: str(file) for key, file in files.items()}
    return load_kaons(shipped.model_copy(update={**paths, "pot": {"fhc": 1e21}}))


def test_what_is_read(tmp_path, shipped):
    found = read(tmp_path, shipped)
    assert found.modes == ("fhc",)
    assert found.range == (0.2, 0.3)
    assert found.spectra["e"][1].sum() == pytest.approx(2.0)  # under a straight line


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.3,", "0.2,", "rates.csv, line 3: mass_gev = '0.2' must rise"),
        ("0.2,1e31", "0.2,-1", "rates.csv, line 2: mu_fhc = '-1' must be at least 0"),
        (",1e31\n", ",0\n", "rates.csv: e_fhc is 0 at all masses"),
        ("e_fhc", "e_rhc", "rates.csv: lacks the column 'e_fhc'"),
    ],
)
def test_other_rates(tmp_path, shipped, old, new, message):
    with pytest.raises(DataError, match=f"^flux table .*{message}"):
        read(tmp_path, shipped, rates=RATES.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("e,0.2", "mu,0.4", ": has no curve of the lepton e"),
        ("e,0.2,1,1\ne,0.2,2,3", "e,0.2,1,0\ne,0.2,2,0", "line 4: flux = '0' begins a curve of no"),
        ("0.2,2,", "0.2,2000,", "line 3: energy_gev = '2000' is above 1000 GeV; give GeV, not MeV"),
        ("0.2,2,", "0.2,1,", "line 5: energy_gev = '1' must rise along a curve"),
    ],
)
def test_other_spectra(tmp_path, shipped, old, new, message):
    with pytest.raises(DataError, match=f"^flux spectra .*spectra.csv.*{message}"):
        read(tmp_path, shipped, spectra=SPECTRA.replace(old, new))
