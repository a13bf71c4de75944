"""Stackers by name: those of anomalist and those of plugins, with the parameters that users type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anomalist.detector import StackerSpec
from anomalist.ensemble.stack import Stacker
from anomalist.ensemble.stacked import Recipe
from anomalist.errors import PluginError, UnknownNameError
from anomalist.plugins.plugin import BUNDLED
from anomalist.plugins.workshop import Here

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.plugins.registry import Registry
    from anomalist.plugins.workshop import Built

__all__ = ["BUILT_IN", "build_stacker", "recipe_from_text", "recipe_of"]

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
    stacker: Stacker = _built(registry, name, params).made
    return stacker


def recipe_of(registry: Registry, name: str, params: Mapping[str, Any]) -> Recipe:
    """The recipe for a stacker of a name, with all its parameters; raises as `build_stacker` does."""
    full = _built(registry, name, params).params
    lasting = name if name in BUILT_IN else registry.lasting(StackerSpec, name)
    return Recipe(name=lasting, params=full, make=lambda: build_stacker(registry, name, full))


def recipe_from_text(registry: Registry, text: str) -> Recipe:
    """The recipe that a user typed: `gp`, `gp:local=4`, `logistic`; raises as `build_stacker` does."""
    name, texts = registry.parse(text)
    return recipe_of(registry, name, texts)


def _built(registry: Registry, name: str, params: Mapping[str, Any]) -> Built:
    """A new stacker with all its parameters."""
    spec = BUILT_IN.get(name)
    if spec is not None:
        return Here().build(spec, BUNDLED, params)
    try:
        built = registry.stacker(name, params)
    except UnknownNameError:
        if registry.manager.missing(name) is not None:
            raise
        known = ", ".join([*BUILT_IN, *(spec.name for spec in registry.stackers())])
        raise UnknownNameError(f"no stacker is called {name!r}; there are {known}") from None
    if not isinstance(built.made, Stacker):
        raise PluginError(f"stacker {name!r} needs fit, log_odds, state and restore")
    return built
