"""Scores, member scores and records: reading them. Every function works inside a transaction of the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import sqlalchemy as sa

from anomalist.errors import UnknownNameError
from anomalist.store.rows import RecordRow, ScoredRow, Scores
from anomalist.store.tables import BLOCK_ROWS, record, run_member, score, score_block

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from anomalist.detector import Floats

__all__ = ["member_column", "member_row", "scored_row", "scores_of", "top_rows"]

KEPT = (record.c.row_values, record.c.reasons, record.c.members, record.c.moved)
SCORED = sa.select(score, *KEPT).select_from(
    score.outerjoin(record, (record.c.run_id == score.c.run_id) & (record.c.row == score.c.row))
)
FLOAT32 = np.dtype("<f4")


def top_rows(connection: Connection, run_id: int, k: int, *, flagged: int, flagged_only: bool) -> list[ScoredRow]:
    """The first `k` ranks of a run that has `flagged` flagged rows, or as many of them as were flagged.

    The flagged rows are those of the first ranks: the partial index over them will do unless more are asked for.
    """
    top = sa.select(score).where(score.c.run_id == run_id).order_by(score.c.rank)
    indexed = flagged_only or k <= flagged
    top = top.where(score.c.flagged == sa.true() if indexed else score.c.rank <= k)
    first = top.limit(k).subquery("first")
    joined = first.outerjoin(record, (record.c.run_id == first.c.run_id) & (record.c.row == first.c.row))
    query = sa.select(first, *KEPT).select_from(joined)
    return [_scored_row(row) for row in connection.execute(query.order_by(first.c.rank))]


def scored_row(connection: Connection, run_id: int, key: str) -> ScoredRow | None:
    """One row by its key; quick for a recorded row, a pass over the run for any other."""
    number = connection.scalar(sa.select(record.c.row).where(record.c.run_id == run_id, record.c.key == key))
    one = score.c.key == key if number is None else score.c.row == number
    row = connection.execute(SCORED.where(score.c.run_id == run_id, one)).one_or_none()
    return None if row is None else _scored_row(row)


def _scored_row(row: sa.Row[Any]) -> ScoredRow:
    kept = None
    if row.members is not None:
        kept = RecordRow(
            row=row.row,
            key=row.key,
            values=row.row_values,
            reasons=tuple(row.reasons),
            members=row.members,
            moved=row.moved,
        )
    return ScoredRow(
        row=row.row,
        key=row.key,
        score=row.score,
        level=row.level,
        flagged=row.flagged,
        rank=row.rank,
        probability=row.probability,
        record=kept,
    )


def scores_of(connection: Connection, run_id: int, rows: int) -> Scores:
    """Every row of a run in row order, read a block at a time."""
    columns = (score.c.key, score.c.score, score.c.level, score.c.flagged, score.c.rank, score.c.probability)
    keys: list[pl.Series] = []
    values, levels = np.empty(rows), np.empty(rows)
    flagged, rank = np.empty(rows, dtype=np.bool_), np.empty(rows, dtype=np.int64)
    probability = np.empty(rows)  # NaN where there is none: all rows of a run have one, or no row has
    for start in range(0, rows, BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, rows)
        query = sa.select(*columns).where(score.c.run_id == run_id, score.c.row >= start, score.c.row < stop)
        # The driver's own tuples: making a Row of each takes several times as long, and these need no conversion.
        found = connection.execute(query.order_by(score.c.row)).cursor.fetchall()
        parts = list(zip(*found, strict=True))
        keys.append(pl.Series("key", parts[0], dtype=pl.String))
        for target, part in zip((values, levels, flagged, rank, probability), parts[1:], strict=True):
            target[start:stop] = part
    return Scores(
        keys=pl.concat(keys),
        score=values,
        level=levels,
        flagged=flagged,
        rank=rank,
        probability=None if np.isnan(probability).any() else probability,
    )


def member_row(connection: Connection, run_id: int, row: int) -> dict[str, float]:
    """The surprise that each member gave one row, in the order of the panel; four bytes of each block are read."""
    block, offset = divmod(row, BLOCK_ROWS)
    query = (
        sa.select(run_member.c.name, sa.func.substr(score_block.c.data, 1 + 4 * offset, 4).label("one"))
        .join_from(score_block, run_member)
        .where(score_block.c.run_id == run_id, score_block.c.block == block)
        .order_by(score_block.c.position)
    )
    return {found.name: float(np.frombuffer(found.one, dtype=FLOAT32)[0]) for found in connection.execute(query)}


def member_column(connection: Connection, run_id: int, name: str) -> Floats:
    """The surprises that one member gave every row, float32, shape (rows,).

    Raises:
        UnknownNameError: The run has no such member, or it has no scores.
    """
    query = (
        sa.select(score_block.c.data)
        .join_from(score_block, run_member)
        .where(run_member.c.run_id == run_id, run_member.c.name == name)
        .order_by(score_block.c.block)
    )
    blocks = [np.frombuffer(data, dtype=FLOAT32) for data in connection.scalars(query)]
    if not blocks:
        members = connection.execute(
            sa.select(run_member.c.name, run_member.c.status)
            .where(run_member.c.run_id == run_id)
            .order_by(run_member.c.position)
        ).all()
        status = {row.name: row.status for row in members}.get(name)
        why = f"it is {status}" if status else f"there are {', '.join(row.name for row in members)}"
        raise UnknownNameError(f"no scores of a member {name!r} in this run: {why}")
    return np.concatenate(blocks).astype(np.float32, copy=False)
