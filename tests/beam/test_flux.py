import numpy as np
import pytest

from hnlstat.beam.flux import load_flux
from hnlstat.errors import DataError

NAMES = "e_low_gev,e_high_gev,fhc_numu,rhc_numubar"
ROWS = ("0,0.5,1e10,2e9", "0.5,1,2e10,3e9", "1,5,1e9,1e8")


def flux(path, rows=ROWS, names=NAMES, head=""):
    path.write_text("\n".join([*head.splitlines(), names, *rows, ""]))
    return load_flux(str(path))


def test_a_table_of_the_users_own(tmp_path):
    table = flux(tmp_path / "f.csv")
    assert table.modes == ("fhc", "rhc")
    np.testing.assert_array_equal(table.edges_gev, [0, 0.5, 1, 5])
    np.testing.assert_array_equal(table.flux["fhc", "numu"], [1e10, 2e10, 1e9])
    mev = ("0,500,1e10,2e9", "500,1000,2e10,3e9", "1000,5000,1e9,1e8")
    same = flux(tmp_path / "f.csv", mev, head="# energy_unit: MeV")
    np.testing.assert_allclose(same.edges_gev, table.edges_gev, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rows": ("0,500,1,1", "500,5000,1,1")}, r"line 3: e_high_gev = '5000' is above 1000 GeV"),
        (
            {"rows": ("0,50,1,1", "50,100,1,1")},
            r"line 2: e_high_gev = '50' ends the first bin; .*MeV",
        ),
        ({"rows": ("0,1,1e308,1",)}, r"line 2: fhc_numu = '1e308' must be at most 1e\+22"),
        ({"rows": ("0,1,2e-11,0",)}, r"2e-11 neutrinos in all bins .* 1e21 POT"),
        ({"rows": ("0,1,-1,1",)}, r"line 2: fhc_numu = '-1' must be at least 0"),
        ({"rows": ("0,1,0,0",)}, r"no flux above zero"),
        ({"rows": ("0,1,1,1", "2,3,1,1")}, r"line 2: e_high_gev = '1' bins must rise without gaps"),
        ({"rows": ("0,1,1",)}, r"line 2: 3 entries, expected 4"),
        ({"names": "e_low_gev,e_high_gev,fhc_numu,numubar"}, r"column 'numubar' is not <mode>_"),
        ({"names": "e_low_gev,e_high_gev,fhc_numu,fhc_numu"}, r"repeats a column, fhc_numu"),
        ({"names": "low,e_high_gev,fhc_numu,rhc_numubar"}, r"lacks the column 'e_low_gev'"),
    ],
)
def test_what_is_no_flux_is_one_line(tmp_path, change, reason):
    with pytest.raises(DataError, match=reason) as caught:
        flux(tmp_path / "f.csv", **change)
    assert str(caught.value).startswith(f"flux table {tmp_path}")


@pytest.mark.parametrize("name", ["none.csv", "/dev/zero", "../data/t2k_nd280_flux", ""])
def test_neither_shipped_nor_a_file(name):
    with pytest.raises(DataError, match=r"flux table .*: cannot be read"):
        load_flux(name)
