"""Checks what a plugin says that it brings, and copies it into plain descriptions.

A description is used long after the plugin gave it: compared, sorted, printed, kept in sets. What is passed on is
therefore made here, of exact strings, and holds no object of the plugin.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast, get_args

from anomalist.detector import (
    CombinerSpec,
    CommandSpec,
    DetectorSpec,
    Family,
    FeatureSpec,
    ReaderSpec,
    StackerSpec,
    Trait,
    View,
)
from anomalist.errors import ParameterError, PluginError
from anomalist.plugins.space import parse_space

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.plugins.plugin import Spec

__all__ = ["DESCRIBE", "described"]

DESCRIBE: Mapping[str, tuple[type[Spec], ...]] = {
    "anomalist_detectors": (DetectorSpec,),
    "anomalist_combiners": (CombinerSpec, StackerSpec),
    "anomalist_features": (FeatureSpec,),
    "anomalist_readers": (ReaderSpec,),
    "anomalist_commands": (CommandSpec,),
}
"""The hooks that describe, and what."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CATALOGUE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_COMMAND_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_SUFFIX = re.compile(r"\.[a-z0-9]+")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_FORMS = {_SUFFIX: "lower-case endings with their dot", _MODULE: "names of modules", _NAME: "lower-case names"}


def described(hook: str, result: object, entry: str) -> list[Spec]:
    """What a hook returned, checked and copied.

    Args:
        hook: The hook, one of `DESCRIBE`.
        result: What the plugin's function returned.
        entry: The name of the plugin's entry point.

    Raises:
        PluginError: It is not a list of good descriptions.
    """
    kinds = DESCRIBE[hook]
    wanted = " or ".join(kind.__name__ for kind in kinds)
    if type(result) not in (list, tuple):
        raise PluginError(f"{hook} must return a list of {wanted}, got {type(result).__name__}")
    specs: dict[str, Spec] = {}
    for given in cast("Any", result):
        kind = next((kind for kind in kinds if isinstance(given, kind)), None)
        if kind is None:
            raise PluginError(f"{hook} must return a list of {wanted}, got {type(given).__name__} in it")
        spec = _copied(hook, kind, given, entry)
        if spec.name in specs:
            raise PluginError(f"{hook}: name {spec.name!r} is described twice")
        specs[spec.name] = spec
    return list(specs.values())


def _copied(hook: str, kind: type[Spec], given: Any, entry: str) -> Spec:
    """One description, of plain values."""
    name = _text(hook, "name", given.name)
    where = f"{hook}: name {name!r}"
    _check_name(where, name, kind, entry)
    plain: dict[str, Any] = {"name": name}
    for attribute in ("summary", "factory"):
        plain[attribute] = _text(where, attribute, getattr(given, attribute))
    if not plain["summary"].strip():
        raise PluginError(f"{where} needs a summary of one sentence")
    if not _FACTORY.fullmatch(plain["factory"]):
        raise PluginError(f"{where} needs a factory of the form 'package.module:name', got {plain['factory']!r}")
    if kind is DetectorSpec:
        plain |= _of_detector(where, given)
    elif kind is ReaderSpec:
        plain["suffixes"] = tuple(_names(where, "suffixes", given.suffixes, _SUFFIX))
    return kind(**plain)


def _of_detector(where: str, given: Any) -> dict[str, Any]:
    """What only the description of a detector has."""
    if type(given.pickles) is not bool:
        raise PluginError(f"{where}: pickles must be True or False, got {type(given.pickles).__name__}")
    return {
        "family": _choice(where, "family", given.family, get_args(Family)),
        "eats": _choice(where, "eats", given.eats, get_args(View)),
        "handles": frozenset(
            Trait(_choice(where, "handles", trait, tuple(Trait))) for trait in _texts(where, "handles", given.handles)
        ),
        "requires": tuple(_names(where, "requires", given.requires, _MODULE)),
        "panels": frozenset(_names(where, "panels", given.panels, _NAME)),
        "extra": _text(where, "extra", given.extra),
        "kin": _text(where, "kin", given.kin),
        "pickles": given.pickles,
        "search": _search(where, given.search),
    }


def _search(where: str, got: object) -> tuple[str, ...]:
    """What is to be searched, each axis as it is always written."""
    try:
        return tuple(axis.text for axis in parse_space(_texts(where, "search", got)))
    except ParameterError as error:
        raise PluginError(f"{where}: search: {error}") from None


def _check_name(where: str, name: str, kind: type[Spec], entry: str) -> None:
    """Refuse a name that is hard to type; in a catalogue the entry point's name goes before, with a colon."""
    if kind is DetectorSpec and name.startswith(f"{entry}:"):
        good = _CATALOGUE_NAME.fullmatch(name.removeprefix(f"{entry}:"))
    else:
        good = (_COMMAND_NAME if kind is CommandSpec else _NAME).fullmatch(name)
    if not good:
        raise PluginError(
            f"{where} must be lower-case letters, digits and underscores, beginning with a letter"
            + (f"; in a catalogue of many, {entry}:Name" if kind is DetectorSpec else "")
        )


def _choice(where: str, attribute: str, got: object, choices: tuple[str, ...]) -> str:
    text = _text(where, attribute, got)
    if text not in choices:
        raise PluginError(f"{where}: {attribute} must be one of {', '.join(choices)}, got {text!r}")
    return text


def _text(where: str, attribute: str, got: object) -> str:
    """An exact `str` with the same characters: what a subclass of it overrides is left behind."""
    if not isinstance(got, str):
        raise PluginError(f"{where}: {attribute} must be a text, got {got!r}")
    text = str.__str__(got)
    if not text.isprintable():
        raise PluginError(f"{where}: {attribute} must be one line of printable characters, got {text!r}")
    return text


def _texts(where: str, attribute: str, got: object) -> list[str]:
    """The texts of a collection; refuses the classic slip of one string in place of a tuple of strings."""
    if type(got) not in (tuple, list, set, frozenset) or not all(isinstance(item, str) for item in cast("Any", got)):
        raise PluginError(f"{where}: {attribute} must be a collection of strings, got {got!r}")
    return [_text(where, attribute, item) for item in cast("Any", got)]


def _names(where: str, attribute: str, got: object, form: re.Pattern[str]) -> list[str]:
    """Texts that all have a form."""
    texts = _texts(where, attribute, got)
    if not all(form.fullmatch(text) for text in texts):
        raise PluginError(f"{where}: {attribute} must be {_FORMS[form]}, got {', '.join(map(repr, texts))}")
    return texts
