"""Subject: what is checked, found by its name, its description or itself."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from anomalist.detector import CombinerSpec, DetectorSpec, FeatureSpec, ReaderSpec, StackerSpec
from anomalist.engine.models.stackers import BUILT_IN as STACKERS
from anomalist.ensemble.combine import BUILT_IN as COMBINERS
from anomalist.errors import UnknownNameError
from anomalist.plugins.registry import Registry

if TYPE_CHECKING:
    from anomalist.plugins.manager import Plugin
    from anomalist.plugins.plugin import Kind

__all__ = ["SPECS", "Spec", "Subject", "Target", "every", "name_of", "plugin_of"]

Spec: TypeAlias = DetectorSpec | CombinerSpec | StackerSpec | FeatureSpec | ReaderSpec
Target: TypeAlias = str | Spec | Callable[..., Any]
"""What to check: the name of something installed, a description, or the class or function itself."""

SPECS: Mapping[Kind, type[Spec]] = {
    "detector": DetectorSpec,
    "combiner": CombinerSpec,
    "stacker": StackerSpec,
    "features": FeatureSpec,
    "reader": ReaderSpec,
}
"""What describes each kind."""
_BUILT_IN: Mapping[Kind, Mapping[str, Spec]] = {"combiner": COMBINERS, "stacker": STACKERS}


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """What is checked.

    Attributes:
        name: What it is called in the results.
        kind: What it is.
        spec: Its description; None where there is none.
        plugin: The plugin that describes it; None where it is not installed as one.
        params: The parameters to build it with, in place of its defaults.
        given: The class or function itself, where that was given.
    """

    name: str
    kind: Kind
    spec: Spec | None = None
    plugin: Plugin | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    given: Callable[..., Any] | None = None

    @classmethod
    def find(cls, target: Target, kind: Kind, params: Mapping[str, Any] | None = None) -> Subject:
        """Find what was named, described or given; nothing of it is imported.

        A name may carry parameters, as on the command line: `knn:neighbours=3`.

        Raises:
            UnknownNameError: Nothing of that kind has the name.
            ParameterError: The parameters after a name are not of the form KEY=VALUE.
        """
        registry = Registry.load()
        spec: Spec | None
        given = None
        if isinstance(target, str):
            target, texts = Registry.parse(target)
            params = {**texts, **(params or {})}
            spec = _spec_of(registry, target, kind)
        elif callable(target):
            given = target
            spec = _described(registry, target, kind)
        else:
            spec = target
        name = name_of(target) if spec is None else spec.name
        plugin = None if spec is None else plugin_of(registry, spec)
        return cls(name=name, kind=kind, spec=spec, plugin=plugin, params=params or {}, given=given)

    def load(self) -> Any:
        """The class or function itself, imported where it was named or described."""
        if self.given is not None:
            return self.given
        assert self.spec is not None
        module, _, attribute = self.spec.factory.partition(":")
        return getattr(importlib.import_module(module), attribute)

    @property
    def factory(self) -> str:
        """`package.module:name`, whichever way it was found."""
        if self.spec is not None:
            return self.spec.factory
        return f"{getattr(self.given, '__module__', '')}:{getattr(self.given, '__qualname__', '')}"


def name_of(target: Target) -> str:
    """What a target is called where nothing more is known of it."""
    if isinstance(target, str):
        return target
    return str(getattr(target, "name", None) or getattr(target, "__name__", target))


def every(registry: Registry, kind: Kind) -> list[Spec]:
    """Everything of a kind that is installed or built in."""
    installed: Mapping[Kind, Callable[[], list[Any]]] = {
        "detector": registry.specs,
        "combiner": registry.combiners,
        "stacker": registry.stackers,
        "features": registry.features,
        "reader": registry.readers,
    }
    return [*_BUILT_IN.get(kind, {}).values(), *installed[kind]()]


def _spec_of(registry: Registry, name: str, kind: Kind) -> Spec:
    if kind == "detector":
        return registry.spec(name)  # it knows the names with their distribution, too
    for spec in every(registry, kind):
        if spec.name == name:
            return spec
    known = ", ".join(spec.name for spec in every(registry, kind))
    raise UnknownNameError(f"nothing of the kind {kind!r} is called {name!r}; there are {known or 'none'}")


def _described(registry: Registry, given: Callable[..., Any], kind: Kind) -> Spec | None:
    """The description of a class or function, where a plugin has one."""
    factory = f"{given.__module__}:{getattr(given, '__qualname__', '')}"
    return next((spec for spec in every(registry, kind) if spec.factory == factory), None)


def plugin_of(registry: Registry, spec: Spec) -> Plugin | None:
    """The plugin that describes it; a name may have got its distribution in front, the factory has not."""
    for plugin in registry.manager.plugins:
        for other in plugin.specs:
            if (
                type(other) is type(spec)
                and other.factory == spec.factory
                and f":{spec.name}".endswith(f":{other.name}")
            ):
                return plugin
    return None
