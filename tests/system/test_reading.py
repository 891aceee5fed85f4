import os

import pytest

from hnlstat.errors import DataError
from hnlstat.system.reading import file_digest, parse_json, read_json


def test_json_comes_back(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(
        b"\xef\xbb\xbf" + '{"a": [1, -2.5e3, "ü\\u00e9\\ud83d\\ude00", null]}'.encode()
    )
    assert read_json(path) == {"a": [1, -2500.0, "üé😀", None]}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[" * 100_000, "is nested too deep"),
        ('{"a":' * 100_000, "is nested too deep"),
        ("[NaN]", "it has NaN"),
        ('{"a": -Infinity}', "it has -Infinity"),
        ("[1e999]", "it has 1e999, which is no finite number"),
        (f"[{'9' * 5000}]", "it has a whole number of 5000 digits"),
        (f"[-{'9' * 400}]", "a whole number of 401 digits"),
        ('["\\ud800"]', "half of a character"),
        ("", "is not JSON: Expecting value"),
        ("{'a': 1}", "is not JSON: Expecting property name"),
        ("[1]]", "is not JSON: Extra data"),
        (b"\xff\xfe[\x00]\x00", "not UTF-8 text"),
        (b"\x00" * 1000, "is not JSON"),
    ],
)
def test_what_is_no_json_is_one_line(tmp_path, content, reason):
    path = tmp_path / "a.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=reason) as caught:
        read_json(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_bytes_are_read_as_text_is():
    assert parse_json(b'{"a": 1}') == {"a": 1}
    with pytest.raises(ValueError, match="half of a character"):
        parse_json(b'["\\udfff"]')


def test_neither_pipes_nor_folders_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "none", tmp_path / ("x" * 300)):
        for read in (read_json, file_digest):
            with pytest.raises(DataError, match="cannot be read"):
                read(path)


def test_the_digest_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_digest(tmp_path / "a").startswith(
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb"
    )
