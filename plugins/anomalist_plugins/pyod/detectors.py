"""The classes that `pyod:NAME` stands for, each made when it is first asked for: `detectors.KNN`."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

from anomalist_plugins.pyod.bridge import Bridge
from anomalist_plugins.pyod.catalogue import ENTRIES, Entry
from anomalist_plugins.pyod.expected import EXPECTED
from anomalist_plugins.pyod.library import library
from anomalist_plugins.pyod.parameters import Parameter, parameters_of, summary_of

_made: dict[str, type[Bridge]] = {}
_lock = threading.RLock()

_SEED = Parameter(name="seed", hint=int, default=0, help="Where all that it draws starts.")
_DEVICE = Parameter(name="device", hint=str, default="auto", help="Where it is fitted: auto, cpu, cuda or mps.")
_REFERENCE = Parameter(
    name="reference",
    hint=int,
    default=100,
    help="How many training rows, drawn at random, each row is scored beside; time grows faster than their number.",
)


def __getattr__(name: str) -> type[Bridge]:
    """The class of a detector."""
    if name not in ENTRIES or ENTRIES[name].factory:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with _lock:
        if name not in _made:
            _made[name] = _make(ENTRIES[name])
        return _made[name]


def _make(entry: Entry) -> type[Bridge]:
    cls = library().find(f"pyod.models.{entry.module}", entry.name)
    theirs = parameters_of(cls, entry)
    parameters = [*theirs, *_ours(cls, entry)]
    namespace: dict[str, Any] = {
        "entry": entry,
        "pyod": cls,
        "pyod_parameters": tuple(parameter.name for parameter in theirs),
        "expected_failures": EXPECTED.get(entry.name, {}),
        "__doc__": _doc(cls, parameters),
        "__module__": __name__,
    }
    fields = [parameter.field() for parameter in parameters]
    return dataclasses.make_dataclass(entry.name, fields, bases=(Bridge,), namespace=namespace, kw_only=True, eq=False)


def _ours(cls: type, entry: Entry) -> list[Parameter]:
    found = [_REFERENCE] if entry.scoring == "beside" else []
    if entry.draws or entry.scoring == "beside":
        found.append(_SEED)
    if "device" in cls.__init__.__code__.co_varnames[: cls.__init__.__code__.co_argcount]:  # type: ignore[misc]  # of a class of theirs
        found.append(_DEVICE)
    return found


def _doc(cls: type, parameters: list[Parameter]) -> str:
    lines = "\n".join(f"    {parameter.name}: {parameter.help}" for parameter in parameters)
    return f"{summary_of(cls)}\n" + (f"\nAttributes:\n{lines}\n" if lines else "")
