"""From a source to a Table: CSV, Parquet, JSON Lines, a SQL table or query, and formats that plugins bring."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from anomalist.data.reading.content import check_file
from anomalist.data.reading.csv import read_csv
from anomalist.data.reading.jsonl import read_json, read_jsonl
from anomalist.data.table import Table
from anomalist.errors import AnomalistError, DataError, PluginError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from anomalist.data.conventions import Reading
    from anomalist.data.roles import Role

__all__ = ["FORMATS", "read_frame", "read_table"]

FORMATS: Mapping[str, tuple[str, ...]] = {
    "csv": (".csv", ".tsv", ".tab", ".txt"),
    "parquet": (".parquet", ".pq"),
    "jsonl": (".jsonl", ".ndjson"),
    "json": (".json",),
    "sql": (),
}
"""The formats that are read without a plugin, each with the endings of its files."""

_PACKED = frozenset({".gz", ".bz2", ".xz"})


def read_table(
    source: str | Path,
    *,
    format: str | None = None,  # noqa: A002 (what users type after --format)
    query: str | None = None,
    key: str | None = None,
    time: str | None = None,
    entity: str | None = None,
    label: str | None = None,
    ignore: Iterable[str] = (),
    roles: Mapping[str, Role | str] | None = None,
    like: Reading | None = None,
    readers: Mapping[str, Callable[[Path], pl.DataFrame]] | None = None,
) -> Table:
    """Read a file or a database into a Table.

    Args:
        source: A path, or an SQLAlchemy URL (`postgresql+psycopg://host/name`).
        format: One of `FORMATS`, or the ending of a file that `readers` reads; else found from the file's name.
        query: For a database: the name of a table or view, or a SELECT.
        key: The column that names each row; a hash of the row's content when not given.
        time: The column that orders the rows.
        entity: The column that says which series a row belongs to.
        label: The column of known labels; it is never a feature.
        ignore: Columns to leave out.
        roles: Roles of single columns, instead of those found.
        like: The `reading` of an earlier table or of a fitted encoder: its roles hold where nothing else is said, and
            its numbers and dates are written as they were there.
        readers: More readers, by the ending of the file names that they read (`.xlsx`).

    Raises:
        DataError: The data cannot be read or used; the message names the file and the row, line or column.
        SchemaMismatchError: A number or a date is not written as in the earlier table.
        UsageError: The format, a role or the database URL is not one.
    """
    text = str(source)
    if format == "sql" or (format is None and "://" in text):
        from anomalist.data.reading.sql import masked, read_sql  # SQLAlchemy takes long to import

        frame, notes = read_sql(text, query)
        name = masked(text)
    else:
        if query is not None:
            raise UsageError(f"a query needs a database URL, got the file {text!r}")
        path = Path(source).expanduser()
        frame, notes = read_frame(path, format, readers or {})
        name = path.name
    return Table.from_frame(
        frame,
        source=name,
        key=key,
        time=time,
        entity=entity,
        label=label,
        ignore=ignore,
        roles=roles,
        like=like,
        notes=notes,
    )


def read_frame(
    path: Path, form: str | None, readers: Mapping[str, Callable[[Path], pl.DataFrame]]
) -> tuple[pl.DataFrame, list[str]]:
    """Read a file as it is, its columns neither typed nor given roles; returns the frame and notes.

    Raises:
        DataError: The file cannot be read; the message names it, and the line.
        UsageError: The format is none.
    """
    check_file(path)
    suffix = _suffix(path)
    if form is not None and form not in FORMATS:
        suffix = form if form.startswith(".") else f".{form}"
        if suffix not in readers:
            known = ", ".join([*FORMATS, *(item.lstrip(".") for item in readers)])
            raise UsageError(f"there is no format {form!r}; the formats are {known}")
    if suffix in readers and form not in FORMATS:
        return _read_with(readers[suffix], path), []
    form = form if form in FORMATS else next((name for name, ends in FORMATS.items() if suffix in ends), None)
    if form is None:
        known = " ".join([*(end for ends in FORMATS.values() for end in ends), *readers])
        raise DataError(f"{path.name}: files ending in {suffix!r} are not known ({known}): name the format")
    if form == "csv":
        return read_csv(path)
    if form == "parquet":
        return _read_parquet(path), []
    return read_jsonl(path) if form == "jsonl" else read_json(path)


def _suffix(path: Path) -> str:
    """The ending that says the format: `.csv` of `sales.csv.gz`."""
    endings = [ending.lower() for ending in path.suffixes]
    while endings and endings[-1] in _PACKED:
        endings.pop()
    return endings[-1] if endings else ""


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        cause = str(error).strip().splitlines()[0]
        raise DataError(f"{path.name} is not a Parquet file, or is damaged: {cause}") from error


def _read_with(reader: Callable[[Path], pl.DataFrame], path: Path) -> pl.DataFrame:
    try:
        frame = reader(path)
    except PluginError as error:
        raise DataError(f"{path.name}: {error}") from error
    except AnomalistError:
        raise
    except Exception as error:
        cause = str(error).strip().splitlines()
        raise DataError(f"{path.name}: its reader failed: {cause[0] if cause else type(error).__name__}") from error
    if not isinstance(frame, pl.DataFrame):
        raise DataError(f"{path.name}: its reader must return a polars DataFrame, got {type(frame).__name__}")
    return frame
