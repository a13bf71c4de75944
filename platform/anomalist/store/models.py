"""Models and their aliases: the queries behind `Store`. Every function works inside a transaction of the caller."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from anomalist.errors import UnknownNameError, UsageError
from anomalist.store.rows import ModelRow
from anomalist.store.tables import model, model_alias, promotion

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from anomalist.store.rows import NewModel, PromotionHow

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "add_model",
    "all_models",
    "find_model",
    "lock_models",
    "make_champion",
    "refuse_rollback",
    "require_model",
]

CHAMPION = "champion"
"""The alias of the model in service."""

CHALLENGER = "challenger"
"""The alias of the model that is to be compared with the one in service."""


def add_model(connection: Connection, new: NewModel, run_id: int, slug: str) -> int:
    """Register a model under the next version of its name, point its aliases at it, and return its number.

    Args:
        connection: A write transaction.
        new: The model.
        run_id: The number of the run that made it.
        slug: The id of that run.
    """
    lock_models(connection)
    newest = connection.scalar(sa.select(sa.func.max(model.c.version)).where(model.c.name == new.name)) or 0
    model_id: int = connection.execute(
        sa.insert(model)
        .values(
            name=new.name,
            version=newest + 1,
            hash=new.hash,
            details=new.details,
            made_by=slug,
            created_at=datetime.now(UTC),
        )
        .returning(model.c.id)
    ).scalar_one()
    for alias in new.aliases:
        if alias != CHAMPION:
            _point(connection, new.name, alias, model_id)
    if CHAMPION in new.aliases:
        refuse_rollback(new.how)
        make_champion(connection, new.name, model_id, how=new.how, run_id=run_id)
    return model_id


def lock_models(connection: Connection) -> None:
    """Let no one else change models and their aliases until the transaction ends; readers are not held up."""
    if connection.dialect.name == "postgresql":  # on SQLite a write transaction is alone from its start
        connection.execute(sa.text("LOCK TABLE model, model_alias IN SHARE ROW EXCLUSIVE MODE"))


def refuse_rollback(how: PromotionHow) -> None:
    """Refuse to write a promotion down as a way back, which would undo another one.

    Raises:
        UsageError: As said.
    """
    if how == "rollback":
        raise UsageError("a version is not promoted as a rollback: roll back, or give another reason")


def make_champion(connection: Connection, name: str, model_id: int, *, how: PromotionHow, run_id: int | None) -> None:
    """Put a version in service and write down what it replaced; a champion is no challenger any more."""
    at_champion = (model_alias.c.name == name) & (model_alias.c.alias == CHAMPION)
    replaced = connection.scalar(sa.select(model_alias.c.model_id).where(at_champion))
    _point(connection, name, CHAMPION, model_id)
    connection.execute(
        sa.delete(model_alias).where(model_alias.c.alias == CHALLENGER, model_alias.c.model_id == model_id)
    )
    connection.execute(
        sa.insert(promotion).values(
            model_id=model_id, replaced_id=replaced, how=how, run_id=run_id, created_at=datetime.now(UTC)
        )
    )


def _point(connection: Connection, name: str, alias: str, model_id: int) -> None:
    """Let an alias point at this version from now on."""
    connection.execute(sa.delete(model_alias).where(model_alias.c.name == name, model_alias.c.alias == alias))
    connection.execute(
        sa.insert(model_alias).values(name=name, alias=alias, model_id=model_id, set_at=datetime.now(UTC))
    )


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
    require_model(connection, name)
    versions = all_models(connection, name)
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


def require_model(connection: Connection, name: str) -> None:
    """Go on only with a name that a model has.

    Raises:
        UnknownNameError: No model is called so; the message says which there are.
    """
    names = connection.scalars(sa.select(model.c.name).distinct().order_by(model.c.name)).all()
    if name not in names:
        known = f"the store has {', '.join(names)}" if names else "the store has none yet"
        raise UnknownNameError(f"no model {name!r}: {known}")


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
