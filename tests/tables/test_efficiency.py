import numpy as np
import pytest

from hnlstat.errors import DataError
from hnlstat.tables.efficiency import load_efficiency

ROWS = ("0.1,0", "0.2,0.3", "0.3,0.5", "0.4,0.2")


def table(path, rows=ROWS, names="energy_gev,efficiency", head="", **beyond):
    path.write_text("\n".join([*head.splitlines(), names, *rows, ""]))
    return load_efficiency(str(path), **beyond)


def test_between_and_beyond_the_rows(tmp_path):
    found = table(tmp_path / "e.csv", above="zero")
    energy = np.array([[0.0, 0.1, 0.15], [0.3, 0.4, 0.41]])
    assert found(energy) == pytest.approx(np.array([[0, 0, 0.15], [0.5, 0.2, 0]]))
    constant = table(tmp_path / "e.csv", above="constant")
    assert constant(9.0) == 0.2
    low = table(tmp_path / "e.csv", ROWS[1:], below="constant", above="zero")
    assert low([0.0, 0.25, 1.0]) == pytest.approx([0.3, 0.4, 0])


def test_in_mev_with_errors(tmp_path):
    rows = [f"{100 * i},{value},0.01" for i, value in enumerate((0, 0.1, 0.2, 0), start=1)]
    names = "energy_gev,efficiency,error"
    found = table(tmp_path / "e.csv", rows, names, "# energy_unit: MeV")
    assert found([0.15, 0.3, 0.7]) == pytest.approx([0.05, 0.2, 0])


def test_of_miniboone():
    found = load_efficiency("miniboone_efficiency", above="zero")
    assert found([0.05, 0.1, 0.35, 1.1, 2.0]) == pytest.approx([0, 0.0445, 0.139, 0.26 / 3, 0.026])
    with pytest.raises(DataError, match=r"0.026' is not 0 in the last row, 2 GeV; .*above: zero"):
        load_efficiency("miniboone_efficiency")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rows": ("0.1,0", "0.2,1.01", "0.3,0")}, r"line 3: efficiency = '1.01' .* at most 1"),
        ({"rows": ("0.1,0", "0.2,35", "0.3,0")}, r"line 3: efficiency = '35' must be at most 1"),
        ({"rows": ("0.1,0", "0.2,-0.1", "0.3,0")}, r"line 3: efficiency = '-0.1' .* at least 0"),
        ({"rows": ("0.1,0", "0.2,", "0.3,0")}, r"line 3: efficiency = '' is not a number"),
        ({"rows": ("0.1,0", "0.2,nan", "0.3,0")}, r"line 3: efficiency = 'nan' is not finite"),
        ({"rows": ("0.1,0", "0.3,0.1", "0.2,0")}, r"line 4: energy_gev = '0.2' energies must rise"),
        ({"rows": ("0.1,0", "0.1,0.1", "0.2,0")}, r"line 3: energy_gev = '0.1' energies must rise"),
        (
            {"rows": ("0.1,0", "0.2,0.1", "0.4,0.1", "0.5,0")},
            r"line 4: energy_gev = '0.4' leaves a gap after 0.2",
        ),
        (
            {"rows": ("50,0", "1500,0.1", "3000,0")},
            r"line 4: .* above 1000 GeV; .*energy_unit: MeV",
        ),
        (
            {"rows": ("-0.1,0", "0.2,0.1", "0.3,0")},
            r"line 2: energy_gev = '-0.1' must be at least 0",
        ),
        ({"rows": ("0.1,0", "0.2,0")}, r"is 0 in every row"),
        ({"rows": ("0.1,0.5",)}, r"has one row"),
        ({"rows": ()}, r"has no table"),
        ({"names": "energy,efficiency"}, r"lacks the column 'energy_gev'"),
        ({"names": "energy_gev,value"}, r"lacks the column 'efficiency'"),
        (
            {"rows": ROWS[1:]},
            r"line 2: efficiency = '0.3' is not 0 in the first row, 0.2 GeV; .*below",
        ),
        ({}, r"line 5: efficiency = '0.2' is not 0 in the last row, 0.4 GeV; .*above: constant"),
    ],
    ids=str,
)
def test_what_is_no_efficiency_is_one_line(tmp_path, change, reason):
    with pytest.raises(DataError, match=reason) as caught:
        table(tmp_path / "e.csv", **change)
    assert str(caught.value).startswith(f"efficiency table {tmp_path}")
    assert "\n" not in str(caught.value)


def test_steps_may_grow_or_shrink(tmp_path):
    rows = [
        f"{e:.6g},{v}" for e, v in zip(np.geomspace(0.01, 10, 8), (0, *[0.1] * 6, 0), strict=True)
    ]
    assert table(tmp_path / "e.csv", rows)(1.0) == pytest.approx(0.1)


@pytest.mark.parametrize("name", ["none.csv", "../data/miniboone_efficiency", ""])
def test_neither_shipped_nor_a_file(name):
    with pytest.raises(DataError, match=r"efficiency table .*: cannot be read"):
        load_efficiency(name)
