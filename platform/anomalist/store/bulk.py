"""Writing the scores of a run: checked first, then loaded through the driver's own bulk call, a block at a time."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import sqlalchemy as sa

from anomalist.errors import DataError
from anomalist.store.tables import BLOCK_ROWS, record, score, score_block

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.engine import Connection

    from anomalist.detector import Floats, Ints
    from anomalist.store.rows import RecordRow, Scores

__all__ = ["add_blocks", "add_records", "add_scores", "analyze", "check_scores", "check_surprises"]

COLUMNS = ("run_id", "row", "key", "score", "level", "flagged", "rank", "probability")


def check_scores(scores: Scores) -> Ints:
    """Refuse scores that must not reach the database, and return the rank of each row.

    Raises:
        DataError: A shape is wrong, a number is not finite or out of its range, a key is missing, double or holds
            NUL, the ranks are not a permutation, or the flagged rows are not those of the first ranks.
    """
    keys, rows = scores.keys, len(scores)
    if rows == 0:
        raise DataError("there are no scores to store: a run needs at least one row")
    if keys.dtype != pl.String or keys.null_count() or keys.n_unique() != rows:
        raise DataError(f"keys must be {rows} different texts without a null, got {keys.n_unique()} of {keys.dtype}")
    if keys.str.contains("\x00", literal=True).any():
        raise DataError("a key holds the character NUL, which cannot be stored: remove it")
    numbers = {"score": scores.score, "level": scores.level}
    if scores.probability is not None:
        numbers["probability"] = scores.probability
    for name, array in {**numbers, "flagged": scores.flagged}.items():
        if array.shape != (rows,):
            raise DataError(f"{name} has shape {array.shape}, expected ({rows},)")
    if scores.flagged.dtype != np.bool_:
        raise DataError(f"flagged must be true or false, got {scores.flagged.dtype}")
    for name, values in numbers.items():
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise DataError(f"{name} of row {row} ({keys[row]}) is {values[row]}: only finite numbers are stored")
        if name != "score" and (values.min() < 0 or values.max() > 1):
            raise DataError(f"{name} must be 0 to 1, got {values.min()} to {values.max()}")
    rank = scores.rank if scores.rank is not None else _ranks(scores.score)
    if rank.shape != (rows,) or rank.min() != 1 or rank.max() != rows or np.bincount(rank).max() != 1:
        raise DataError(f"rank must hold each of 1 to {rows} once")
    flagged = int(scores.flagged.sum())
    if flagged and int(rank[scores.flagged].max()) != flagged:
        raise DataError("the flagged rows must be those of the first ranks")
    return rank


def _ranks(score_values: Floats) -> Ints:
    rank = np.empty(len(score_values), dtype=np.int64)
    rank[np.argsort(-score_values, kind="stable")] = np.arange(1, len(score_values) + 1)
    return rank


def check_surprises(surprises: Floats, rows: int, names: Sequence[str]) -> None:
    """Refuse member scores of the wrong shape or that float32 cannot hold.

    Raises:
        DataError: As said; the message names the member and the row.
    """
    if surprises.shape != (rows, len(names)):
        raise DataError(f"surprises have shape {surprises.shape}, expected ({rows}, {len(names)}): {', '.join(names)}")
    limit = np.finfo(np.float32).max
    for start in range(0, rows, BLOCK_ROWS):
        part = surprises[start : start + BLOCK_ROWS]
        good = np.abs(part) <= limit  # false for NaN too
        if not good.all():
            row, column = (int(index[0]) for index in np.nonzero(~good))
            raise DataError(
                f"{names[column]} gave row {start + row} {part[row, column]}: only finite numbers are stored"
            )


def add_scores(connection: Connection, run_id: int, scores: Scores, rank: Ints) -> None:
    """Load one row a scored row, in row order, so that the primary key grows at its end."""
    with_rows = _tuples(run_id, scores, rank)
    cursor: Any = connection.connection.cursor()  # the driver's own: its bulk calls are not those of every driver
    try:
        if connection.dialect.name == "sqlite":
            marks = ", ".join("?" * len(COLUMNS))
            cursor.executemany(f"INSERT INTO {score.name} ({', '.join(COLUMNS)}) VALUES ({marks})", with_rows)  # noqa: S608 - constants
        else:
            with cursor.copy(f"COPY {score.name} ({', '.join(COLUMNS)}) FROM STDIN") as sink:
                for row in with_rows:
                    sink.write_row(row)
    finally:
        cursor.close()


def _tuples(run_id: int, scores: Scores, rank: Ints) -> Iterator[tuple[Any, ...]]:
    """The rows of `score` as plain Python values, made a block at a time."""
    for start in range(0, len(scores), BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, len(scores))
        yield from zip(
            repeat(run_id),
            range(start, stop),
            scores.keys[start:stop].to_list(),
            scores.score[start:stop].tolist(),
            scores.level[start:stop].tolist(),
            scores.flagged[start:stop].tolist(),
            rank[start:stop].tolist(),
            repeat(None) if scores.probability is None else scores.probability[start:stop].tolist(),
            strict=False,  # what repeats never ends
        )


def add_blocks(connection: Connection, run_id: int, surprises: Floats, positions: Sequence[int]) -> None:
    """Add the member scores, one float32 little-endian block a member and 65,536 rows."""
    for block, start in enumerate(range(0, len(surprises), BLOCK_ROWS)):
        part = surprises[start : start + BLOCK_ROWS]
        connection.execute(
            sa.insert(score_block),
            [
                {
                    "run_id": run_id,
                    "position": position,
                    "block": block,
                    "data": part[:, column].astype("<f4").tobytes(),
                }
                for column, position in enumerate(positions)
            ],
        )


def add_records(connection: Connection, run_id: int, records: Iterable[RecordRow], scores: Scores) -> None:
    """Add what is kept of the flagged and top rows, some hundreds at a time.

    Raises:
        DataError: A record is of a row that was not scored or has another key.
    """
    batch: list[dict[str, Any]] = []
    for kept in records:
        if not 0 <= kept.row < len(scores) or scores.keys[kept.row] != kept.key:
            raise DataError(f"the record of row {kept.row} ({kept.key}) is not of a row that was scored")
        batch.append(
            {
                "run_id": run_id,
                "row": kept.row,
                "key": kept.key,
                "row_values": kept.values,
                "reasons": kept.reasons,
                "members": kept.members,
                "moved": kept.moved,
            }
        )
        if len(batch) == 500:
            connection.execute(sa.insert(record), batch)
            batch = []
    if batch:
        connection.execute(sa.insert(record), batch)


def analyze(connection: Connection) -> None:
    """Let the query planner look at what was loaded; on SQLite at a sample, which is enough to choose an index."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA analysis_limit = 1000")
    connection.exec_driver_sql("ANALYZE score")
    connection.exec_driver_sql("ANALYZE score_block")
