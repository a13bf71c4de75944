"""The parameters of a detector: its dataclass fields, their types and help, and how text becomes a value.

One place for the command line (`--detector knn:neighbours=5`), for Python (`{"neighbours": 5}`) and for
`anomalist detectors NAME`.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import json
import math
import numbers
import re
import sys
import types
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from anomalist.errors import ParameterError, PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Parameter", "as_typed", "check_parameters", "describe_parameters", "parse_detector", "parse_values"]

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_SEQUENCES = (list, tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a detector.

    Attributes:
        name: What users type before the equals sign.
        type: Its type in words, such as `int`, `float or none`, `relu|tanh`.
        default: Its default as users would type it.
        help: What it does: its entry in the "Attributes" section of the class's docstring; empty where there is none.
    """

    name: str
    type: str
    default: str
    help: str


def parse_detector(text: str) -> tuple[str, dict[str, str]]:
    """Split `name:key=value,...` into the name and the texts of its parameters.

    A comma inside brackets or quotes belongs to the value.

    Raises:
        ParameterError: A parameter has no equals sign or no name, or is given twice, or a bracket is not closed.

    >>> parse_detector("autoencoder:hidden=[64,32],activation=relu")
    ('autoencoder', {'hidden': '[64,32]', 'activation': 'relu'})
    >>> parse_detector("my-package:knn")
    ('my-package:knn', {})
    """
    match = re.fullmatch(r"([^=]*?)(?::([^:=]*=.*|))?", text.strip(), re.DOTALL)
    if match is None or not match[1].strip():
        raise ParameterError(f"a detector is written NAME or NAME:KEY=VALUE,..., got {text!r}")
    return match[1].strip(), parse_values(match[2] or "", text)


def parse_values(text: str, whole: str) -> dict[str, str]:
    """Split `key=value,...` into texts by key; `whole` is what an error repeats.

    Raises:
        ParameterError: As `parse_detector`.
    """
    values: dict[str, str] = {}
    for item in _split(text, whole):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key:
            raise ParameterError(f"a parameter is written KEY=VALUE, got {item.strip()!r} in {whole!r}")
        if key in values:
            raise ParameterError(f"parameter {key!r} is given twice in {whole!r}")
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        values[key] = value[1:-1] if quoted else value
    return values


def _split(text: str, whole: str) -> list[str]:
    """Split at the commas that are outside brackets and quotes."""
    if not text.strip():
        return []
    items, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        else:
            depth += (letter in "[(") - (letter in "])")
        if letter == "," and depth == 0 and not quote:
            items.append("")
        else:
            items[-1] += letter
    if depth or quote:
        raise ParameterError(f"a bracket or quote is not closed in {whole!r}")
    return items


def check_parameters(detector: str, cls: type, given: Mapping[str, object]) -> dict[str, Any]:
    """The values to build `cls` with, each of the type of its field; text is read as that type.

    A whole number is taken for a float, and a list for a tuple, since JSON has no tuples; nothing else is converted.
    Infinity and NaN are refused.

    Raises:
        ParameterError: A parameter is unknown or of the wrong type.
        PluginError: The class is not a dataclass whose fields have types that can be found.
    """
    types_of = _field_types(detector, cls)
    values = {}
    for name, value in given.items():
        if name not in types_of:
            raise ParameterError(f"{detector} has no parameter {name!r}{_suggestion(name, types_of)}")
        try:
            values[name] = _read(value, types_of[name]) if isinstance(value, str) else _accept(value, types_of[name])
        except ValueError:
            raise ParameterError(f"{detector}: {name} must be {_in_words(types_of[name])}, got {value!r}") from None
    return values


def describe_parameters(detector: str, cls: type) -> list[Parameter]:
    """The parameters of a detector class, in the order of its fields.

    Raises:
        PluginError: The class is not a dataclass whose fields have types that can be found.
    """
    types_of = _field_types(detector, cls)
    helps = _attribute_help(inspect.getdoc(cls) or "")
    fields = {field.name: field for field in dataclasses.fields(cls)}
    return [
        Parameter(name=name, type=_in_words(hint), default=as_typed(_default(fields[name])), help=helps.get(name, ""))
        for name, hint in types_of.items()
    ]


def _field_types(detector: str, cls: type) -> dict[str, Any]:
    """The type of each field that can be given, by name."""
    if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
        raise PluginError(f"detector {detector!r}: {cls!r} is not a dataclass; its fields are its parameters")
    found: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        if field.init:
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                raise PluginError(f"detector {detector!r}: parameter {field.name!r} needs a default")
            # one field at a time, because fields that are no parameters may have types that only a checker imports
            owner = next(base for base in cls.__mro__ if field.name in inspect.get_annotations(base))
            holder = types.SimpleNamespace(__annotations__={field.name: field.type})
            try:
                found |= typing.get_type_hints(holder, globalns=vars(sys.modules[owner.__module__]))
            except NameError as error:
                raise PluginError(f"detector {detector!r}: the type of parameter {field.name!r}: {error}") from None
    return found


def _read(text: str, hint: Any) -> Any:
    """The value that `text` spells for a type; ValueError where it spells none."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        # text fits every str, so that comes last
        for choice in sorted(args, key=lambda choice: choice is str):
            try:
                return _read(text, choice)
            except ValueError:
                continue
        raise ValueError(text)
    if origin is Literal:
        for choice in args:
            if text == str(choice):
                return choice
        raise ValueError(text)
    if hint is types.NoneType:
        if text.lower() in ("none", "null"):
            return None
        raise ValueError(text)
    if hint is bool:
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        raise ValueError(text)
    if hint in (int, float):
        return _accept(hint(text), hint)
    if hint in (str, Any):
        return text
    return _accept(json.loads(text.replace("(", "[").replace(")", "]")), hint)


def _accept(value: Any, hint: Any) -> Any:
    """The value itself where it is of a type; ValueError where it is not."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        for choice in args:
            if type(value) is choice:
                return _accept(value, choice)
        for choice in args:
            try:
                return _accept(value, choice)
            except ValueError:
                continue
        raise ValueError(value)
    if origin is Literal:
        if any(type(value) is type(choice) and value == choice for choice in args):
            return value
        raise ValueError(value)
    kind = origin or hint
    if kind is float and isinstance(value, numbers.Real) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise ValueError(value)  # JSON knows no such number: the model could not be saved
        return float(value)
    if kind is int and isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return int(value)
    if kind is types.NoneType and value is None:
        return None
    if (kind in _SEQUENCES or getattr(kind, "__name__", "") == "Sequence") and isinstance(value, _SEQUENCES):
        return _accept_items(value, kind, args)
    if isinstance(kind, type) and kind not in (int, float) and isinstance(value, kind):
        return value
    raise ValueError(value)


def _accept_items(value: list[Any] | tuple[Any, ...], kind: Any, args: tuple[Any, ...]) -> Any:
    """The items of a list or tuple, each of its type."""
    if kind is tuple and args and args[-1] is not Ellipsis:
        if len(value) != len(args):
            raise ValueError(value)
        hints = list(args)
    else:
        hints = [args[0] if args else Any] * len(value)
    return (list if kind is list else tuple)(_accept(item, hint) for item, hint in zip(value, hints, strict=True))


def _in_words(hint: Any) -> str:
    """A type as users read it."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_in_words(choice) for choice in args)
    if origin is Literal:
        return "|".join(str(choice) for choice in args)
    if hint is types.NoneType:
        return "none"
    if origin is tuple and args and args[-1] is not Ellipsis:
        return "[" + ",".join(_in_words(item) for item in args) + "]"
    if origin is not None and args:
        return f"list of {_in_words(args[0])}"
    return getattr(hint, "__name__", str(hint))


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def as_typed(value: Any) -> str:
    """A value as users would type it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, _SEQUENCES):
        return "[" + ",".join(as_typed(item) for item in value) + "]"
    return str(value)


def _attribute_help(doc: str) -> dict[str, str]:
    """The entries of the "Attributes" section of a docstring, each in one line."""
    section = re.search(r"^Attributes:\n((?:[ \t]+.*\n?|\n)*)", doc + "\n", re.MULTILINE)
    entries: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc(section[1]).splitlines() if section else []:
        start = re.match(r"(\w+)(?: \([^)]*\))?:\s*(.*)", line)
        if start:
            name, entries[start[1]] = start[1], start[2]
        elif name and line.startswith(" "):
            entries[name] = f"{entries[name]} {line.strip()}".strip()
    return entries


def _suggestion(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; it has {', '.join(known) or 'none'}"
