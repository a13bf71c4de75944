"""JSON Lines: one object a line, read in blocks so that a large file stays bounded; also a JSON array of objects."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Any

import polars as pl

from anomalist.data.keys import as_text
from anomalist.data.reading.content import open_content
from anomalist.data.tidy import from_objects, plain
from anomalist.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anomalist.data.reading.content import Content

__all__ = ["read_json", "read_jsonl", "stack"]

_BLOCK = 1 << 24
_NO_STRING = r"^([\[{].*|true|false|-?\d{16,}(\.\d+)?|-?0\.0000\d*|-?\d+(\.\d+)?[eE][-+]?\d+)$"


def read_jsonl(path: Path) -> tuple[pl.DataFrame, list[str]]:
    """Read one JSON object a line; returns the frame and notes.

    Raises:
        DataError: A line is not a JSON object; the message names it.
    """
    content = open_content(path)
    frames = [_read_block(path, first, lines) for first, lines in _blocks(content)]
    if not frames:
        raise DataError(f"{path.name} holds nothing but blank lines")
    return stack(frames), list(content.notes)


def read_json(path: Path) -> tuple[pl.DataFrame, list[str]]:
    """Read a JSON array of objects, or JSON Lines under the name of JSON; returns the frame and notes.

    Raises:
        DataError: The file is neither; the message names the line or the item.
    """
    content = open_content(path)
    if content.data[:64].lstrip()[:1] != b"[":
        return read_jsonl(path)
    try:
        items = json.loads(content.data[:])
    except ValueError as error:
        raise DataError(f"{path.name} is not JSON: {error}") from error
    wrong = next((i for i, item in enumerate(items) if not isinstance(item, dict)), None)
    if wrong is not None:
        got = type(items[wrong]).__name__
        raise DataError(f"{path.name}: item {wrong + 1} of the array is a {got}; each must be an object")
    return _from_dicts(items), list(content.notes)


def stack(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Put blocks of rows under each other by column name; where their types are not one kind, all become text."""
    kinds: dict[str, set[pl.DataType]] = defaultdict(set)
    for name, kind in chain.from_iterable(frame.schema.items() for frame in frames):
        kinds[name] |= {kind} - {pl.Null()}
    mixed = [name for name, found in kinds.items() if len(found) > 1 and not all(kind.is_numeric() for kind in found)]
    for i, frame in enumerate(frames):
        here = [as_text(plain(frame.get_column(name))[0]) for name in mixed if name in frame.columns]
        frames[i] = frame.with_columns(here)
    return pl.concat(frames, how="diagonal_relaxed", rechunk=True)


def _blocks(content: Content) -> Iterator[tuple[int, list[bytes]]]:
    """Lines in blocks of about 16 MiB, each with the number of its first line."""
    lines: list[bytes] = []
    first, size = 1, 0
    for number, line in enumerate(content.lines(), start=1):
        lines.append(line)
        size += len(line)
        if size >= _BLOCK:
            yield first, lines
            lines, first, size = [], number + 1, 0
    if any(line.strip() for line in lines):
        yield first, lines


def _read_block(path: Path, first: int, lines: list[bytes]) -> pl.DataFrame:
    """Polars where it can; else Python, which reads NaN and mixed types and knows which line is wrong."""
    if all(line.lstrip()[:1] == b"{" or not line.strip() for line in lines):
        try:
            frame = pl.read_ndjson(b"".join(lines), infer_schema_length=None)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            pass
        else:
            if not any(_may_be_mixed(series) for series in frame.iter_columns()):
                return frame
    items = []
    for number, line in enumerate(lines, start=first):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(
                f"{path.name}: line {number} is not JSON: {error.msg}, character {error.pos + 1}"
            ) from error
        if not isinstance(item, dict):
            raise DataError(f"{path.name}: line {number} is a JSON {type(item).__name__}; each must be an object")
        items.append(item)
    return _from_dicts(items)


def _may_be_mixed(series: pl.Series) -> bool:
    """Whether values of several types may have become one: a value must not read otherwise than it would alone."""
    if series.dtype.is_nested():
        return True
    return series.dtype == pl.String and bool(series.str.contains(_NO_STRING).any())


def _from_dicts(items: list[dict[str, Any]]) -> pl.DataFrame:
    names = dict.fromkeys(chain.from_iterable(items))
    return pl.DataFrame([from_objects(name, [item.get(name) for item in items]) for name in names])
