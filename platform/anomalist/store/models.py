"""Models and their aliases: the queries behind `Store`. Every function works inside a transaction of the caller."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from anomalist.errors import UnknownNameError
from anomalist.store.rows import ModelRow
from anomalist.store.tables import model, model_alias

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from anomalist.store.rows import NewModel

__all__ = ["CHAMPION", "add_model", "all_models", "find_model"]

CHAMPION = "champion"
"""The alias of the model in service."""


def add_model(connection: Connection, new: NewModel, slug: str) -> int:
    """Register a model under the next version of its name, point its aliases at it, and return its number."""
    if connection.dialect.name == "postgresql":
        # Two that read the same newest version would both take the next; readers are not held up.
        connection.execute(sa.text("LOCK TABLE model, model_alias IN SHARE ROW EXCLUSIVE MODE"))
    now = datetime.now(UTC)
    newest = connection.scalar(sa.select(sa.func.max(model.c.version)).where(model.c.name == new.name)) or 0
    model_id: int = connection.execute(
        sa.insert(model)
        .values(name=new.name, version=newest + 1, hash=new.hash, details=new.details, made_by=slug, created_at=now)
        .returning(model.c.id)
    ).scalar_one()
    for alias in new.aliases:
        connection.execute(sa.delete(model_alias).where(model_alias.c.name == new.name, model_alias.c.alias == alias))
        connection.execute(sa.insert(model_alias).values(name=new.name, alias=alias, model_id=model_id, set_at=now))
    return model_id


def all_models(connection: Connection, name: str | None = None) -> list[tuple[int, ModelRow]]:
    """Every model, or every version of one, by name and with the newest version first; each with its number."""
    aliases: dict[int, list[str]] = {}
    for row in connection.execute(sa.select(model_alias).order_by(model_alias.c.alias)):
        aliases.setdefault(row.model_id, []).append(row.alias)
    query = sa.select(model).order_by(model.c.name, model.c.version.desc())
    if name is not None:
        query = query.where(model.c.name == name)
    return [(row.id, _model_row(row, aliases.get(row.id, []))) for row in connection.execute(query)]


def find_model(connection: Connection, name: str, version: int | None, alias: str | None) -> tuple[int, ModelRow]:
    """Find one model; without a version and an alias it is the champion, or the newest where there is no champion.

    Raises:
        UnknownNameError: There is no such model, version or alias; the message says which there are.
    """
    versions = all_models(connection, name)
    if not versions:
        names = connection.scalars(sa.select(model.c.name).distinct().order_by(model.c.name)).all()
        known = f"the store has {', '.join(names)}" if names else "the store has none yet"
        raise UnknownNameError(f"no model {name!r}: {known}")
    if version is not None:
        chosen = [pair for pair in versions if pair[1].version == version]
        wanted, known = f"{name}:{version}", ", ".join(str(row.version) for _, row in versions)
    else:
        chosen = [pair for pair in versions if (alias or CHAMPION) in pair[1].aliases]
        chosen = chosen or (versions if alias is None else [])
        wanted, known = f"{name}@{alias}", ", ".join(sorted(a for _, row in versions for a in row.aliases)) or "none"
    if not chosen:
        raise UnknownNameError(f"no model {wanted}: there are {known}")
    return chosen[0]


def _model_row(row: sa.Row[Any], aliases: list[str]) -> ModelRow:
    return ModelRow(
        name=row.name,
        version=row.version,
        hash=row.hash,
        details=row.details,
        aliases=tuple(aliases),
        run=row.made_by,
        created_at=row.created_at,
    )
