"""Loads plugins one by one, so that a broken one is reported and everything else goes on.

pluggy calls all plugins of a hook in one go and gives up at the first that raises. Here each plugin has a pluggy
manager of its own: what fails is dropped whole, with nothing half registered and no other plugin touched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

import pluggy

from anomalist.detector import (
    CombinerSpec,
    CommandSpec,
    DetectorSpec,
    Family,
    FeatureSpec,
    ReaderSpec,
    StackerSpec,
    View,
)
from anomalist.errors import PluginError
from anomalist.plugins import hookspecs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from importlib.metadata import EntryPoint

__all__ = ["BUNDLED", "GROUP", "Plugin", "PluginManager"]

GROUP = "anomalist"
"""The entry-point group of plugins; the one through which the bundled plugins register too."""

BUNDLED = "anomalist"
"""The distribution of the bundled plugins."""

Spec: TypeAlias = DetectorSpec | CombinerSpec | StackerSpec | FeatureSpec | ReaderSpec | CommandSpec

_DESCRIBE: Mapping[str, tuple[type[Spec], ...]] = {
    "anomalist_detectors": (DetectorSpec,),
    "anomalist_combiners": (CombinerSpec, StackerSpec),
    "anomalist_features": (FeatureSpec,),
    "anomalist_readers": (ReaderSpec,),
    "anomalist_commands": (CommandSpec,),
}
_OBSERVE = "anomalist_run_finished"

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CATALOGUE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_COMMAND_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """One entry point of the group `anomalist` and what came of it.

    Attributes:
        name: The name of the entry point.
        distribution: The installed distribution that it belongs to.
        version: The version of that distribution.
        state: `active`, `failed` (see `error`) or `disabled` (by the user).
        error: Why it failed, in one line; empty otherwise.
        hooks: The hooks that it implements.
        specs: What it describes, all kinds together; empty unless it is active.
        observe: Its `anomalist_run_finished`, where it has one.
    """

    name: str
    distribution: str
    version: str
    state: Literal["active", "failed", "disabled"]
    error: str = ""
    hooks: tuple[str, ...] = ()
    specs: tuple[Spec, ...] = ()
    observe: Callable[[Mapping[str, Any]], None] | None = None

    @property
    def bundled(self) -> bool:
        """Whether it comes with anomalist itself."""
        return self.distribution == BUNDLED

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginManager:
    """The plugins found, bundled ones first, then by distribution and name.

    Attributes:
        plugins: Every plugin, whatever its state.
        unknown: Names that were to be disabled and that no plugin has.
    """

    plugins: tuple[Plugin, ...]
    unknown: tuple[str, ...] = ()

    @classmethod
    def load(cls, disabled: Collection[str] = (), *, found: Iterable[EntryPoint] | None = None) -> Self:
        """Load every entry point of the group `anomalist`; one that fails is kept with its error, never raised.

        Args:
            disabled: Plugins not to load, by the name of the entry point or of the whole distribution.
            found: Entry points to load in place of the installed ones.
        """
        wanted = {_normal(name): name for name in disabled}
        met: set[str] = set()
        taken: dict[tuple[str, type[Spec], str], str] = {}
        plugins = []
        for entry in entry_points(group=GROUP) if found is None else found:
            names = {_normal(entry.name), _normal(_distribution(entry)[0])}
            met |= names
            plugins.append(_without_clash(_load(entry, disabled=not names.isdisjoint(wanted)), taken))
        plugins.sort(key=lambda plugin: (not plugin.bundled, plugin.distribution, plugin.name))
        return cls(plugins=tuple(plugins), unknown=tuple(name for key, name in wanted.items() if key not in met))

    def failures(self) -> list[str]:
        """One line for each plugin that failed."""
        return [
            f"plugin {plugin.name!r} of {plugin.distribution} {plugin.version} is left out: {plugin.error}"
            for plugin in self.plugins
            if plugin.state == "failed"
        ]

    def run_finished(self, run: Mapping[str, Any]) -> list[str]:
        """Tell the observers that a run has been stored; returns one line for each observer that failed."""
        lines = []
        for plugin in self.plugins:
            if plugin.observe is not None:
                try:
                    plugin.observe(run)
                except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever an observer does, the run stands
                    lines.append(f"plugin {plugin.name!r} of {plugin.distribution}: {_OBSERVE} failed: {_line(error)}")
        return lines


def _load(entry: EntryPoint, *, disabled: bool) -> Plugin:
    """Import one plugin and ask it for all its descriptions."""
    distribution, version = _distribution(entry)
    plugin = Plugin(name=entry.name, distribution=distribution, version=version, state="disabled")
    if disabled:
        return plugin
    try:
        manager = pluggy.PluginManager("anomalist")
        manager.add_hookspecs(hookspecs)
        module = entry.load()
        manager.register(module, name=entry.name)
        manager.check_pending()
        hooks = tuple(sorted(caller.name for caller in manager.get_hookcallers(module) or ()))
        specs = _described(manager, hooks, entry.name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may do anything, and the others must go on
        return replace(plugin, state="failed", error=_line(error))

    def observe(run: Mapping[str, Any]) -> None:
        getattr(manager.hook, _OBSERVE)(run=run)

    observer = observe if _OBSERVE in hooks else None
    return replace(plugin, state="active", hooks=hooks, specs=specs, observe=observer)


def _without_clash(plugin: Plugin, taken: dict[tuple[str, type[Spec], str], str]) -> Plugin:
    """The plugin, failed where another of its distribution describes the same name: nothing could tell them apart."""
    for spec in plugin.specs:
        key = plugin.distribution, type(spec), spec.name
        if key in taken:
            error = f"it describes {spec.name!r}, and so does plugin {taken[key]!r} of the same distribution"
            return replace(plugin, state="failed", error=error, specs=(), observe=None)
    taken |= {(plugin.distribution, type(spec), spec.name): plugin.name for spec in plugin.specs}
    return plugin


def _described(manager: pluggy.PluginManager, hooks: tuple[str, ...], entry: str) -> tuple[Spec, ...]:
    """All that the one plugin of a manager describes."""
    if not hooks:
        raise PluginError("it implements no hook; mark its functions with @anomalist.hookimpl")
    specs: list[Spec] = []
    for hook in hooks:
        if hook in _DESCRIBE:
            results = getattr(manager.hook, hook)()
            specs += _checked(hook, results[0] if results else None, entry)
    return tuple(specs)


def _checked(hook: str, result: object, entry: str) -> list[Spec]:
    """What a hook returned, refused unless it is a list of good descriptions."""
    kinds = _DESCRIBE[hook]
    wanted = " or ".join(kind.__name__ for kind in kinds)
    if not isinstance(result, (list, tuple)):
        raise PluginError(f"{hook} must return a list of {wanted}, got {type(result).__name__}")
    pattern = _COMMAND_NAME if CommandSpec in kinds else _NAME
    catalogue = f"{entry}:" if DetectorSpec in kinds else None
    specs: list[Spec] = []
    for spec in result:
        if not isinstance(spec, kinds):
            raise PluginError(f"{hook} must return a list of {wanted}, got {type(spec).__name__} in it")
        where = f"{hook}: name {spec.name!r}"
        if not isinstance(spec.name, str) or not _is_name(spec.name, pattern, catalogue):
            raise PluginError(
                f"{where} must be lower-case letters, digits and underscores, beginning with a letter"
                + (f"; in a catalogue of many, {catalogue}Name" if catalogue else "")
            )
        if any(spec.name == other.name for other in specs):
            raise PluginError(f"{where} is described twice")
        if not isinstance(spec.summary, str) or not spec.summary.strip():
            raise PluginError(f"{where} needs a summary of one sentence")
        if not isinstance(spec.factory, str) or not _FACTORY.fullmatch(spec.factory):
            raise PluginError(f"{where} needs a factory of the form 'package.module:name', got {spec.factory!r}")
        if isinstance(spec, DetectorSpec):
            _check_choice(where, "family", spec.family, get_args(Family))
            _check_choice(where, "eats", spec.eats, get_args(View))
            for attribute in ("requires", "panels", "handles"):
                _check_names(where, attribute, getattr(spec, attribute))
            if not isinstance(spec.pickles, bool):
                raise PluginError(f"{where}: pickles must be True or False, got {spec.pickles!r}")
            for attribute in ("extra", "kin"):
                if not isinstance(getattr(spec, attribute), str):
                    raise PluginError(f"{where}: {attribute} must be a text, got {getattr(spec, attribute)!r}")
        if isinstance(spec, ReaderSpec):
            _check_names(where, "suffixes", spec.suffixes)
            if not all(re.fullmatch(r"\.[a-z0-9]+", ending) for ending in spec.suffixes):
                raise PluginError(f"{where}: suffixes are lower-case endings with their dot, got {spec.suffixes!r}")
        specs.append(spec)
    return specs


def _is_name(name: str, pattern: re.Pattern[str], catalogue: str | None) -> bool:
    """Whether a description may be called so; in a catalogue the name of the entry point goes before, with a colon."""
    if catalogue is not None and name.startswith(catalogue):
        return _CATALOGUE_NAME.fullmatch(name.removeprefix(catalogue)) is not None
    return pattern.fullmatch(name) is not None


def _check_choice(where: str, attribute: str, got: object, choices: tuple[str, ...]) -> None:
    if got not in choices:
        raise PluginError(f"{where}: {attribute} must be one of {', '.join(choices)}, got {got!r}")


def _check_names(where: str, attribute: str, got: object) -> None:
    """Refuse the classic slip of one string in place of a tuple of strings."""
    if not isinstance(got, (tuple, list, set, frozenset)) or not all(isinstance(item, str) for item in got):
        raise PluginError(f"{where}: {attribute} must be a collection of strings, got {got!r}")


def _distribution(entry: EntryPoint) -> tuple[str, str]:
    """Name and version of what an entry point belongs to; it may belong to nothing when made by hand."""
    if entry.dist is None:
        return "unknown", ""
    return entry.dist.name, entry.dist.version


def _normal(name: str) -> str:
    """A name as Python packaging compares it: `My_Plugin` and `my-plugin` are the same."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _line(error: BaseException) -> str:
    """An error in one line, with its kind unless it is one of ours."""
    text = " ".join(str(error).split())
    kind = type(error).__name__
    if isinstance(error, PluginError):
        return text
    return f"{kind}: {text}" if text else kind
