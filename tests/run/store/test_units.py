import hashlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hnlstat.errors import OutputError, StoreError
from hnlstat.inference.limits.limits import Limit, MassLimits, Profile
from hnlstat.run.store import units
from hnlstat.run.store.run_store import RunStore
from hnlstat.run.store.units import UnitStore

KEY = "ab" * 32
DAY = 86400.0


def result(coupling=1e-7):
    curve = np.array([0.0, coupling])
    return MassLimits(
        0.1,
        (Limit(0.1, 0.9, "observed", "lower", "exact CLs", coupling, False),),
        (Profile(0.1, 0.9, "observed", "exact CLs", curve, curve),),
        "ok",
    )


@pytest.fixture
def store(tmp_path):
    return UnitStore.open(tmp_path / "store")


def test_a_result_comes_back(store):
    assert store.get(KEY) is None
    store.put(KEY, result())
    back = store.get(KEY)
    assert back.limits == result().limits
    np.testing.assert_array_equal(back.profiles[0].coupling, result().profiles[0].coupling)


def test_a_store_is_found_again(store):
    store.put(KEY, result())
    assert UnitStore.open(store.root).get(KEY) is not None


@pytest.mark.parametrize("damage", ["truncated", "changed", "empty", "other"])
def test_a_damaged_entry_is_named(store, damage):
    store.put(KEY, result())
    path = store.path(KEY)
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(
        {
            "truncated": content[: len(content) // 2],
            "changed": bytes(content),
            "empty": b"",
            "other": b"mass,coupling\n1,2\n",
        }[damage]
    )
    with pytest.raises(StoreError, match=f"{KEY}.*damaged") as error:
        store.get(KEY)
    assert "\n" not in str(error.value)
    assert len(list(store.damaged())) == 1


def test_an_interrupted_entry_is_none(store, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OutputError, match="No space left on device"):
        store.put(KEY, result())
    monkeypatch.undo()
    assert store.get(KEY) is None
    assert [path for path in store.root.rglob("*") if path.suffix == ".tmp"] == []


def test_a_store_of_another_format_is_refused(store, monkeypatch):
    monkeypatch.setattr(units, "FORMAT", units.FORMAT + 1)
    with pytest.raises(StoreError, match="name another folder, or delete that one"):
        UnitStore.open(store.root)


@pytest.mark.parametrize(
    "mark",
    ["", "{}", "[]", '"x"', "[" * 100_000, f'{{"format": {"9" * 5000}, "hnlstat": 1}}', "\xff"],
)
def test_a_store_without_a_good_mark_is_refused(store, mark):
    (store.root / "store.json").write_text(mark)
    with pytest.raises(StoreError, match=r"store\.json cannot be read"):
        UnitStore.open(store.root)


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(StoreError, match="is a folder of other things"):
        UnitStore.open(tmp_path)


def test_a_store_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot make"):
        UnitStore.open(tmp_path / "file" / "store")


def test_pruning_takes_the_unused_and_the_damaged(store):
    keys = [letter * 64 for letter in "abc"]
    for key in keys:
        store.put(key, result())
    for key, days in zip(keys, (40, 20, 0), strict=True):
        past = store.path(key).stat().st_mtime - days * DAY
        os.utime(store.path(key), (past, past))
    store.path(keys[2]).write_bytes(b"x")
    assert store.prune(30 * DAY) == 2
    assert [entry.path for entry in store.entries()] == [store.path(keys[1])]


def test_reading_counts_as_use(store):
    store.put(KEY, result())
    os.utime(store.path(KEY), (0, 0))
    store.get(KEY)
    assert store.prune(DAY) == 0


def test_many_writers_of_one_entry_do_no_harm(store):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: store.put(KEY, result(1e-7 * (1 + i))), range(64)))
    assert json.loads(store.path(KEY).read_bytes().partition(b"\n")[0])["format"] == units.FORMAT
    assert store.get(KEY).validity == "ok"
    assert len(list(store.entries())) == 1


def test_an_entry_under_the_key_of_another_is_not_taken(store):
    other = "cd" * 32
    store.put(KEY, result(1e-7))
    store.put(other, result(2e-7))
    content = store.path(KEY).read_bytes()
    store.path(KEY).write_bytes(store.path(other).read_bytes())
    store.path(other).write_bytes(content)
    for key in (KEY, other):
        with pytest.raises(StoreError, match="the entry of another key"):
            store.get(key)
    assert len(list(store.damaged())) == 2


def entry(head, body=b""):
    return json.dumps(head).encode() + b"\n" + body


def good_head(body):
    return {"format": units.FORMAT, "key": KEY, "sha256": hashlib.sha256(body).hexdigest()}


BODY = b"PK\x03\x04 no archive"
STRANGE = {
    "deep": b"[" * 100_000,
    "long": b'{"format": ' + b"9" * 5000 + b"}",
    "list": b"[3]\n",
    "format": entry({"format": {"a": 1}, "key": KEY, "sha256": ""}),
    "no archive": entry(good_head(BODY), BODY),
    "folder": None,
    "pipe": lambda path: os.mkfifo(path),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "link": lambda path: path.symlink_to("nowhere"),
    "loop": lambda path: path.symlink_to(path),
}


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes as files there")
@pytest.mark.parametrize("kind", STRANGE)
def test_a_strange_entry_is_calculated_again_and_pruned(store, kind):
    def put_there():
        content, path = STRANGE[kind], store.path(KEY)
        path.unlink(missing_ok=True)
        if content is None:
            path.mkdir()
            (path / "x").write_text("x")
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content(path)

    store.put("ab" + "0" * 62, result())
    put_there()
    if kind == "link":
        assert store.get(KEY) is None
    else:
        with pytest.raises(StoreError, match=KEY) as error:
            store.get(KEY)
        assert len(str(error.value)) < 1000
    assert len(list(store.damaged())) == 1
    store.put(KEY, result())
    assert store.get(KEY).validity == "ok"
    assert store.prune(DAY) == 0
    put_there()
    assert store.prune(DAY) == 1
    assert len(list(store.entries())) == 1


def test_pruning_takes_what_killed_runs_left_half_written(store):
    store.put(KEY, result())
    for name, hours in (("old", 2), ("new", 0)):
        path = store.path(KEY).with_name(f".{name}.unit.0.tmp")
        path.write_bytes(b"half")
        past = path.stat().st_mtime - hours * 3600
        os.utime(path, (past, past))
    assert store.prune(DAY) == 1
    assert [path.name for path in store.root.rglob("*.tmp")] == [".new.unit.0.tmp"]


def test_several_prune_at_once(store):
    for i in range(300):
        store.put(f"{i:064x}", result())
    with ThreadPoolExecutor(8) as pool:
        gone = list(pool.map(lambda _: store.prune(0.0), range(8)))
    assert sum(gone) == 300
    assert list(store.entries()) == []


def test_pruning_goes_on_after_what_cannot_be_deleted(store, monkeypatch):
    keys = [letter * 64 for letter in "abc"]
    for key in keys:
        store.put(key, result())
    unlink = Path.unlink

    def mine_alone(path, **kwargs):
        if path == store.path(keys[0]):
            raise PermissionError(13, "Permission denied")
        unlink(path, **kwargs)

    monkeypatch.setattr("pathlib.Path.unlink", mine_alone)
    with pytest.raises(StoreError, match=r"2 files deleted; 1 cannot be, the first .*Permission"):
        store.prune(0.0)


def test_what_a_store_does_not_take_goes_to_the_reserve(store, tmp_path):
    (store.root / "ab").write_text("in the way of a folder, as a full or foreign store is")
    store.put(other := "cd" * 32, result(2e-7))
    mine = RunStore(store, tmp_path / "units")
    assert str(tmp_path / "units") in mine.put(KEY, result())
    assert mine.put("ab" + "1" * 62, result()) is None  # one remark is enough
    assert mine.get(KEY).limits == result().limits
    assert mine.get(other).limits == result(2e-7).limits
    assert RunStore(store, tmp_path / "units").get(KEY) is not None  # when the run goes on
    with pytest.raises(OutputError):
        RunStore(store).put(KEY, result())


def test_a_store_of_another_user_is_read(store, monkeypatch):
    store.put(KEY, result())

    def not_mine(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "utime", not_mine)
    assert store.get(KEY) is not None
