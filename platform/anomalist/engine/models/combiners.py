"""Combiners by name: those of anomalist and those of plugins, with the parameters that users type."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from anomalist.detector import CombinerSpec
from anomalist.ensemble.combine import BUILT_IN, Combiner
from anomalist.errors import ParameterError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.plugins.registry import Registry

__all__ = ["combiner_from_text", "combiner_of"]


def combiner_of(registry: Registry, name: str, params: Mapping[str, Any]) -> Combiner:
    """The combiner of a name, anomalist's own first, with its parameters.

    Raises:
        UnknownNameError: There is no such combiner.
    """
    spec = BUILT_IN.get(name)
    if spec is not None:
        module, _, function = spec.factory.partition(":")
        return Combiner(name=name, function=getattr(importlib.import_module(module), function), params=params)
    try:
        lasting = registry.lasting(CombinerSpec, name)
        return Combiner(name=lasting, function=registry.combiner(name), params=params)
    except UnknownNameError:
        if registry.manager.missing(name) is not None:
            raise
        known = ", ".join([*BUILT_IN, *(spec.name for spec in registry.combiners())])
        raise UnknownNameError(f"no combiner is called {name!r}; there are {known}") from None


def combiner_from_text(registry: Registry, text: str) -> Combiner:
    """The combiner that a user typed: `upper_half`, `weighted:knn=2,gan=0.5`, `aom:buckets=4`.

    Raises:
        UnknownNameError: There is no such combiner.
        ParameterError: A parameter is not a number.
    """
    name, texts = registry.parse(text)
    return combiner_of(registry, name, {key: _number(text, key, value) for key, value in texts.items()})


def _number(where: str, key: str, value: str) -> int | float:
    try:
        number = float(value)
    except ValueError:
        raise ParameterError(f"combiner {where!r}: {key} must be a number, got {value!r}") from None
    return int(number) if number.is_integer() else number
