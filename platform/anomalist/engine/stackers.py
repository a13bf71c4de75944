"""Stackers by name: those of anomalist and those of plugins, with the parameters that users type."""

from __future__ import annotations

import dataclasses
import importlib
from typing import TYPE_CHECKING, Any, cast

from anomalist.detector import StackerSpec
from anomalist.engine.report import one_line
from anomalist.ensemble.stack import Stacker
from anomalist.ensemble.stacked import Recipe
from anomalist.errors import AnomalistError, ParameterError, PluginError, UnknownNameError
from anomalist.plugins.parameters import check_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.plugins.registry import Registry

__all__ = ["BUILT_IN", "DEFAULT", "build_stacker", "recipe_from_text", "recipe_of"]

DEFAULT = "gp"

_HOME = "anomalist.ensemble.stackers"

BUILT_IN: Mapping[str, StackerSpec] = {
    spec.name: spec
    for spec in (
        StackerSpec(
            name="gp",
            summary="Gaussian process around the consensus: learns from the first verdict on.",
            factory=f"{_HOME}.gp:Gp",
        ),
        StackerSpec(
            name="logistic",
            summary="Regularised logistic regression on the consensus and the members.",
            factory=f"{_HOME}.logistic:Logistic",
        ),
        StackerSpec(
            name="boosting",
            summary="Gradient boosting on the columns and the members: for many verdicts.",
            factory=f"{_HOME}.boosting:Boosting",
        ),
        StackerSpec(
            name="consensus",
            summary="Plain consensus: does not learn.",
            factory=f"{_HOME}.consensus:Consensus",
        ),
    )
}
"""The stackers that anomalist brings, by the name that users type."""


def build_stacker(registry: Registry, name: str, params: Mapping[str, Any]) -> Stacker:
    """A stacker that has not learned yet, anomalist's own first; texts are read as the type of the parameter.

    Raises:
        UnknownNameError: There is no such stacker.
        ParameterError: A parameter is unknown, of the wrong type or out of its range.
        PluginError: It cannot be imported or built.
    """
    cls = _class_of(registry, name)
    values = check_parameters(name, cls, params)
    try:
        stacker = cls(**values)
    except ParameterError as error:
        raise ParameterError(f"{name}: {error}") from error
    except AnomalistError:
        raise
    except Exception as error:
        raise PluginError(f"stacker {name!r} failed to build: {one_line(error)}") from error
    if not isinstance(stacker, Stacker):
        raise PluginError(f"stacker {name!r}: {cls.__name__} needs fit, log_odds, state and restore")
    return stacker


def recipe_of(registry: Registry, name: str, params: Mapping[str, Any]) -> Recipe:
    """The recipe for a stacker of a name, with all its parameters; raises as `build_stacker` does."""
    stacker = build_stacker(registry, name, params)
    full = {
        field.name: getattr(stacker, field.name) for field in dataclasses.fields(cast("Any", stacker)) if field.init
    }
    return Recipe(name=name, params=full, make=lambda: build_stacker(registry, name, full))


def recipe_from_text(registry: Registry, text: str) -> Recipe:
    """The recipe that a user typed: `gp`, `gp:local=4`, `logistic`; raises as `build_stacker` does."""
    name, texts = registry.parse(text)
    return recipe_of(registry, name, texts)


def _class_of(registry: Registry, name: str) -> type:
    spec = BUILT_IN.get(name)
    if spec is not None:
        module, _, attribute = spec.factory.partition(":")
        return cast("type", getattr(importlib.import_module(module), attribute))
    try:
        return registry.stacker(name)
    except UnknownNameError:
        if registry.manager.missing(name) is not None:
            raise
        known = ", ".join([*BUILT_IN, *(spec.name for spec in registry.stackers())])
        raise UnknownNameError(f"no stacker is called {name!r}; there are {known}") from None
