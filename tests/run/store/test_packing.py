import importlib
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hnlstat.run.store.packing import key, pack, unpack


@dataclass(frozen=True, eq=False)
class Part:
    name: str
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Whole:
    parts: tuple[Part, ...]
    sizes: dict[str, float]
    limit: float | None


def work(whole):
    return whole


def other_work(whole):
    return whole


def example(value=1.0, name="a"):
    return Whole((Part(name, np.array([value, 2.0])),), {"x": 0.1}, None)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(plain)
def test_plain_values_come_back_as_they_were(value):
    assert unpack(pack(value), ()) == value


@given(hnp.arrays(np.float64, hnp.array_shapes(), elements=st.floats()))
def test_arrays_come_back_bit_by_bit(array):
    back = unpack(pack(Part("x", array)), (Part,))
    assert back.values.shape == array.shape
    assert back.values.tobytes() == array.tobytes()


@given(
    st.lists(hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, min_side=0)), max_size=6)
)
def test_arrays_of_several_types_keep_their_order_and_shape(arrays):
    back = unpack(pack(tuple(arrays)), ())
    assert [array.dtype for array in back] == [array.dtype for array in arrays]
    assert [array.shape for array in back] == [array.shape for array in arrays]
    assert [array.tobytes() for array in back] == [array.tobytes() for array in arrays]


def test_arrays_of_objects_are_refused():
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        pack(np.array([Fraction(1, 2)]))


def test_nested_dataclasses_come_back():
    back = unpack(pack(example()), (Whole, Part))
    assert isinstance(back, Whole)
    assert isinstance(back.parts[0], Part)
    assert (back.sizes, back.limit, back.parts[0].name) == ({"x": 0.1}, None, "a")


def test_a_type_that_is_not_expected_is_refused():
    with pytest.raises(KeyError):
        unpack(pack(example()), (Whole,))


def test_what_cannot_be_stored_is_named():
    with pytest.raises(TypeError, match="Fraction cannot be stored"):
        pack(Fraction(1, 2))


def test_the_key_is_that_of_the_content():
    assert key(work, example()) == key(work, example())
    assert len({key(work, example()), key(work, example(value=np.nextafter(1.0, 2.0)))}) == 2
    assert key(work, example()) != key(work, example(name="b"))
    assert key(work, example()) != key(other_work, example())


def test_the_module_of_a_function_is_part_of_the_key(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    found = set()
    for i, what in enumerate(("item", "[item]")):
        (tmp_path / f"unit_{i}.py").write_text(f"def work(item):\n    return {what}\n")
        found.add(key(importlib.import_module(f"unit_{i}").work, example()))
    assert len(found) == 2


def test_equal_bytes_of_another_shape_have_another_key():
    row, column = (Part("x", np.zeros(shape)) for shape in ((1, 2), (2, 1)))
    assert key(work, row) != key(work, column)
