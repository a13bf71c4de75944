"""The schema of a store: what state it is in, and bringing it up to date with the bundled Alembic migrations."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Literal, TypeAlias

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from anomalist.errors import MigrationNeededError, StoreError
from anomalist.store.tables import VERSION_TABLE, metadata

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from anomalist.store.connection import Database

__all__ = ["SchemaState", "SchemaStatus", "check_schema", "migrate", "require_current"]

SchemaState: TypeAlias = Literal["current", "older", "newer", "empty", "foreign"]

UPGRADE_LOCK = 0x616E6F6D  # any number that no other application is likely to lock on PostgreSQL


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStatus:
    """What `anomalist db check` says.

    Attributes:
        url: The store, without its password.
        state: `empty` has no tables at all; `foreign` has tables, but no store among them.
        revision: The revision of the store; None where there is no store yet.
        head: The revision that this version of anomalist works with.
    """

    url: str
    state: SchemaState
    revision: str | None
    head: str


def check_schema(database: Database) -> SchemaStatus:
    """Say what state the schema is in, and change nothing.

    Raises:
        StoreError: The database cannot be reached or read.
    """
    with database.read() as connection:
        return _status(database, connection)


def migrate(database: Database) -> SchemaStatus:
    """Bring the schema to the newest revision, in one transaction; of several processes at once, one does the work.

    Raises:
        MigrationNeededError: The schema is newer than this version of anomalist.
        StoreError: The database refused, or has tables in the way.
    """
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(UPGRADE_LOCK)))
        before = _status(database, connection)
        if before.state == "newer":
            raise MigrationNeededError(_newer(before))
        if before.state == "foreign":
            _refuse_collisions(database, connection)
        if before.state != "current":
            with as_file(files("anomalist_migrations")) as folder:
                settings = Config()
                settings.set_main_option("script_location", str(folder).replace("%", "%%"))
                settings.attributes["connection"] = connection
                command.upgrade(settings, "head")
        return _status(database, connection)


def require_current(database: Database) -> None:
    """Go on only with a store of the current schema; a database without any table becomes one.

    Raises:
        MigrationNeededError: The schema is older or newer, or the database belongs to something else.
        StoreError: The database cannot be reached, read or written.
    """
    status = check_schema(database)
    if status.state == "empty":
        status = migrate(database)
    if status.state == "older":
        raise MigrationNeededError(
            f"{status.url} has schema {status.revision}, this version needs {status.head}: run `anomalist db upgrade`"
        )
    if status.state == "newer":
        raise MigrationNeededError(_newer(status))
    if status.state == "foreign":
        raise MigrationNeededError(
            f"{status.url} holds other tables and no store: name another, or add one there with `anomalist db upgrade`"
        )


def _newer(status: SchemaStatus) -> str:
    return f"{status.url} has schema {status.revision}, this version knows up to {status.head}: upgrade anomalist"


def _status(database: Database, connection: Connection) -> SchemaStatus:
    with as_file(files("anomalist_migrations")) as folder:
        scripts = ScriptDirectory(folder)
        head = scripts.get_current_head()
        known = {script.revision for script in scripts.walk_revisions()}
    if head is None:
        raise StoreError("the migrations are missing: install anomalist again")
    tables = set(sa.inspect(connection).get_table_names())
    revision = None
    if VERSION_TABLE in tables:
        revision = connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - a constant
    state: SchemaState
    if revision is not None:
        state = "current" if revision == head else "older" if revision in known else "newer"
    else:
        state = "foreign" if tables - {VERSION_TABLE} else "empty"
    return SchemaStatus(url=database.shown, state=state, revision=revision, head=head)


def _refuse_collisions(database: Database, connection: Connection) -> None:
    taken = sorted(set(sa.inspect(connection).get_table_names()) & set(metadata.tables))
    if taken:
        raise StoreError(f"{database.shown} already has a table {taken[0]} of something else: name another database")
