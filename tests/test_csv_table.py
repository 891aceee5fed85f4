import numpy as np
import pytest

from hnlstat.csv_table import read_csv
from hnlstat.errors import DataError


def test_head_columns_and_line_numbers(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('# source: arXiv:1\n# no pair here\n\na, b\n1,"x, y"\n\n# between\n2,z\n')
    table = read_csv(path, required=("a",))
    assert table.head == {"source": "arXiv:1"}
    assert table.columns == {"a": ("1", "2"), "b": ("x, y", "z")}
    assert table.lines == (5, 8)
    np.testing.assert_array_equal(table.numbers("a", above=0), [1.0, 2.0])


def test_empty_entries_stand_for_what_the_caller_says(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,\n2,3\n")
    table = read_csv(path)
    np.testing.assert_array_equal(table.numbers("b", at_least=0, empty=np.nan), [np.nan, 3.0])
    with pytest.raises(DataError, match=r"line 2: b = '' is not a number"):
        table.numbers("b")


def test_a_file_that_is_no_text_is_one_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(DataError, match="cannot be read: not UTF-8 text"):
        read_csv(path)
