"""Discovery: which plugins there are and what they describe, without importing any of a third party in this process."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anomalist.errors import PluginError
from anomalist.isolation.process import EndedError, Process, check_system
from anomalist.isolation.specs import spec_from
from anomalist.plugins.describe import DESCRIBE, described
from anomalist.plugins.manager import PluginManager

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from importlib.metadata import EntryPoint

    from anomalist.plugins.found import Found
    from anomalist.plugins.plugin import Plugin, Trace

__all__ = ["TIMEOUT", "load"]

TIMEOUT = 10.0
"""Seconds that a plugin may take to load, and an observer to look at a run; fewer where detectors get fewer."""


def load(
    blocked: Collection[str] = (),
    *,
    bundled_only: bool = False,
    found: Iterable[EntryPoint] | None = None,
    trace: Trace | None = None,
    memory: int | None = None,
    timeout: float = TIMEOUT,
) -> PluginManager:
    """Load the plugins as `PluginManager.load` does, those of third parties in a child process.

    One child loads them one after another. Where one ends it, hangs or prints without end, that plugin has failed, and
    another child goes on with the next. Their observers of runs are called in a child, too.

    Args:
        blocked: Plugins not to load, by the name of the entry point or of the whole distribution.
        bundled_only: Load no plugin of a third party.
        found: Entry points to load in place of the installed ones.
        trace: Hears what is done with each plugin, line by line.
        memory: Bytes that the child may take; None for most of what is free.
        timeout: Seconds that each plugin may take, and each observer.

    Raises:
        UsageError: This system cannot isolate plugins.
    """
    check_system()
    away = _Away(memory, timeout)
    try:
        return PluginManager.load(blocked, bundled_only=bundled_only, found=found, trace=trace, elsewhere=away)
    finally:
        away.end()


class _Away:
    """Loads plugins in a child, which is started when the first one is to be loaded."""

    def __init__(self, memory: int | None, timeout: float) -> None:
        self._memory = memory
        self._timeout = timeout
        self._process: Process | None = None

    def __call__(self, found: Found, plugin: Plugin, trace: Trace | None) -> Plugin:
        """Load one.

        Raises:
            PluginError: It cannot be loaded, or what came of it is not what a plugin may describe.
        """
        if found.entry is None:
            raise PluginError("its entry point names no module, got None")
        about = {name: getattr(plugin, name) for name in ("name", "distribution", "version")}
        about["value"] = found.entry.value
        answer = self.asked({"do": "load", "found": about}, plugin)
        if trace is not None:
            for line in answer["trace"]:
                trace(str(line))
        if answer["error"]:
            raise PluginError(str(answer["error"]))
        hooks = tuple(str(hook) for hook in answer["hooks"])
        given = [spec_from(plain) for plain in answer["specs"]]
        specs = [
            spec
            for hook in hooks
            if hook in DESCRIBE
            for spec in described(hook, [one for one in given if isinstance(one, DESCRIBE[hook])], plugin.name)
        ]
        observe = self._observer(about, plugin) if answer["observes"] else None
        return replace(plugin, state="active", hooks=hooks, specs=tuple(specs), observe=observe)

    def asked(self, request: dict[str, Any], plugin: Plugin) -> dict[str, Any]:
        """What the child answers.

        Raises:
            PluginError: It ended, or had to be ended.
        """
        try:
            if self._process is None or not self._process.lives:
                self._process = Process(self._memory)
            return self._process.asked(request, plugin.title, limit=time.monotonic() + self._timeout)
        except EndedError as end:
            raise PluginError(f"it took longer than {self._timeout:g} seconds" if end.late else f"it {end}") from None

    def end(self) -> None:
        """End the child."""
        if self._process is not None:
            self._process.end()

    def _observer(self, about: Mapping[str, Any], plugin: Plugin) -> Callable[..., object]:
        """What tells a plugin of a run, in a child of its own."""

        def observe(*, run: Mapping[str, Any]) -> None:
            away = _Away(self._memory, self._timeout)
            try:
                away.asked({"do": "observe", "found": about, "run": json.loads(json.dumps(run))}, plugin)
            finally:
                away.end()

        return observe
