"""Export: the verdicts that stand, as a table or a file that `imports` reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from anomalist.engine.runs.export import write_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from anomalist.store.rows import FeedbackRow

__all__ = ["export_feedback", "feedback_frame"]

_FIELDS = {
    **{name: name for name in ("key", "verdict", "analyst", "cause", "note", "asked", "probability")},
    "time": "created_at",
    "run": "run",
    "source": "source",
    "dataset": "fingerprint",
    "token": "token",
}
"""The columns of a file, each with the field of an entry that it holds."""

_NO_TEXT: Mapping[str, pl.DataType] = {"probability": pl.Float64(), "time": pl.Datetime("us", "UTC")}


def feedback_frame(rows: Sequence[FeedbackRow]) -> pl.DataFrame:
    """One row an entry: who said what of which row and when, which data it is of, and the token that it is known by."""
    columns = {name: [getattr(row, field) for row in rows] for name, field in _FIELDS.items()}
    return pl.DataFrame(columns, schema={name: _NO_TEXT.get(name, pl.String()) for name in _FIELDS})


def export_feedback(rows: Sequence[FeedbackRow], path: Path) -> None:
    """Write entries to a CSV, Parquet or JSON Lines file, by its ending; an existing file is replaced.

    Raises:
        UsageError: The ending says no known format, or the file cannot be written.
    """
    write_frame(feedback_frame(rows), path)
