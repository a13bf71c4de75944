"""How the store talks to its database: the URL, the engine, transactions, and errors told in one line."""

from __future__ import annotations

import importlib.util
import json
import random
import sqlite3
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from anomalist.errors import ConfigError, DataError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL, Connection, Engine

__all__ = ["Database", "one_line", "parse_url", "plain_json"]

BUSY_SECONDS = 60
LOOK_SECONDS = 0.02
CHANCE = random.SystemRandom()  # has no state that other code could seed or miss
CONNECT_SECONDS = 10
FILE_NAME = "anomalist.db"
FORMS = "write sqlite:///FILE or postgresql://USER@HOST/DATABASE"


def parse_url(url: str | None, data_home: Path) -> URL:
    """Read a store URL; None is the SQLite file under `data_home`.

    Raises:
        ConfigError: It is not a URL, is of a database that is not supported, or its driver is not installed.
    """
    if url is None:
        return sa.URL.create("sqlite", database=str(data_home / FILE_NAME))
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        # The text is not repeated: what cannot be parsed may hold a password anywhere.
        raise ConfigError(f"the store URL cannot be read: {FORMS}") from None
    backend, _, driver = parsed.drivername.partition("+")
    if backend in ("postgresql", "postgres") and driver in ("", "psycopg"):
        if importlib.util.find_spec("psycopg") is None:
            raise ConfigError("a PostgreSQL store needs psycopg: pip install 'anomalist[postgres]'")
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or driver not in ("", "pysqlite"):
        raise ConfigError(f"a store cannot be on {parsed.drivername}: {FORMS}")
    if parsed.database in (None, "", ":memory:") or parsed.host:
        raise ConfigError(f"a SQLite store needs a file: {FORMS}")
    return parsed


def plain_json(value: Any, what: str) -> str:
    """Write plain values as JSON text that both databases keep; numpy scalars become plain numbers.

    Raises:
        DataError: A number is not finite, a text cannot be stored, or something is not a plain value.

    >>> plain_json({"age": np.float32(1.5)}, "params")
    '{"age": 1.5}'
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, default=_plain_scalar)
        text.encode()
    except (TypeError, ValueError) as problem:  # a lone surrogate is a ValueError too
        raise DataError(f"{what} cannot be stored as JSON: {problem}") from None
    if "\\u0000" in text and "\x00" in _texts(json.loads(text)):
        raise DataError(f"{what} cannot be stored: a text holds the character NUL; remove it")
    return text


def one_line(text: str) -> str:
    r"""Make any text fit to be kept as a message: one line, without what a database cannot hold.

    >>> one_line("it failed:\n  no memory")
    'it failed: no memory'
    """
    return " ".join(text.encode(errors="replace").decode().replace("\x00", "?").split())


def _plain_scalar(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not a plain value")


def _texts(value: Any) -> str:
    """Every string and name in a JSON value, one after the other."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join(key + _texts(item) for key, item in value.items())
    return "".join(map(_texts, value)) if isinstance(value, list) else ""


class Database:
    """An engine with the store's rules: one write transaction at a time on SQLite, every failure one `StoreError`."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        masked = url.update_query_dict({key: "***" for key in url.query if "password" in key})
        self.shown = masked.render_as_string(hide_password=True).replace("+psycopg", "", 1)
        options: dict[str, Any] = {"timeout": BUSY_SECONDS} if self.is_sqlite else {}
        if not self.is_sqlite and "connect_timeout" not in url.query:
            options["connect_timeout"] = CONNECT_SECONDS
        self.engine: Engine = sa.create_engine(
            url, connect_args=options, json_serializer=lambda value: plain_json(value, "a value"), hide_parameters=True
        )
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        self._writer = self.engine.execution_options(anomalist_write=True)

    def make_folder(self) -> None:
        """Make the folder of a SQLite file, and those above it.

        Raises:
            StoreError: It cannot be made.
        """
        if self.is_sqlite:
            try:
                Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
            except OSError as problem:
                raise StoreError(
                    f"{self.shown}: the folder cannot be made ({problem.strerror}); name another"
                ) from None

    def require_file(self) -> None:
        """Refuse a SQLite file that is not there, which connecting would make.

        Raises:
            StoreError: As said.
        """
        if self.is_sqlite and not Path(str(self.url.database)).exists():
            raise StoreError(f"{self.shown}: there is no such file yet; any command that stores something makes it")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view of the database."""
        with self._one_line(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, all or nothing; on SQLite it holds the write lock from its start."""
        with self._one_line(), self._writer.begin() as connection:
            yield connection

    def share(self) -> None:
        """Let readers go on while someone writes: on SQLite, switch the file to a write-ahead log, once for good."""
        if not self.is_sqlite:
            return
        deadline = time.monotonic() + BUSY_SECONDS
        with self._one_line(), closing(self.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            while cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                try:
                    if cursor.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
                        return  # where it lies no file can have one, as on some network drives: readers wait there
                except sqlite3.OperationalError as problem:  # this switch does not wait for a lock by itself
                    if "locked" not in str(problem) or time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _one_line(self) -> Iterator[None]:
        """Turn what the driver raises into one line without parameters or passwords."""
        try:
            yield
        except sa.exc.StatementError as problem:
            if isinstance(problem.orig, DataError | StoreError):  # from a column type, on the way in
                raise problem.orig from None
            raise StoreError(self._say(problem.orig or problem)) from problem
        except UnicodeEncodeError as problem:
            raise DataError(f"a text cannot be stored or looked up: {problem}") from None
        except (sa.exc.SQLAlchemyError, self.engine.dialect.loaded_dbapi.Error) as problem:
            raise StoreError(self._say(problem)) from problem

    def _say(self, problem: BaseException) -> str:
        lines = str(problem).strip().splitlines()
        said = lines[0].rstrip(". ") if lines else type(problem).__name__
        if self.url.password:
            said = said.replace(str(self.url.password), "***")
        hints = {
            "locked": "another process is writing; try again",
            "not a database": "name another file",
            "malformed": "restore the file from a copy",
            "readonly": "make the file and its folder writable",
            "unable to open": "check that the folder can be written to",
            "disk": "make room",
            "refused": "is the server running?",
        }
        hint = next((hint for word, hint in hints.items() if word in said), None)
        return f"{self.shown}: {said}" + (f"; {hint}" if hint else "")


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Set up a new connection: no transactions begun by the driver itself, and foreign keys."""
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    """Begin in earnest, so that DDL is part of the transaction and a writer never starts as a reader."""
    if connection.get_execution_options().get("anomalist_write", False):
        _begin_writing(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection) -> None:
    """Take the write lock; all who wait for it have the same chance, however long they wait already.

    SQLite itself looks less and less often, up to every 100 ms, so that who comes later goes first: of 50 processes
    that write without a pause some waited for half a minute for their turn, like this for a few seconds.
    """
    cursor = connection.connection.cursor()
    deadline = time.monotonic() + BUSY_SECONDS
    cursor.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                cursor.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as problem:
                if "locked" not in str(problem) or time.monotonic() > deadline:
                    raise
            time.sleep(CHANCE.uniform(0, LOOK_SECONDS))
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {1000 * BUSY_SECONDS:.0f}")
        cursor.close()
