"""Plugin: one entry point of the group `anomalist`, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal, TypeAlias

from anomalist.detector import CombinerSpec, CommandSpec, DetectorSpec, FeatureSpec, ReaderSpec, StackerSpec

__all__ = ["BUNDLED", "GROUP", "KINDS", "Kind", "Plugin", "PluginState", "Spec", "Trace", "milliseconds"]

GROUP = "anomalist"
"""The entry-point group of plugins; the one through which the bundled plugins register too."""

BUNDLED = "anomalist"
"""The distribution of the bundled plugins."""

Spec: TypeAlias = DetectorSpec | CombinerSpec | StackerSpec | FeatureSpec | ReaderSpec | CommandSpec

Kind: TypeAlias = Literal["detector", "combiner", "stacker", "features", "reader"]
"""What a new package can be begun with, and the conformance kit can check: all kinds but commands."""

KINDS: Mapping[str, type[Spec]] = {
    "detectors": DetectorSpec,
    "combiners": CombinerSpec,
    "stackers": StackerSpec,
    "features": FeatureSpec,
    "readers": ReaderSpec,
    "commands": CommandSpec,
}
"""What plugins bring."""

PluginState: TypeAlias = Literal["active", "failed", "blocked", "incompatible"]
"""`failed`: it is broken; `blocked`: by the user; `incompatible`: it asks for another version of anomalist."""

Trace: TypeAlias = Callable[[str], None]
"""Hears what is done with plugins, one line at a time."""


def milliseconds(started: float) -> str:
    """The time since a reading of `time.perf_counter`, for a trace."""
    return f"{(perf_counter() - started) * 1000:.1f} ms"


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

    @property
    def standing(self) -> str:
        """Whether it takes part, and why it does not, in one line."""
        state = self.state if self.state == "failed" else f"is {self.state}"
        return f"{self.title} {state}{self.error and f': {self.error}'}"

    def to_dict(self, called: Callable[[Spec], str] = lambda spec: spec.name) -> dict[str, Any]:
        """Plain values for `--json`; `called` says what users type for what it describes."""
        return {
            "name": self.name,
            "distribution": self.distribution,
            "version": self.version,
            "state": self.state,
            "error": self.error or None,
            "hooks": list(self.hooks),
            **{
                kind: [called(spec) for spec in self.specs if isinstance(spec, described)]
                for kind, described in KINDS.items()
            },
        }
