from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from anomalist.errors import ModelFileError
from anomalist.store.state import join_state, split_state


def same(left: Any, right: Any) -> bool:
    """Equal in type, in dtype and in every bit."""
    if isinstance(left, np.ndarray):
        return (
            isinstance(right, np.ndarray)
            and (left.dtype, left.shape) == (right.dtype, right.shape)
            and left.tobytes() == right.tobytes()
        )
    if isinstance(left, dict):
        return isinstance(right, dict) and list(left) == list(right) and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and math.isnan(left):
        return isinstance(right, float) and math.isnan(right)
    return type(left) is type(right) and left == right and str(left) == str(right)


DTYPES = st.sampled_from(["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"])
ARRAYS = DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=3)))
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
NAMES = st.text(max_size=4) | st.sampled_from(["$array", "$float", "$mapping", "$", "a/b", "a", "b", "~1", ""])
VALUES = st.recursive(
    PLAIN | ARRAYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_any_state_comes_back_bit_for_bit(state: dict[str, Any]) -> None:
    assert same(join_state(*split_state(state, "part")), state)


def test_tuples_come_back_as_lists_and_scalars_as_plain_numbers() -> None:
    state = {"pair": (1, (2.5, None)), "count": np.int64(3), "rate": np.float32(0.1), "on": np.bool_(True)}
    assert same(
        join_state(*split_state(state, "part")),
        {"pair": [1, [2.5, None]], "count": 3, "rate": float(np.float32(0.1)), "on": True},
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "got a object at deep/0/x"),
        ({1, 2}, "got a set at deep/0/x"),
        (b"raw", "got a bytes at deep/0/x"),
        (1j, "got a complex at deep/0/x"),
        ({1: 2}, "a mapping with the key 1 at deep/0/x"),
        (np.array(["a"], dtype=object), "an array of object at deep/0/x"),
        (np.array(["a"]), "an array of <U1 at deep/0/x"),
        (np.zeros(1, dtype="M8[s]"), r"an array of datetime64\[s\] at deep/0/x"),
        (np.zeros(1, dtype=np.complex64), "an array of complex64 at deep/0/x"),
        (np.datetime64("2020"), r"a datetime64\[Y\] at deep/0/x"),
    ],
)
def test_what_is_not_plain_is_refused_with_its_place(value: object, message: str) -> None:
    with pytest.raises(ModelFileError, match=f"knn: a state holds arrays .*{message}"):
        split_state({"deep": [{"x": value}]}, "knn")


def test_a_state_that_holds_itself_is_refused() -> None:
    state: dict[str, Any] = {}
    state["self"] = state
    with pytest.raises(ModelFileError, match="holds itself"):
        split_state(state, "knn")


def test_a_state_is_a_mapping() -> None:
    with pytest.raises(ModelFileError, match="knn: a state is a mapping, got list"):
        split_state([1], "knn")  # type: ignore[arg-type] # the mistake a plugin may make
