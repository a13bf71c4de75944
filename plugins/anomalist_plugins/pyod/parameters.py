"""The parameters of a PyOD class as dataclass fields, from its signature and its docstring."""

from __future__ import annotations

import dataclasses
import inspect
import re
from dataclasses import dataclass
from functools import reduce
from operator import or_
from types import NoneType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anomalist_plugins.pyod.catalogue import Entry

__all__ = ["Parameter", "fixed_arguments", "parameters_of", "summary_of"]

_FIXED: dict[str, Any] = {
    "verbose": 0,
    "n_jobs": 1,
    "parallel_execution": False,
    "check_estimator": False,
    "check_detector": False,
}
_EVERYWHERE = frozenset(
    {
        *("contamination", "metric_params", "kernel_params", "copy", "copy_X", "warm_start", "behaviour"),
        *("use_compile", "compile_mode", "optimizer_params", "criterion_params", "loss_fn", "loss_func", "criterion"),
        *("window_size", "step"),  # a run cuts the windows
        *("novelty", "device", "random_state", "cache_size", *_FIXED),
    }
)
_WORDS: dict[str, type] = {
    "int": int,
    "integer": int,
    "float": float,
    "double": float,
    "bool": bool,
    "boolean": bool,
    "str": str,
    "string": str,
    "list": list,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a PyOD class that users can set.

    Attributes:
        name: Its name in PyOD.
        hint: Its type.
        default: Its default.
        help: What it does, one line.
    """

    name: str
    hint: Any
    default: Any
    help: str

    def field(self) -> tuple[str, Any, Any]:
        """What `dataclasses.make_dataclass` takes."""
        if isinstance(self.default, list):
            default = list(self.default)
            return self.name, self.hint, dataclasses.field(default_factory=lambda: list(default))
        return self.name, self.hint, dataclasses.field(default=self.default)


def parameters_of(cls: type, entry: Entry) -> list[Parameter]:
    """The parameters of a class of PyOD that are plain values, in its order."""
    entries = _documented(cls)
    found = []
    for name, default in _defaults(cls):
        if name in _EVERYWHERE | entry.left_out:
            continue
        kind, text = entries.get(name, ("", ""))
        chosen = entry.defaults.get(name, default)
        chosen = list(chosen) if isinstance(chosen, tuple) else chosen  # JSON has lists
        hint = _hint(chosen, kind)
        if hint is not None:
            found.append(Parameter(name=name, hint=hint, default=chosen, help=text or f"See PyOD's {cls.__name__}."))
    return found


def fixed_arguments(cls: type) -> dict[str, Any]:
    """Arguments that are the same for every run: one thread, and nothing printed."""
    return {name: _FIXED[name] for name, _ in _defaults(cls) if name in _FIXED}


def summary_of(cls: type) -> str:
    """What PyOD says of a class: the first paragraph of its docstring, in one line."""
    return " ".join((inspect.getdoc(cls) or "").split("\n\n", 1)[0].split())


def _defaults(cls: type) -> Iterator[tuple[str, Any]]:
    for name, parameter in list(inspect.signature(cls.__init__).parameters.items())[1:]:  # type: ignore[misc]  # of a class of theirs
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            yield name, None if parameter.default is parameter.empty else parameter.default


def _hint(default: Any, kind: str) -> Any:
    """The type of a parameter: that of its default and those that its documentation names; None for no plain value."""
    words = [_WORDS[word] for word in re.findall(r"[a-z]+", re.split(r"default|optional", kind)[0]) if word in _WORDS]
    if isinstance(default, list | tuple) or (default is None and list in words):
        inner = type(default[0]) if default else next((word for word in words if word is not list), int)
        return list[inner] | None if default is None else list[inner]  # type: ignore[valid-type]  # found as we run
    own = type(default)
    types = [word for word in dict.fromkeys([own, *words]) if word is not list]
    if own is bool:
        return bool
    types = [each for each in types if each is not bool]
    if own not in (NoneType, int, float, str) or types == [NoneType]:
        return None
    if own is float:
        types = [each for each in types if each is not int or "int" in kind]
    return reduce(or_, sorted(types, key=lambda each: each is NoneType))  # "int or none"


def _documented(cls: type) -> dict[str, tuple[str, str]]:
    """Type and help of each parameter, by the numpydoc section of the class, or of one that it is made of."""
    found: dict[str, tuple[str, str]] = {}
    for owner in reversed(cls.__mro__):
        if owner.__module__.startswith("pyod."):
            found |= _section(inspect.cleandoc(owner.__doc__ or ""))
    return found


def _section(doc: str) -> dict[str, tuple[str, str]]:
    match = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-{3,}|\Z)", doc, re.DOTALL | re.MULTILINE)
    entries: dict[str, tuple[str, str]] = {}
    for block in re.split(r"\n(?=\w[\w, ]* ?:)", "\n" + match[1] if match else ""):
        head, _, body = block.strip("\n").partition("\n")
        while head.count("{") > head.count("}") and body:  # choices that go on in the next line
            more, _, body = body.partition("\n")
            head = f"{head} {more.strip()}"
        names, _, kind = head.partition(":")
        first, *others = re.split(r"\n\s*\n", body.strip("\n"))
        paragraph = " ".join(" ".join([first, *others] if first.rstrip().endswith(":") else [first]).split())
        for name in names.split(","):
            entries[name.strip()] = (kind.strip(), paragraph or kind.strip())
    return entries
