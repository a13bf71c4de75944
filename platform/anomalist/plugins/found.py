"""Finds the entry points of plugins among what is installed, and reads once what their distributions say of themselves.

Reading the metadata of a distribution is most of what finding plugins costs, so that it is done once for each
distribution that has a plugin, and for no other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import distributions, entry_points
from typing import TYPE_CHECKING

from anomalist.errors import one_line
from anomalist.plugins.plugin import GROUP

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import Distribution, EntryPoint

__all__ = ["Found", "find", "normal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A plugin of which nothing has been imported yet.

    Attributes:
        name: The name of the entry point.
        distribution: What it belongs to, `unknown` where that cannot be told.
        version: The version of that.
        requires: What that depends on, lines of `Requires-Dist`.
        entry: The entry point; None where it cannot be read.
        problem: What is wrong with the installed files, in one line; empty where nothing is.
    """

    name: str
    distribution: str
    version: str
    requires: tuple[str, ...] = ()
    entry: EntryPoint | None = None
    problem: str = ""

    def goes_by(self) -> set[str]:
        """The names that it can be blocked by, normalised."""
        return {normal(self.name), normal(self.distribution)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    name: str
    version: str
    requires: tuple[str, ...] = ()
    problem: str = ""


def find(entries: Iterable[EntryPoint] | None = None) -> list[Found]:
    """The plugins that are installed; or those of given entry points."""
    if entries is None:
        try:
            entries = entry_points(group=GROUP)
        except Exception:  # noqa: BLE001 - one damaged package stops the reading of all others
            return _one_by_one()
    abouts: dict[int, _About] = {}
    plugins = []
    for entry in entries:
        key = id(entry.dist)
        if key not in abouts:
            abouts[key] = _about(entry.dist)
        about = abouts[key]
        plugins.append(
            Found(
                name=entry.name,
                distribution=about.name,
                version=about.version,
                requires=about.requires,
                entry=entry,
                problem=about.problem,
            )
        )
    return plugins


def _one_by_one() -> list[Found]:
    """The same, slowly: a distribution whose entry points cannot be read is one plugin with a problem."""
    plugins: list[Found] = []
    seen: set[str] = set()
    for distribution in distributions():
        about = _about(distribution)
        if normal(about.name) in seen:  # an earlier one on the path hides it
            continue
        seen.add(normal(about.name))
        try:
            plugins += find(distribution.entry_points.select(group=GROUP))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the files of one package
            if _mentions_us(distribution):
                problem = f"its entry_points.txt cannot be read: {one_line(error)}"
                plugins.append(Found(name=about.name, distribution=about.name, version=about.version, problem=problem))
    return plugins


def _mentions_us(distribution: Distribution) -> bool:
    """Whether the damaged entry points of a distribution are those of a plugin, as far as can be told."""
    try:
        return f"[{GROUP}]" in (distribution.read_text("entry_points.txt") or "")
    except ValueError:  # no text at all
        return False


def _about(distribution: Distribution | None) -> _About:
    """What a distribution says of itself; an entry point that was made by hand has none."""
    if distribution is None:
        return _About(name="unknown", version="")
    try:
        metadata = distribution.metadata
        if "Name" in metadata and "Version" in metadata:
            name, version = metadata["Name"], metadata["Version"]
            requires = metadata.get_all("Requires-Dist") or distribution.requires or ()
            return _About(name=name, version=version, requires=tuple(requires))
        problem = "its METADATA has no name and version"
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the files of one package
        problem = f"its METADATA cannot be read: {one_line(error)}"
    folder = getattr(distribution, "_path", None)  # no public attribute tells which files cannot be read
    name, _, version = getattr(folder, "stem", "unknown").partition("-")
    return _About(name=name, version=version, problem=f"{problem}; install it again")


def normal(name: str) -> str:
    """A name as Python packaging compares it: `My_Plugin` and `my-plugin` are the same."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
