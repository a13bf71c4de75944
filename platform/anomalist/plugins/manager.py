"""PluginManager: all plugins that are installed, each loaded by itself, so that a broken one harms nothing else."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self

from anomalist.errors import one_line
from anomalist.plugins.found import find, normal
from anomalist.plugins.hooks import OBSERVE
from anomalist.plugins.interrupts import interruptible
from anomalist.plugins.loading import load
from anomalist.plugins.plugin import BUNDLED, GROUP, Plugin, PluginState, Spec, Trace, milliseconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from importlib.metadata import EntryPoint

    from anomalist.plugins.found import Found
    from anomalist.plugins.loading import Elsewhere

__all__ = ["BUNDLED", "GROUP", "Plugin", "PluginManager", "PluginState", "Spec", "Trace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginManager:
    """The plugins found, bundled ones first, then by distribution and name.

    Attributes:
        plugins: Every plugin, whatever its state.
        unknown: Names that were to be blocked and that no plugin has.
        trace: Hears of each call of a hook.
    """

    plugins: tuple[Plugin, ...]
    unknown: tuple[str, ...] = ()
    trace: Trace | None = None

    @classmethod
    def load(
        cls,
        blocked: Collection[str] = (),
        *,
        bundled_only: bool = False,
        found: Iterable[EntryPoint] | None = None,
        trace: Trace | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> Self:
        """Load every entry point of the group `anomalist`; one that fails is kept with its error, never raised.

        Args:
            blocked: Plugins not to load, by the name of the entry point or of the whole distribution.
            bundled_only: Load no plugin of a third party.
            found: Entry points to load in place of the installed ones.
            trace: Hears what is done with each plugin, line by line.
            elsewhere: Imports the plugins of third parties, in place of this process.
        """
        wanted = {normal(name): name for name in blocked}
        met: set[str] = set()
        taken: dict[tuple[str, type[Spec], str], str] = {}
        plugins = []
        with interruptible() as stops:
            for one in find(found):
                met |= one.goes_by()
                plugin = _blocked(one, wanted, bundled_only=bundled_only)
                plugin = plugin or load(one, stops=stops, trace=trace, elsewhere=elsewhere)
                plugin = _without_clash(plugin, taken)
                if trace is not None:
                    trace(plugin.standing)
                plugins.append(plugin)
        plugins.sort(key=lambda plugin: (not plugin.bundled, plugin.distribution, plugin.name))
        unknown = tuple(name for key, name in wanted.items() if key not in met)
        return cls(plugins=tuple(plugins), unknown=unknown, trace=trace)

    def failures(self) -> list[str]:
        """One line for each plugin that is left out against the user's wish: it failed, or is incompatible."""
        return [
            f"{plugin.title} is left out: {plugin.error}"
            for plugin in self.plugins
            if plugin.state in ("failed", "incompatible")
        ]

    def version_of(self, distribution: str) -> str:
        """The version of a distribution that brings plugins; empty where none of that name does."""
        return next((plugin.version for plugin in self.plugins if plugin.distribution == distribution), "")

    def missing(self, name: str) -> Plugin | None:
        """The plugin that is not active and may be why nothing is called `name`; None where there is none.

        A plugin is known by its entry point and its distribution, so that of `distribution:name` the first part counts.
        """
        asked = {normal(name), normal(name.partition(":")[0])}
        inactive = (plugin for plugin in self.plugins if plugin.state != "active")
        return next((one for one in inactive if asked & {normal(one.name), normal(one.distribution)}), None)

    def run_finished(self, run: Mapping[str, Any]) -> list[str]:
        """Tell the observers that a run has been stored; returns one line for each observer that failed."""
        observers = [plugin for plugin in self.plugins if plugin.observe is not None]
        if not observers:
            return []
        from anomalist.plugins.contain import contained

        lines = []
        with interruptible() as stops:
            for plugin in observers:
                assert plugin.observe is not None
                started, end = perf_counter(), "done"
                try:
                    with contained():
                        plugin.observe(run=deepcopy(run))
                except BaseException as error:
                    if stops(error):
                        raise
                    end = f"failed: {one_line(error)}"
                    lines.append(f"{plugin.title}: {OBSERVE} {end}")
                if self.trace is not None:
                    self.trace(f"{plugin.title}: {OBSERVE} {end} in {milliseconds(started)}")
        return lines


def _blocked(found: Found, wanted: Collection[str], *, bundled_only: bool) -> Plugin | None:
    """The plugin, where the user does not want it."""
    plugin = Plugin(name=found.name, distribution=found.distribution, version=found.version, state="blocked")
    if not found.goes_by().isdisjoint(wanted):
        return replace(plugin, error="the setting disable_plugins names it")
    if bundled_only and not plugin.bundled:
        return replace(plugin, error="the setting no_plugins leaves out all that do not come with anomalist")
    return None


def _without_clash(plugin: Plugin, taken: dict[tuple[str, type[Spec], str], str]) -> Plugin:
    """The plugin, failed where another of its distribution describes the same name: nothing could tell them apart."""
    for spec in plugin.specs:
        key = plugin.distribution, type(spec), spec.name
        if key in taken:
            error = f"it describes {spec.name!r}, and so does plugin {taken[key]!r} of the same distribution"
            return replace(plugin, state="failed", error=error, hooks=(), specs=(), observe=None)
    taken |= {(plugin.distribution, type(spec), spec.name): plugin.name for spec in plugin.specs}
    return plugin
