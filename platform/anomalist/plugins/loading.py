"""Loads one plugin: looks whether it fits, imports it, and asks it for all its descriptions."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

from anomalist.errors import PluginError, one_line
from anomalist.plugins.compatibility import mismatch
from anomalist.plugins.describe import DESCRIBE, described
from anomalist.plugins.hooks import OBSERVE, implemented
from anomalist.plugins.plugin import Plugin, milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.metadata import EntryPoint

    from anomalist.plugins.found import Found
    from anomalist.plugins.plugin import Spec, Trace

__all__ = ["Elsewhere", "load"]

Elsewhere: TypeAlias = "Callable[[Found, Plugin, Trace | None], Plugin]"
"""Given what was found, the plugin so far and who hears what is done, it gives the active plugin, or raises."""

_SHOWN = 5


def load(
    found: Found,
    *,
    stops: Callable[[BaseException], bool],
    trace: Trace | None = None,
    elsewhere: Elsewhere | None = None,
) -> Plugin:
    """Load a plugin; whatever goes wrong in it, the result says so.

    Args:
        found: The plugin.
        stops: Says whether an error is the user's wish to stop; that alone is raised.
        trace: Hears what is done, and how long it takes.
        elsewhere: Imports a plugin of a third party, in place of this process.
    """
    plugin = Plugin(name=found.name, distribution=found.distribution, version=found.version, state="failed")
    if found.problem:
        return replace(plugin, error=found.problem)
    try:
        reason = "" if plugin.bundled else mismatch(found.requires)
        if reason:
            return replace(plugin, state="incompatible", error=reason)
        if elsewhere is not None and not plugin.bundled:
            return elsewhere(found, plugin, trace)
        with nullcontext() if plugin.bundled else _contained():
            hooks = implemented(_imported(found.entry, plugin, trace))
            specs = [spec for hook in hooks if hook in DESCRIBE for spec in _asked(hook, hooks[hook], plugin, trace)]
    except BaseException as error:
        if stops(error):
            raise
        return replace(plugin, error=one_line(error))
    return replace(plugin, state="active", hooks=tuple(hooks), specs=tuple(specs), observe=hooks.get(OBSERVE))


def _contained() -> Any:
    """What holds plugins of others, imported only where there is one."""
    from anomalist.plugins.contain import contained

    return contained()


def _imported(entry: EntryPoint | None, plugin: Plugin, trace: Trace | None) -> object:
    """The module, or whatever else the entry point names."""
    if entry is None or entry.pattern.match(entry.value) is None:
        raise PluginError(f"its entry point names no module, got {entry.value if entry else None!r}")
    started = perf_counter()
    module: object = entry.load()
    if trace is not None:
        where = getattr(sys.modules.get(entry.module), "__file__", None) or "no file"
        trace(f"{plugin.title}: imported {entry.value} from {where} in {milliseconds(started)}")
    return module


def _asked(hook: str, function: Callable[[], object], plugin: Plugin, trace: Trace | None) -> list[Spec]:
    """What one hook describes."""
    started = perf_counter()
    specs = described(hook, function(), plugin.name)
    if trace is not None:
        names = ", ".join(spec.name for spec in specs[:_SHOWN]) or "nothing"
        more = f" and {len(specs) - _SHOWN} more" if len(specs) > _SHOWN else ""
        trace(f"{plugin.title}: {hook} gave {names}{more} in {milliseconds(started)}")
    return specs
