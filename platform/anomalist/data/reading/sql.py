"""A table or a query of any database that SQLAlchemy reaches; a password is never shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import sqlalchemy as sa

from anomalist.data.reading.jsonl import stack
from anomalist.data.tidy import from_objects
from anomalist.data.words import suggest
from anomalist.errors import DataError, UsageError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

__all__ = ["masked", "read_sql"]

_ROWS = 50_000


def read_sql(url: str, query: str | None) -> tuple[pl.DataFrame, list[str]]:
    """Read a table, or the rows of a SELECT; nothing is written.

    Args:
        url: An SQLAlchemy URL.
        query: The name of a table or view, or a SELECT; needed unless the database has just one table.

    Raises:
        DataError: The database cannot be reached or the query fails.
        UsageError: The URL or the query is not one.
    """
    parsed = _parse(url)
    shown = masked(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        file = str(parsed.database)
        if not file.startswith("file:") and not Path(file).is_file():
            raise DataError(f"{shown}: there is no database file {file!r}")
    try:
        engine = sa.create_engine(parsed, poolclass=sa.NullPool)
        with engine.connect() as connection:
            statement = _statement(connection, query, shown)
            result = connection.execution_options(stream_results=True).execute(sa.text(statement))
            return _fetch(result, shown), []
    except sa.exc.NoSuchModuleError as error:
        raise UsageError(f"{shown}: no database is called {parsed.drivername!r}") from error
    except ModuleNotFoundError as error:
        raise DataError(f"{shown}: the driver {error.name!r} is not installed") from error
    except sa.exc.SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise DataError(f"{shown}: {_without_secrets(cause, parsed)}") from error


def masked(url: str) -> str:
    """The URL with every password replaced by `***`."""
    parsed = _parse(url)
    hidden = {name: "***" for name in parsed.query if re.search("pass|secret|token", name, re.IGNORECASE)}
    return parsed.update_query_dict(hidden).render_as_string(hide_password=True).replace("%2A", "*")


def _parse(url: str) -> sa.URL:
    try:
        return sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise UsageError("the database URL cannot be read: it looks like dialect://user:password@host/name") from None


def _statement(connection: Connection, query: str | None, shown: str) -> str:
    if query is not None and re.search(r"\s", query.strip()):
        return query
    inspector = sa.inspect(connection)
    tables = [*inspector.get_table_names(), *inspector.get_view_names()]
    if query is None and len(tables) != 1:
        listed = ", ".join(sorted(tables)[:10]) or "none"
        raise UsageError(f"{shown}: say which table or query to read; the tables are {listed}")
    name = tables[0] if query is None else query.strip()
    schema, _, table = name.rpartition(".")
    if name not in tables and not (schema and inspector.has_table(table, schema=schema)):
        raise DataError(f"{shown}: there is no table {name!r}{suggest(name, tables).replace('columns', 'tables')}")
    quote = connection.dialect.identifier_preparer.quote
    known = name in tables
    return f"SELECT * FROM {quote(name) if known else f'{quote(schema)}.{quote(table)}'}"  # noqa: S608 (quoted above)


def _fetch(result: sa.CursorResult[tuple[object, ...]], shown: str) -> pl.DataFrame:
    """All rows, in blocks, so that Python objects of only one block live at a time."""
    if not result.returns_rows:
        raise UsageError(f"{shown}: the query returns no rows: a SELECT is needed")
    names = [str(name) for name in result.keys()]  # noqa: SIM118 (a result is no mapping)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(
            f"{shown}: column {twice!r} appears {names.count(twice)} times in the query: rename one with AS"
        )
    frames = []
    while rows := result.fetchmany(_ROWS):
        columns = zip(*rows, strict=True)
        frames.append(pl.DataFrame([from_objects(name, list(c)) for name, c in zip(names, columns, strict=True)]))
    if not frames:
        raise DataError(f"{shown}: the query found no rows")
    return stack(frames)


def _without_secrets(text: str, url: sa.URL) -> str:
    return text.replace(str(url.password), "***") if url.password else text
