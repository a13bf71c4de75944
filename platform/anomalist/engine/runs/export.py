"""Export: all scores of a run to a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import polars as pl

from anomalist.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.engine.runs.result import RunResult

__all__ = ["ENDINGS", "check_out", "scores_frame", "write_frame", "write_scores"]

ENDINGS = (".csv", ".parquet", ".jsonl", ".ndjson")


def scores_frame(result: RunResult) -> pl.DataFrame:
    """One row a row: key, score in bits, level, flagged, and the surprise in bits that each member gave it.

    Where something was learned from verdicts, the probability of an anomaly comes before the members. Rows in order
    have their entity and their time after the key, under the names of these columns.
    """
    scores, table = result.scores, result.table
    place = [column for column in (table.entity, table.time) if column is not None]
    columns = {
        "key": table.keys,
        **{column: table.frame.get_column(column) for column in place},
        "score": scores.score,
        "level": scores.level,
        "flagged": scores.flagged,
        **({} if scores.probability is None else {"probability": scores.probability}),
        **{name: scores.surprises[:, i] for i, name in enumerate(scores.members)},
    }
    return pl.DataFrame(columns)


def check_out(path: Path | None) -> None:
    """Refuse a file that `write_scores` could not write, before a run is made for it; None is no file.

    Raises:
        UsageError: It ends in none of `ENDINGS`, or its folder is not there or cannot be written to.
    """
    if path is None:
        return
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"--out {path}: the ending must be one of {', '.join(ENDINGS)}")
    if not path.parent.is_dir():
        raise UsageError(f"--out {path}: there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"--out {path}: it may not be written; name another file")


def write_scores(result: RunResult, path: Path) -> None:
    """Write the scores of a run to a CSV, Parquet or JSON Lines file, by its ending; an existing file is replaced.

    Raises:
        UsageError: The ending says no known format, or the file cannot be written.
    """
    check_out(path)
    try:
        write_frame(scores_frame(result), path)
    except UsageError as error:
        raise UsageError(f"{error}; run {result.row.id} is stored all the same") from None


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame to a CSV, Parquet or JSON Lines file, by its ending; an existing file is replaced.

    Raises:
        UsageError: The ending says no known format, or the file cannot be written.
    """
    check_out(path)
    try:
        if path.suffix.lower() == ".csv":
            frame.write_csv(path)
        elif path.suffix.lower() == ".parquet":
            frame.write_parquet(path)
        else:
            frame.write_ndjson(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"--out {path}: cannot be written ({why})") from None
