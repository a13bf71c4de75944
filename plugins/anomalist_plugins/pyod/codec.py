"""A fitted PyOD object as arrays and plain values, and back, without pickle.

An object becomes a list of parts that refer to each other by number, so that what is shared stays shared. Of an object
of a class the name of the class and its attributes are kept. What is read back can only be of the classes in
`anomalist_plugins.pyod.classes`: a name is looked up there, never imported from what the file says, and no code of the
object runs.
"""

from __future__ import annotations

import types
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.errors import DetectorError, ModelFileError
from anomalist_plugins.pyod import special
from anomalist_plugins.pyod.classes import find_class, is_forgotten, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from anomalist.detector import State

__all__ = ["decode", "encode"]

_PLAIN = (bool, int, float, str)


def encode(value: Any) -> State:
    """The parts of an object.

    Raises:
        DetectorError: It holds something that cannot be saved.
    """
    writer = _Writer()
    return {"root": writer.write(value), "parts": writer.parts}


def decode(state: State) -> Any:
    """Undo `encode`.

    Raises:
        ModelFileError: The state is damaged, or names a class that is not known here.
    """
    try:
        return _Reader(state["parts"]).read(state["root"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"the state of a PyOD detector is damaged: {type(error).__name__}: {error}") from error


class _Writer:
    """Collects the parts of an object."""

    def __init__(self) -> None:
        self.parts: list[dict[str, Any]] = []
        self._numbers: dict[Hashable, int] = {}
        self._alive: list[Any] = []  # an object that ends would leave its number to another

    def write(self, value: Any) -> Any:
        """A plain value as it is; anything else as a reference to a part."""
        if value is None or type(value) in _PLAIN:
            return value
        if isinstance(value, np.generic) and value.dtype.kind in "biuf":
            return value.item()
        if is_forgotten(value):
            return None
        key = _content(value) if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" else id(value)
        if key not in self._numbers:
            self._numbers[key] = len(self.parts)
            self._alive.append(value)
            part: dict[str, Any] = {}
            self.parts.append(part)
            part.update(self._part(value))
        return {"part": self._numbers[key]}

    def _part(self, value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return {"kind": "dict", "items": [[self.write(key), self.write(item)] for key, item in value.items()]}
        if type(value) in (list, tuple):
            return {"kind": type(value).__name__, "items": [self.write(item) for item in value]}
        if isinstance(value, range):
            return {"kind": "range", "items": [value.start, value.stop, value.step]}
        if isinstance(value, np.ndarray):
            return self._array(value)
        for kind, (is_one, write, _) in special.KINDS.items():
            if is_one(value):
                return {"kind": kind, **{name: self.write(item) for name, item in write(value).items()}}
        name = name_of(type(value))
        if find_class(name) is None:
            raise DetectorError(f"a {name} cannot be saved without pickle; leave out the parameter that asks for it")
        return {"kind": "object", "class": name, **self._attributes(special.attributes(value))}

    def _attributes(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        return {"attributes": {name: self.write(item) for name, item in attributes.items()}}

    def _array(self, array: np.ndarray[Any, Any]) -> dict[str, Any]:
        if array.dtype.kind in "biuf":
            return {"kind": "array", "values": np.ascontiguousarray(array).reshape(array.shape)}
        if array.dtype.kind in "OU":
            return {"kind": "texts", "values": [self.write(item) for item in array.ravel().tolist()]}
        raise DetectorError(f"an array of {array.dtype} cannot be saved without pickle")


def _content(array: np.ndarray[Any, Any]) -> Hashable:
    """The same for arrays of the same numbers: libraries copy what others of their objects hold, too."""
    return array.dtype.str, array.shape, sha256(np.ascontiguousarray(array).data).digest()


class _Reader:
    """Makes objects of parts, each once."""

    def __init__(self, parts: list[Mapping[str, Any]]) -> None:
        self._parts = parts
        self._made: dict[int, Any] = {}

    def read(self, value: Any) -> Any:
        """A plain value as it is; what a reference refers to."""
        if not isinstance(value, dict):
            return value
        number = value["part"]
        if number not in self._made:
            self._make(number, self._parts[number])
        return self._made[number]

    def _make(self, number: int, part: Mapping[str, Any]) -> None:
        kind = part["kind"]
        make: Callable[[int, Mapping[str, Any]], None] | None = getattr(self, f"_make_{kind}", None)
        if make is not None:
            make(number, part)
        elif kind in special.KINDS:
            fields = {name: self.read(item) for name, item in part.items() if name != "kind"}
            self._made[number] = special.KINDS[kind][2](fields)
        else:
            raise ValueError(f"unknown kind {kind!r}")

    def _make_dict(self, number: int, part: Mapping[str, Any]) -> None:
        made = self._made[number] = {}
        made.update((self.read(key), self.read(item)) for key, item in part["items"])

    def _make_list(self, number: int, part: Mapping[str, Any]) -> None:
        made = self._made[number] = []
        made.extend(self.read(item) for item in part["items"])

    def _make_tuple(self, number: int, part: Mapping[str, Any]) -> None:
        self._made[number] = tuple(self.read(item) for item in part["items"])

    def _make_range(self, number: int, part: Mapping[str, Any]) -> None:
        self._made[number] = range(*part["items"])

    def _make_array(self, number: int, part: Mapping[str, Any]) -> None:
        self._made[number] = np.asarray(part["values"])

    def _make_texts(self, number: int, part: Mapping[str, Any]) -> None:
        self._made[number] = np.array([self.read(item) for item in part["values"]], dtype=object)

    def _make_object(self, number: int, part: Mapping[str, Any]) -> None:
        cls = find_class(part["class"])
        if cls is None:
            raise ModelFileError(f"the state of a PyOD detector names {part['class']!r}, which is no class of its")
        made = self._made[number] = special.empty(cls)
        attributes = {name: self.read(item) for name, item in part["attributes"].items()}
        if isinstance(made, types.ModuleType | type):
            raise TypeError("a module or class has no attributes to set")
        special.fill(made, attributes)
