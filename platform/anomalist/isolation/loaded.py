"""What a child is asked about a plugin: what it describes, and that it be told of a run."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from anomalist.errors import PluginError
from anomalist.isolation.specs import spec_to
from anomalist.plugins.found import Found
from anomalist.plugins.loading import load
from anomalist.plugins.plugin import GROUP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.plugins.plugin import Plugin

__all__ = ["loaded", "observed"]


def loaded(found: Mapping[str, Any]) -> dict[str, Any]:
    """Load a plugin, by the very code that loads it without isolation; what came of it, in plain values."""
    trace: list[str] = []
    plugin = _plugin(found, trace)
    return {
        "error": plugin.error,
        "hooks": list(plugin.hooks),
        "specs": [spec_to(spec) for spec in plugin.specs],
        "observes": plugin.observe is not None,
        "trace": trace,
    }


def observed(found: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """Load a plugin and tell it of a run.

    Raises:
        PluginError: It cannot be loaded, or has no observer.
    """
    plugin = _plugin(found, [])
    if plugin.observe is None:
        raise PluginError(plugin.error or "it observes runs no more")
    plugin.observe(run=run)
    return {}


def _plugin(found: Mapping[str, Any], trace: list[str]) -> Plugin:
    entry = EntryPoint(name=found["name"], value=found["value"], group=GROUP)
    about = Found(name=found["name"], distribution=found["distribution"], version=found["version"], entry=entry)
    return load(about, stops=lambda _: False, trace=trace.append)
