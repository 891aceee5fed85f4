import pytest

from hnlstat.errors import DataError
from hnlstat.inference.limits.limits import Limit
from hnlstat.run.files.limits import read_limits, write_limits

LIMITS = (
    Limit(0.1, 0.9, "expected_-1", "lower", "exact CLs", 1.234567e-7, False),
    Limit(0.1, 1 - 2.866516e-7, "observed", "upper", "exact CLs+b", 1e-3, True),
)


def test_limits_survive_the_file(tmp_path):
    path = tmp_path / "limits.csv"
    write_limits(path, LIMITS)
    assert path.read_text().splitlines()[:2] == [
        "mass_gev,level,kind,branch,method,coupling,open",
        "0.1,0.9,expected_-1,lower,exact CLs,1.234567e-07,false",
    ]
    back = read_limits(path)
    assert back[0] == LIMITS[0]
    # twelve digits of the level leave 1 - level good to 1e-12/2.9e-7
    assert 1 - back[1].level == pytest.approx(2.866516e-7, rel=4e-6)
    assert back[1].open


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("lower", "middle", "line 2: branch = 'middle' is not one of lower, upper"),
        ("false", "no", "line 2: open = 'no' is not one of true, false"),
        ("1.234567e-07", "nan", "line 2: coupling = 'nan' is not finite"),
    ],
)
def test_limits_that_cannot_be_used_are_named(tmp_path, old, new, reason):
    path = tmp_path / "limits.csv"
    write_limits(path, LIMITS)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError, match=reason):
        read_limits(path)
