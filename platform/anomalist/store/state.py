"""Nested `State` to JSON text and a flat set of arrays, and back, without pickle and without losing a bit."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.errors import ModelFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anomalist.detector import State

__all__ = ["join_state", "split_state"]

KINDS = {"b": "bool", "i": "int", "u": "uint", "f": "float"}
WIDEST = 8  # bytes an element: safetensors knows no longer floats
ARRAY, FLOAT, MAPPING = "$array", "$float", "$mapping"


def split_state(state: State, what: str) -> tuple[str, dict[str, NDArray[Any]]]:
    """Write a state as JSON text, in which each array is replaced by its name, and the arrays by name.

    Mappings need string keys. Lists and tuples come back as lists, NumPy scalars as plain numbers; infinity and NaN are
    kept. `what` names the state in errors.

    Raises:
        ModelFileError: Something in it is neither an array of bool, int or float nor a plain value; the
            message says where.

    >>> split_state({"trees": 2, "low": -math.inf, "cut": np.zeros(3)}, "forest")
    ('{"trees": 2, "low": {"$float": "-inf"}, "cut": {"$array": "cut"}}', {'cut': array([0., 0., 0.])})
    """
    if not isinstance(state, Mapping):
        raise ModelFileError(f"{what}: a state is a mapping, got {type(state).__name__}")
    arrays: dict[str, NDArray[Any]] = {}
    try:
        return json.dumps(_split(state, what, "", arrays), allow_nan=False), arrays
    except RecursionError:
        raise ModelFileError(f"{what}: the state is nested too deeply or holds itself") from None


def _split(value: Any, what: str, path: str, arrays: dict[str, NDArray[Any]]) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in KINDS or value.dtype.itemsize > WIDEST:
            raise _refusal(what, path, f"an array of {value.dtype}")
        # The file format takes the memory as it lies, so that a strided or swapped array would come back scrambled.
        arrays[path] = np.asarray(value, dtype=value.dtype.newbyteorder("="), order="C")
        return {ARRAY: path}
    if isinstance(value, np.generic):
        if value.dtype.kind not in KINDS or value.dtype.itemsize > WIDEST:
            raise _refusal(what, path, f"a {value.dtype}")
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {FLOAT: repr(value)}
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, list | tuple):
        return [_split(item, what, f"{path}/{index}", arrays) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise _refusal(what, path, f"a mapping with the key {key!r}")
        parts = {}
        for key, item in value.items():
            escaped = key.replace("~", "~0").replace("/", "~1")  # as in a JSON pointer: no two places share a name
            parts[str(key)] = _split(item, what, f"{path}/{escaped}" if path else escaped, arrays)
        return {MAPPING: parts} if any(key.startswith("$") for key in parts) else parts
    raise _refusal(what, path, f"a {type(value).__name__}")


def _refusal(what: str, path: str, got: str) -> ModelFileError:
    return ModelFileError(
        f"{what}: a state holds arrays of bool, int or float and plain values only, got {got} at {path or 'the top'}"
    )


def join_state(text: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Undo `split_state`.

    Raises:
        ValueError: The text is not what `split_state` writes.
        KeyError: An array is missing.
    """
    return dict(_join(json.loads(text), arrays))


def _join(value: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    if isinstance(value, list):
        return [_join(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, inner),) = value.items()
        if key == ARRAY:
            return arrays[str(inner)]
        if key == FLOAT:
            return float(inner)
        if key == MAPPING:
            return {name: _join(item, arrays) for name, item in inner.items()}
    return {key: _join(item, arrays) for key, item in value.items()}
