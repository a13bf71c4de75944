"""Plugin: one entry point of the group `anomalist`, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from anomalist.detector import CombinerSpec, CommandSpec, DetectorSpec, FeatureSpec, ReaderSpec, StackerSpec

__all__ = ["BUNDLED", "GROUP", "Plugin", "PluginState", "Spec", "Trace"]

GROUP = "anomalist"
"""The entry-point group of plugins; the one through which the bundled plugins register too."""

BUNDLED = "anomalist"
"""The distribution of the bundled plugins."""

Spec: TypeAlias = DetectorSpec | CombinerSpec | StackerSpec | FeatureSpec | ReaderSpec | CommandSpec

PluginState: TypeAlias = Literal["active", "failed", "blocked", "incompatible"]
"""`failed`: it is broken; `blocked`: by the user; `incompatible`: it asks for another version of anomalist."""

Trace: TypeAlias = Callable[[str], None]
"""Hears what is done with plugins, one line at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """One entry point of the group `anomalist` and what came of it.

    Attributes:
        name: The name of the entry point.
        distribution: The installed distribution that it belongs to.
        version: The version of that distribution.
        state: Whether it takes part.
        error: Why it does not, in one line; empty where it is active.
        hooks: The hooks that it implements; empty unless it is active.
        specs: What it describes, all kinds together; empty unless it is active.
        observe: Its `anomalist_run_finished`, where it has one; to be called with `run=`.
    """

    name: str
    distribution: str
    version: str
    state: PluginState
    error: str = ""
    hooks: tuple[str, ...] = ()
    specs: tuple[Spec, ...] = ()
    observe: Callable[..., object] | None = None

    @property
    def bundled(self) -> bool:
        """Whether it comes with anomalist itself."""
        return self.distribution == BUNDLED

    @property
    def title(self) -> str:
        """What it is called in messages, such as `plugin 'median' of anomalist-median 1.0`."""
        return f"plugin {self.name!r} of {self.distribution} {self.version}".rstrip()

    def describes(self, kind: type[Spec]) -> tuple[str, ...]:
        """The names of what it describes of one kind."""
        return tuple(spec.name for spec in self.specs if isinstance(spec, kind))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {
            "name": self.name,
            "distribution": self.distribution,
            "version": self.version,
            "state": self.state,
            "error": self.error or None,
            "hooks": list(self.hooks),
            "detectors": list(self.describes(DetectorSpec)),
            "combiners": list(self.describes(CombinerSpec)),
            "stackers": list(self.describes(StackerSpec)),
            "features": list(self.describes(FeatureSpec)),
            "readers": list(self.describes(ReaderSpec)),
            "commands": list(self.describes(CommandSpec)),
        }
