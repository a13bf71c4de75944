"""A new plugin package: its names made from what the user typed, its files from the templates beside this module."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from anomalist import __version__
from anomalist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from anomalist.plugins.plugin import Kind

__all__ = ["Draft", "supported_versions"]

_TEMPLATE = Path(__file__).with_name("template")
_PREFIX = "anomalist-"
_LONGEST = 40
_CSV = "example.csv --key reading"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Example:
    """What the templates of one kind hold.

    Attributes:
        summary: What the example does, in one sentence.
        needs: What it imports beside anomalist, as requirements.
        use: Commands that use it, with `{folder}` for that of the package and `{name}` for what it brings.
        layers: The folders of templates, later ones beside earlier ones.
    """

    summary: str
    needs: tuple[str, ...]
    use: tuple[str, ...]
    layers: tuple[str, ...] = ("common", "table")


_EXAMPLES: Mapping[Kind, _Example] = MappingProxyType(
    {
        "detector": _Example(
            summary="Distance to the closest of a few training rows drawn at random.",
            needs=("numpy>=1.26", "scipy>=1.12"),
            use=(f"run {{folder}}{_CSV} --detector {{name}}",),
        ),
        "combiner": _Example(
            summary="Power mean of the surprises: between the mean and the maximum.",
            needs=("numpy>=1.26",),
            use=(f"run {{folder}}{_CSV} --panel fast --combiner {{name}}",),
        ),
        "stacker": _Example(
            summary="Hears detectors by how often verdicts proved them right.",
            needs=("numpy>=1.26",),
            use=(
                f"run {{folder}}{_CSV} --panel fast --name {{name}}",
                "feedback import {folder}example-verdicts.csv --run latest",
                "retrain {name} --stacker {name}",
            ),
        ),
        "features": _Example(
            summary="How far a number is from what is typical of its group.",
            needs=("polars>=1.20",),
            use=(f"run {{folder}}{_CSV} --panel fast --features {{name}}",),
        ),
        "reader": _Example(
            summary="Logs of key=value pairs (logfmt), one row a line.",
            needs=("polars>=1.20",),
            use=("run {folder}example.logfmt --key reading --panel fast",),
            layers=("common",),
        ),
    }
)
"""The kinds of plugins that can be begun, each with a working example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A package that is to be written.

    Attributes:
        name: What it brings is called so on the command line.
        kind: What it brings.
    """

    name: str
    kind: Kind

    @classmethod
    def of(cls, text: str, kind: Kind) -> Self:
        """Make the names from what the user typed, in whichever spelling.

        Raises:
            UsageError: It cannot be made a name.

        >>> Draft.of("My Detector", "detector") == Draft.of("anomalist-my-detector", "detector")
        True
        >>> draft = Draft.of("MyDetector", "detector")
        >>> draft.distribution, draft.module, draft.name, draft.title
        ('anomalist-my-detector', 'anomalist_my_detector', 'my_detector', 'MyDetector')
        """
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text.strip())
        slug = re.sub(r"[\s._-]+", "-", words).strip("-").lower().removeprefix(_PREFIX)
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", slug) or slug == "anomalist" or len(slug) > _LONGEST:
            raise UsageError(
                f"a plugin is named by at most {_LONGEST} letters, digits and hyphens, a letter first, such as "
                f"my-detector; got {text!r}"
            )
        draft = cls(name=slug.replace("-", "_"), kind=kind)
        if keyword.iskeyword(draft.name) or keyword.iskeyword(draft.title):
            raise UsageError(f"{draft.name!r} is a word of Python itself; choose another name, such as my-{slug}")
        if draft.title.startswith("Test"):
            raise UsageError(f"pytest takes a class {draft.title!r} for tests; choose another name, such as my-{slug}")
        if draft.title in _imported(kind):
            raise UsageError(
                f"{draft.title!r} is a class that the package imports; choose another name, such as my-{slug}"
            )
        return draft

    @property
    def distribution(self) -> str:
        """What `pip` calls the package, and its folder."""
        return _PREFIX + self.name.replace("_", "-")

    @property
    def module(self) -> str:
        """What Python imports."""
        return self.distribution.replace("-", "_")

    @property
    def title(self) -> str:
        """The name of the class, where it has one."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def what(self) -> str:
        """What it brings, in words."""
        return "maker of features" if self.kind == "features" else self.kind

    @property
    def source(self) -> str:
        """The file, within the package's folder, that its author will change."""
        return f"src/{self.module}/{self.kind}.py"

    def write(self, parent: Path) -> tuple[Path, list[Path]]:
        """Write the package into a new folder of its name; returns the folder and the files in it.

        Raises:
            UsageError: The folder is there already, or cannot be written.
        """
        folder, files = parent / self.distribution, self.files()
        try:
            folder.mkdir(parents=True)
            for name, text in files.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8", newline="\n")
        except FileExistsError as error:
            raise UsageError(f"{error.filename} is there already; nothing was written") from None
        except OSError as error:
            raise UsageError(f"{folder} cannot be written: {error.strerror or error}") from None
        return folder, [folder / name for name in files]

    def files(self) -> dict[str, str]:
        """The text of each file, by its path within the package's folder."""
        example = _EXAMPLES[self.kind]
        values = {
            "name": self.name,
            "distribution": self.distribution,
            "module": self.module,
            "title": self.title,
            "kind": self.what,
            "file": self.kind,
            "summary": example.summary,
            "range": supported_versions(__version__),
            "dependencies": "\n".join(f'    "{need}",' for need in example.needs),
            "use": "\n".join(" ".join(["anomalist", *words]) for words in self.uses("")),
            "year": str(date.today().year),
        }
        found = {}
        for path, text in _templates(self.kind):
            parts = [self.module if part == "module" else part.replace("dot-", ".", 1) for part in path.parts]
            found["/".join(parts).removesuffix(".template")] = re.sub(
                r"\{\{(\w+)\}\}", lambda token: values[token[1]], text
            )
        return dict(sorted(found.items()))

    def uses(self, folder: str) -> list[list[str]]:
        """What to type after `anomalist` to use the package in a folder, such as `some/folder/`, word by word."""
        lines = _EXAMPLES[self.kind].use
        return [[word.format(folder=folder, name=self.name) for word in line.split()] for line in lines]


def supported_versions(version: str) -> str:
    """The range of versions that a plugin written for a version works with.

    >>> supported_versions("0.1.3"), supported_versions("2.4.0"), supported_versions("0.2.0rc1")
    ('>=0.1,<0.2', '>=2.4,<3', '>=0.2.0rc1,<0.3')
    """
    major, minor = (int(part) for part in re.findall(r"\d+", version)[:2])
    least = f"{major}.{minor}" if re.fullmatch(r"[\d.]+", version) else version
    return f">={least},<{major + 1}" if major else f">={least},<0.{minor + 1}"


def _templates(kind: Kind) -> Iterator[tuple[Path, str]]:
    """The templates of a kind: the path of each in the package, and its text."""
    for layer in (*_EXAMPLES[kind].layers, kind):
        for path in sorted((_TEMPLATE / layer).rglob("*.template")):
            yield path.relative_to(_TEMPLATE / layer), path.read_text(encoding="utf-8")


def _imported(kind: Kind) -> set[str]:
    """The names that the code of a kind imports: a class of the same name would take their place."""
    lines = [line for _, text in _templates(kind) for line in text.splitlines() if " import " in line]
    return {name for line in lines for name in re.findall(r"\w+", line.partition(" import ")[2])}
