"""Which version serves: promoting one and going back. Every function works inside a transaction of the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from anomalist.errors import UsageError
from anomalist.store.models import CHAMPION, find_model, lock_models, make_champion, refuse_rollback, require_model
from anomalist.store.rows import Promotion
from anomalist.store.tables import model, promotion, run

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from anomalist.store.rows import PromotionHow

__all__ = ["promote", "promotions_of", "roll_back"]


def promote(connection: Connection, name: str, version: int, *, how: PromotionHow, run_id: int | None) -> Promotion:
    """Make a version the champion of its name.

    Raises:
        UnknownNameError: There is no such model or version.
        UsageError: It is the champion already, or `how` is the way back.
    """
    refuse_rollback(how)
    lock_models(connection)
    model_id, row = find_model(connection, name, version, None)
    if CHAMPION in row.aliases:
        raise UsageError(f"{name}:{version} is the champion already")
    make_champion(connection, name, model_id, how=how, run_id=run_id)
    return promotions_of(connection, name)[0]


def roll_back(connection: Connection, name: str) -> Promotion:
    """Make the version champion again that the champion replaced when it was promoted.

    Again and again it goes back step by step: a rollback undoes the promotion before it and is none itself.

    Raises:
        UnknownNameError: There is no such model.
        UsageError: There is nothing to go back to.
    """
    lock_models(connection)
    served: list[int] = []
    for past in reversed(promotions_of(connection, name)):
        if past.how == "rollback":
            served.pop()
        else:
            served.append(past.version)
    if not served:
        raise UsageError(f"{name} has no champion to roll back: promote a version")
    if len(served) == 1:
        raise UsageError(f"{name}:{served[0]} replaced no other version: there is nothing to roll back to")
    model_id, _ = find_model(connection, name, served[-2], None)
    make_champion(connection, name, model_id, how="rollback", run_id=None)
    return promotions_of(connection, name)[0]


def promotions_of(connection: Connection, name: str) -> list[Promotion]:
    """Every promotion and rollback of a model, the newest first.

    Raises:
        UnknownNameError: There is no such model.
    """
    require_model(connection, name)
    replaced = model.alias("replaced")
    query = (
        sa.select(promotion, model.c.name, model.c.version, replaced.c.version.label("replaced"), run.c.slug)
        .select_from(promotion)
        .join(model, model.c.id == promotion.c.model_id)
        .outerjoin(replaced, replaced.c.id == promotion.c.replaced_id)
        .outerjoin(run, run.c.id == promotion.c.run_id)
        .where(model.c.name == name)
        .order_by(promotion.c.id.desc())
    )
    return [_promotion(row) for row in connection.execute(query)]


def _promotion(row: sa.Row[Any]) -> Promotion:
    return Promotion(
        name=row.name,
        version=row.version,
        replaced=row.replaced,
        how=row.how,
        run=row.slug,
        created_at=row.created_at,
    )
