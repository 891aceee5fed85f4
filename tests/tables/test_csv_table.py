import os
import time

import numpy as np
import pytest

from hnlstat.errors import DataError
from hnlstat.tables.csv_table import read_csv


def test_head_columns_and_line_numbers(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('# source: arXiv:1\n# no pair here\n\na, b\n1,"x, y"\n\n# between\n2,z\n')
    table = read_csv(path, required=("a",))
    assert table.head == {"source": "arXiv:1"}
    assert table.columns == {"a": ["1", "2"], "b": ["x, y", "z"]}
    assert list(table.lines) == [5, 8]
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


GOOD = "a,mass_gev,rel_x\nx,0.1,0.5\ny,0.2,0.25\n"


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("\n", "\r").encode(),
        GOOD.replace("x,", '"x",').encode(),
        GOOD.replace("0.1", '" 0.1 "').encode(),
        GOOD.rstrip().encode(),
    ],
)
def test_what_other_programs_write_is_the_same_table(tmp_path, content):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    table = read_csv(path, required=("a", "mass_gev"))
    assert table.columns["a"] == ["x", "y"]
    assert table.numbers("mass_gev").tolist() == [0.1, 0.2]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            GOOD.replace("x,", '"x\nx",', 1),
            "line 2: has a quoted entry that does not end on its li",
        ),
        (GOOD.replace("x,0", '"x"y,0'), "line 2: has a quoted entry"),
        (GOOD.replace("x,0", "x" * 200_000 + ",0"), "line 2: is longer than 10000 characters"),
        (GOOD.replace("0.2", "1_0"), "line 3: mass_gev = '1_0' is not a number"),
        (GOOD.replace("0.25", "1_0"), "line 3: rel_x = '1_0' is not a number"),
        (GOOD.replace("0.25", "٣"), "line 3: rel_x = '٣' is not a number"),
        (GOOD.replace("0.25", "0x1"), "line 3: rel_x = '0x1' is not a number"),
        (GOOD.replace("0.25", "-Inf"), "line 3: rel_x = '-Inf' is not finite"),
        (GOOD.replace("0.25", "1e999"), "line 3: rel_x = '1e999' is not finite"),
        (GOOD.replace("0.25", "9" * 5000), r"line 3: rel_x = '9{40}\.\.\.' is not finite"),
        (GOOD.replace("0.25", "1\0"), "line 3: rel_x = .* is not a number"),
        (GOOD.replace("0.25", "true"), "line 3: rel_x = 'true' is not a number"),
        (GOOD.replace("0.25", "1,1"), "line 3: 4 entries, expected 3"),
        (GOOD.replace("rel_x", "a"), "line 1: repeats a column, a"),
        (GOOD.replace("x,0.1", "größe,0.1").encode("latin-1"), "not UTF-8 text"),
        (GOOD.encode("utf-16"), "not UTF-8 text"),
        ("", "has no table"),
        ("\n# nothing\n", "has no table"),
        ("# mass_unit: cm\n" + GOOD, "mass_unit = 'cm' is a length, expected an energy in GeV"),
        ("# mass_unit: MEV\n" + GOOD, "mass_unit = 'MEV' has no unit that is known"),
        (
            "# flux_unit: 1/m2/1e21POT\n" + GOOD,
            "the unit of no column; that of a flux is flux.unit.f",
        ),
        ("# coupling_unit: MeV^-1\n" + GOOD, "'# coupling_unit: MeV.-1' is the unit of no column"),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path, content, reason):
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=reason) as caught:
        read_csv(path, required=("a", "mass_gev")).numbers("rel_x")
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300 + len(str(path))


def test_the_head_may_say_the_units(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("# mass_unit: MeV\n# rel_unit: %\n" + GOOD)
    table = read_csv(path)
    np.testing.assert_allclose(table.numbers("mass_gev"), [1e-4, 2e-4], rtol=1e-12)
    np.testing.assert_allclose(table.numbers("rel_x"), [0.005, 0.0025], rtol=1e-12)
    with pytest.raises(DataError, match=r"line 4: rel_x = '0\.5' must be above 0\.005"):
        table.numbers("rel_x", above=0.005)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "absent", "endless"])
def test_only_files_of_a_sane_size_are_read(tmp_path, kind):
    path = tmp_path / "t.csv"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "endless":
        path.touch()
        os.truncate(path, 10**11)
    with pytest.raises(DataError, match=r"t.csv: (cannot be read|is too large)"):
        read_csv(path)


@pytest.mark.parametrize("line", [b"x", b"junk\n", b"x,y,z\n"])
def test_junk_is_refused_at_its_beginning(tmp_path, line):
    path = tmp_path / "t.csv"
    path.write_bytes(GOOD.split("\n")[0].encode() + b"\n" + line * (20_000_000 // len(line)))
    started = time.perf_counter()
    with pytest.raises(DataError, match="line 2: "):
        read_csv(path)
    assert time.perf_counter() - started < 2.0


@pytest.mark.parametrize(("sign", "kind"), [(";", "semicolons"), ("\t", "tabs")])
def test_other_separators_are_told(tmp_path, sign, kind):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n".replace(",", sign))
    with pytest.raises(DataError, match=f"divided by {kind}, where commas belong"):
        read_csv(path, required=("a",))


def test_spaces_around_entries_do_not_count(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("name , x\n one , 2\n")
    assert read_csv(path).columns == {"name": ["one"], "x": ["2"]}
