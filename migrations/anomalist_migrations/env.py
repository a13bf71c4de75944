"""Runs the migrations, on the connection that `anomalist.store.upgrade` hands over or on a developer's own store.

A developer writes a new revision against a store of the previous one:
`alembic -x store=sqlite:////tmp/scratch.db revision --autogenerate -m "what it does"`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from alembic import context
from alembic.util import CommandError

from anomalist.store.connection import Database, parse_url
from anomalist.store.tables import VERSION_TABLE, UtcTime, metadata

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext
    from sqlalchemy.engine import Connection


def render(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Write our own column type as what it is in the database, so that old revisions do not depend on our code."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcTime) else False


def migrate(connection: Connection) -> None:
    """Run the revisions that were asked for, inside the transaction of the connection."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        transactional_ddl=True,
        render_item=render,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise CommandError("migrations need a database to run on: leave --sql out")

handed_over: Connection | None = context.config.attributes.get("connection")
if handed_over is not None:
    migrate(handed_over)
else:
    url = context.get_x_argument(as_dictionary=True).get("store")
    if not isinstance(url, str):
        raise CommandError("name the store with -x store=URL")
    database = Database(parse_url(url, Path.cwd()))
    with database.write() as own:
        migrate(own)
    database.close()
