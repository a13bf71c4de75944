"""Files of verdicts as they are: text by column, and where each row stands in the file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from anomalist.data.keys import as_text
from anomalist.data.readers import read_frame
from anomalist.data.reading.content import open_content
from anomalist.data.tidy import from_objects, plain
from anomalist.data.words import suggest
from anomalist.errors import DataError

if TYPE_CHECKING:
    from anomalist.plugins.registry import Registry

__all__ = ["Sheet", "read_sheet"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """The rows of a file, neither typed nor keyed.

    Attributes:
        name: The name of the file.
        frame: The rows; of a CSV file all is text.
        places: Where each row stands, from 1.
        unit: What is counted: `line` in a text file, `row` where there are no lines.
    """

    name: str
    frame: pl.DataFrame
    places: tuple[int, ...]
    unit: str

    def __len__(self) -> int:
        return self.frame.height

    def text(self, column: str) -> pl.Series:
        """A column as text, as the keys of a table are: 5, 5.0 and `5` are all `5`."""
        return as_text(plain(self.frame.get_column(column))[0])

    def words(self, column: str | None) -> list[str | None]:
        """A column as text without blanks around it; None where nothing is left, and where there is no column."""
        if column is None:
            return [None] * len(self)
        return [(value or "").strip() or None for value in self.text(column)]

    def column(self, wanted: str, option: str) -> str:
        """The name of a column that has to be there.

        Raises:
            DataError: It is not; the message names the option that names another.
        """
        if wanted not in self.frame.columns:
            hint = suggest(wanted, self.frame.columns)
            raise DataError(f"{self.name}: there is no column {wanted!r}{hint}; name the right one with {option} COL")
        return wanted


def read_sheet(location: str, registry: Registry) -> Sheet:
    """Read a CSV, JSON Lines, JSON or Parquet file, or one of a format that a plugin brings.

    Also understood is what `anomalist feedback export --json` prints.

    Raises:
        DataError: The file cannot be read, or holds no row.
    """
    path = Path(location).expanduser()
    listed = _listed(path)
    frame = read_frame(path, None, registry.reader_functions())[0] if listed is None else listed
    if not frame.height:
        raise DataError(f"{path.name}: there are no verdicts in it")
    starts = _starts(path) if listed is None else []
    if len(starts) == frame.height:
        return Sheet(name=path.name, frame=frame, places=tuple(starts), unit="line")
    return Sheet(name=path.name, frame=frame, places=tuple(range(1, frame.height + 1)), unit="row")


def _listed(path: Path) -> pl.DataFrame | None:
    """The rows of an object that lists verdicts; None where the file is no such object."""
    if path.suffix.lower() != ".json":
        return None
    try:
        items: Any = json.loads(open_content(path).data[:])["feedback"]
    except (ValueError, TypeError, KeyError):
        return None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return None
    names = dict.fromkeys(name for item in items for name in item if name != "values")
    return pl.DataFrame([from_objects(name, [item.get(name) for item in items]) for name in names])


def _starts(path: Path) -> list[int]:
    """The line on which each row of a text file begins; blank lines are none, a line end within quotes is no end.

    Empty for a file that has no lines.
    """
    endings = {ending.lower() for ending in path.suffixes}
    table = bool(endings & {".csv", ".tsv", ".tab", ".txt"})
    if not table and not endings & {".jsonl", ".ndjson"}:
        return []
    starts, quoted = [], False
    for number, line in enumerate(open_content(path).lines(), start=1):
        if not quoted and line.strip():
            starts.append(number)
        quoted ^= table and line.count(b'"') % 2 == 1
    return starts[1:] if table else starts
