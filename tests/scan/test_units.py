import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hnlstat.errors import OutputError, StoreError
from hnlstat.inference.limits import Limit, MassLimits, Profile
from hnlstat.scan import units
from hnlstat.scan.units import UnitStore

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


@pytest.mark.parametrize("mark", ["", "{}", "[]", '"x"'])
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


def test_entries_that_are_deep_or_pipes_are_refused_at_once(store):
    path = store.path(KEY)
    path.parent.mkdir()
    path.write_bytes(b"[" * 100_000 + b"\n")
    with pytest.raises(StoreError, match="is damaged: it is nested too deep"):
        store.get(KEY)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(StoreError, match="it is a pipe or device, not a file"):
        store.get(KEY)
    (store.root / units.MARK).write_text("[" * 100_000)
    with pytest.raises(StoreError, match="cannot be read"):
        UnitStore.open(store.root)
