"""CSV: the delimiter is found, every value is read as text, and rows of the wrong length are named by their line."""

from __future__ import annotations

import csv
from itertools import islice
from typing import TYPE_CHECKING

import polars as pl

from anomalist.data.reading.content import Content, open_content
from anomalist.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["read_csv"]

_DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_SAMPLE = 50


def read_csv(path: Path) -> tuple[pl.DataFrame, list[str]]:
    """Read a file of comma- (or otherwise) separated values, all as text; returns the frame and notes.

    Raises:
        DataError: The file is no such table; the message names the file and the line.
    """
    content = open_content(path)
    notes = list(content.notes)
    if b"\n" not in content.data[: 1 << 20] and b"\r" in content.data[: 1 << 20]:
        content = Content(data=content.data[:].replace(b"\r", b"\n"), path=None)
    delimiter = _sniff(content)
    usual = "\t" if ".tsv" in path.suffixes or ".tab" in path.suffixes else ","
    if delimiter != usual:
        notes.append(f"values are separated by {_NAMES[delimiter]}")
    names = _header(path, content, delimiter, notes)
    frame = _parse(path, content, delimiter, len(names))
    if not names[-1] and frame.to_series(len(names) - 1).null_count() == len(frame):
        frame, names = frame[:, :-1], names[:-1]
        notes.append("each line ends with a delimiter: the empty last column was dropped")
    frame.columns = _named(names, notes)
    return frame, notes


def _records(content: Content, delimiter: str, *, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not blank, with the number of the line that it ends on."""
    reader = csv.reader((line.decode() for line in content.lines()), delimiter=delimiter, strict=strict)
    for record in reader:
        if record:
            yield reader.line_num, record


def _sniff(content: Content) -> str:
    """The delimiter that cuts the first lines into equally many fields, and into the most."""
    best, most = ",", (False, 1)
    for delimiter in _DELIMITERS:
        try:
            widths = [len(record) for _, record in islice(_records(content, delimiter), _SAMPLE)]
        except csv.Error:
            continue
        rank = (len(set(widths)) == 1 and widths[0] > 1, widths[0] if widths else 0)
        if widths and widths[0] > 1 and rank > most:
            best, most = delimiter, rank
    return best


def _header(path: Path, content: Content, delimiter: str, notes: list[str]) -> list[str]:
    """The column names, empty where a column has none."""
    try:
        record = next((record for _, record in _records(content, delimiter)), None)
    except csv.Error as error:
        raise DataError(f"{path.name}: the header cannot be read: {error}") from error
    if record is None:
        raise DataError(f"{path.name} holds nothing but blank lines")
    names = [name.strip() for name in record]
    for i, name in enumerate(names):
        if name and name in names[:i]:
            first = names.index(name) + 1
            raise DataError(f"{path.name}: column {name!r} appears twice in the header (columns {first} and {i + 1})")
    if not any(names):
        raise DataError(f"{path.name}: the header is empty, got {record!r}: name the columns in the first line")
    if all(_is_number(name) for name in names if name) and not all(name.isdigit() for name in names if name):
        notes.append("the header holds nothing but numbers: is the line with the column names missing?")
    return names


def _named(names: list[str], notes: list[str]) -> list[str]:
    """The column names with one made up, and said, for each column without."""
    taken = set(names)
    named = []
    for i, name in enumerate(names):
        made = name or f"column_{i + 1}"
        while not name and made in taken:
            made += "_"
        if not name:
            notes.append(f"column {i + 1} has no name in the header: called {made}")
        named.append(made)
    return named


def _parse(path: Path, content: Content, delimiter: str, width: int) -> pl.DataFrame:
    try:
        frame = pl.read_csv(content.path or content.data[:], separator=delimiter, infer_schema=False, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        return _parse_slowly(path, content, delimiter, width)
    if frame.width != width or (len(frame) and frame.to_series(width - 1).null_count() and width > 1):
        return _check_lengths(path, content, delimiter, width, frame)
    if width == 1:
        keep = len(frame) - (1 if content.data[-2:] == b"\n\n" or content.data[-4:] == b"\r\n\r\n" else 0)
        return frame.head(keep)
    return frame


def _check_lengths(path: Path, content: Content, delimiter: str, width: int, frame: pl.DataFrame) -> pl.DataFrame:
    """Find short rows and blank lines: both end in empty values, so that only a file with some is looked at again."""
    plain = frame.width == width and content.data.find(b'"') < 0
    if plain and content.count(delimiter.encode()) == (len(frame) + 1) * (width - 1):
        return frame
    rows = -1
    try:
        for line, record in _records(content, delimiter):
            if len(record) != width:
                raise DataError(_ragged(path, line, len(record), width, delimiter))
            rows += 1
    except csv.Error as error:
        raise DataError(f"{path.name}: line {rows + 3} or later cannot be read: {error}") from error
    if rows != len(frame):
        frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    return frame if rows == len(frame) and frame.width == width else _parse_slowly(path, content, delimiter, width)


def _parse_slowly(path: Path, content: Content, delimiter: str, width: int) -> pl.DataFrame:
    """Read with Python's own module: it forgives a stray quote, and knows the line of every record."""
    rows: list[list[str]] = []
    try:
        for line, record in islice(_records(content, delimiter), 1, None):
            if len(record) != width:
                raise DataError(_ragged(path, line, len(record), width, delimiter))
            rows.append(record)
    except csv.Error as error:
        raise DataError(f"{path.name}: line {len(rows) + 2} or later cannot be read: {error}") from error
    quote = _open_quote(content, delimiter)
    if quote is not None:
        raise DataError(f"{path.name}: a quote is opened in line {quote} and never closed")
    columns = list(zip(*rows, strict=True)) if rows else [()] * width
    return pl.DataFrame(
        [pl.Series(str(i), [value or None for value in column], dtype=pl.String) for i, column in enumerate(columns)]
    )


def _open_quote(content: Content, delimiter: str) -> int | None:
    """The line in which a quote is opened that nothing closes; None where all are closed."""
    last = 0
    try:
        for line, _ in _records(content, delimiter, strict=True):
            last = line
    except csv.Error as error:
        return last + 1 if "unexpected end of data" in str(error) else None
    return None


def _ragged(path: Path, line: int, got: int, width: int, delimiter: str) -> str:
    fields = "1 field" if got == 1 else f"{got} fields"
    hint = f"quote a value that holds {delimiter!r}" if got > width else "add what is missing"
    return f"{path.name}: line {line} has {fields} where the header has {width}: {hint}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
