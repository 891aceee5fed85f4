import numpy as np
import pytest
from axes import ANY

from hnlstat.errors import DataError
from hnlstat.inference.limits.points import PointTest
from hnlstat.inference.results import Discovery, Exclusion
from hnlstat.run.files.point_reader import read_points
from hnlstat.run.files.point_table import write_points

MASSES, COUPLINGS = (0.1, 0.2), (1e-7, 1e-6, 1e-5)


def grid_tests():
    for i, mass in enumerate(MASSES):
        for j, coupling in enumerate(COUPLINGS):
            cls = 0.9 - 0.1 * (3 * i + j)
            exclusion = Exclusion(None, None, (cls / 4, cls / 2, cls, 0.95, 1.0), (), "exact", "ok")
            discovery = Discovery(None, 0.01, "exact", "ok")
            if (i, j) == (1, 2):
                exclusion = discovery = None
            signal = (float(i + 1), float(j))
            yield PointTest(mass, coupling, signal, exclusion, discovery, "exact", f"ok {j}")


@pytest.fixture
def path(tmp_path):
    write_points(tmp_path / "points.csv", ["fhc", "rhc"], grid_tests(), ANY)
    return tmp_path / "points.csv"


def test_points_come_back_whatever_their_order(path):
    head, *lines = path.read_text().splitlines()
    path.write_text("\n".join([head, *lines[::-1]]))
    table = read_points(path, ANY)
    assert (tuple(table.masses), tuple(table.couplings)) == (MASSES, COUPLINGS)
    assert table.channels == ("fhc", "rhc")
    assert table.signal[1, 2].tolist() == [2.0, 2.0]
    assert table.cls_expected[1, 0] == pytest.approx([0.15, 0.3, 0.6, 0.95, 1.0])
    assert np.isnan(table.cls_observed).all()
    assert np.isnan(table.cls_expected[1, 2]).all()
    assert table.validity[0].tolist() == ["ok 0", "ok 1", "ok 2"]


def test_bad_lines_are_named(path):
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], lines[3].replace("exact", "exact,ok")]))
    with pytest.raises(DataError, match=r"points.csv, line 4: 16 entries, expected 15"):
        read_points(path, ANY)
    path.write_text("\n".join([*lines[:2], lines[2].replace("1e-06", "many")]))
    with pytest.raises(DataError, match=r"line 3: coupling_inv_gev = 'many' is not a number"):
        read_points(path, ANY)
    path.write_text("\n".join(lines[:-1]))
    with pytest.raises(DataError, match=r"incomplete: no line for mass_gev = 0.2, .* = 1e-05"):
        read_points(path, ANY)
    path.write_text("\n".join([*lines, lines[2]]))
    with pytest.raises(DataError, match="line 8: repeats"):
        read_points(path, ANY)
