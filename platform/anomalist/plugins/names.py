"""Names: the descriptions of one kind by the names that users type.

A bundled plugin keeps its bare name. A name that one third party brings is bare too. Where several third parties bring
the same name, none of them gets it bare. Everything is always reachable as `distribution:name`.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from anomalist.detector import CombinerSpec, CommandSpec, DetectorSpec, FeatureSpec, ReaderSpec, StackerSpec
from anomalist.errors import UnknownNameError
from anomalist.plugins.plugin import BUNDLED

if TYPE_CHECKING:
    from collections.abc import Callable

    from anomalist.plugins.manager import PluginManager
    from anomalist.plugins.plugin import Plugin

__all__ = ["Names"]

_MOST = 20  # names that are listed where nothing is like what was asked for

S = TypeVar("S", DetectorSpec, CombinerSpec, StackerSpec, FeatureSpec, ReaderSpec, CommandSpec)


@dataclass(frozen=True, slots=True)
class Names(Generic[S]):
    """The descriptions of one kind.

    Attributes:
        kind: What they are called in messages.
        of: What describes them.
        specs: By the name that users are shown, which is also each description's own name.
        aliases: `distribution:name` to the shown name, for each of them.
        homes: The shown name to the distribution.
        missing: Gives what may have brought a name, and is not active.
    """

    kind: str
    of: type[S]
    specs: dict[str, S]
    aliases: dict[str, str]
    homes: dict[str, str]
    missing: Callable[[str], Plugin | None]

    @classmethod
    def collect(cls, kind: str, of: type[S], manager: PluginManager) -> Self:
        """What the active plugins describe of one kind, which is called `kind` in messages."""
        brought: dict[str, dict[str, S]] = {}
        bundled: dict[str, str] = {}
        for plugin in manager.plugins:
            for spec in plugin.specs:
                if isinstance(spec, of):
                    brought.setdefault(spec.name, {}).setdefault(plugin.distribution, spec)
                    if plugin.bundled:
                        bundled.setdefault(spec.name, plugin.distribution)
        names = cls(kind, of, {}, {}, {}, manager.missing)
        for name, homes in brought.items():
            owner = bundled.get(name) or (next(iter(homes)) if len(homes) == 1 else None)
            for distribution, spec in homes.items():
                shown = name if distribution == owner else f"{distribution}:{name}"
                names.specs[shown] = replace(spec, name=shown)
                names.aliases[f"{distribution}:{name}"] = shown
                names.homes[shown] = distribution
        return names

    def get(self, name: str) -> S:
        """The description of that name.

        Raises:
            UnknownNameError: There is none, or several packages bring it; the message says what there is.
        """
        if (spec := self.specs.get(self.aliases.get(name, name))) is not None:
            return spec
        qualified = sorted(f"{home}:{name}" for home in set(self.homes.values()) if f"{home}:{name}" in self.aliases)
        if qualified:
            raise UnknownNameError(f"{self.kind} {name!r} is brought by several packages; use {' or '.join(qualified)}")
        if (missing := self.missing(name)) is not None:
            raise UnknownNameError(f"no {self.kind} is called {name!r}: {missing.standing}")
        raise UnknownNameError(f"no {self.kind} is called {name!r}; {self._hint(name)}")

    def lasting(self, name: str) -> str:
        """The name with its package, where that is somebody else's: another package may bring the same one later.

        Raises:
            UnknownNameError: As `get`.
        """
        shown = self.get(name).name
        home = self.homes[shown]
        return shown if home == BUNDLED else f"{home}:{shown.removeprefix(f'{home}:')}"

    def _hint(self, name: str) -> str:
        """What the user may have meant, whatever letters are capital; else what there is, but for long catalogues."""
        lower = {known.lower(): known for known in (*self.aliases, *self.specs)}
        close = difflib.get_close_matches(name.lower(), lower, n=1)
        if close:
            return f"did you mean {lower[close[0]]!r}?"
        plain = [known for known in sorted(self.specs) if ":" not in known][:_MOST]
        more = len(self.specs) - len(plain)
        return f"there are {', '.join(plain) or 'none'}" + (f", and {more} more" if more else "")
