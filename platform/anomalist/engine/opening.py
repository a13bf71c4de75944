"""Opening: the plugins as the settings want them, in this process or apart from it; the one way in for all who run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anomalist.plugins.manager import PluginManager
from anomalist.plugins.registry import Registry

if TYPE_CHECKING:
    from anomalist.config import Settings
    from anomalist.plugins.manager import Trace

__all__ = ["open_plugins", "open_registry"]


def open_plugins(settings: Settings, trace: Trace | None = None) -> PluginManager:
    """Find the plugins; those that fail are kept with their errors. `trace` hears what is done with each, and after."""
    if not settings.isolate:
        return PluginManager.load(settings.disable_plugins, bundled_only=settings.no_plugins, trace=trace)
    from anomalist.isolation import discovery

    return discovery.load(
        settings.disable_plugins,
        bundled_only=settings.no_plugins,
        trace=trace,
        memory=settings.memory,
        timeout=min(settings.timeout or discovery.TIMEOUT, discovery.TIMEOUT),
    )


def open_registry(settings: Settings, plugins: PluginManager | None = None) -> Registry:
    """What the plugins bring, with the workshop in which detectors are made; finds the plugins unless given.

    Raises:
        UsageError: Detectors are to be isolated, and this system cannot do that.
        ParameterError: The limit of memory would not do for any detector.
    """
    found = plugins or open_plugins(settings)
    if not settings.isolate:
        return Registry(found)
    from anomalist.isolation.processes import Processes

    return Registry(found, Processes(settings.memory, timeout=settings.timeout))
