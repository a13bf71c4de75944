"""What the Python interface shows as frames: questions, the log of verdicts, and drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from anomalist.engine.feedback.exports import feedback_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.engine.feedback.log import Entry
    from anomalist.engine.monitoring.drift import ColumnDrift
    from anomalist.engine.review.questions import Question
    from anomalist.engine.runs.result import Finding

__all__ = ["columns_frame", "log_frame", "questions_frame", "why"]

_QUESTION: Mapping[str, pl.DataType] = {
    "key": pl.String(),
    "row": pl.UInt32(),
    "rank": pl.Int64(),
    "score": pl.Float64(),
    "probability": pl.Float64(),
    "asked": pl.String(),
    "chance": pl.Float64(),
    "why": pl.String(),
}
_COLUMN: Mapping[str, pl.DataType] = {
    "column": pl.String(),
    "role": pl.String(),
    "moved": pl.Boolean(),
    "psi": pl.Float64(),
    "ks": pl.Float64(),
    "p": pl.Float64(),
    "changed": pl.String(),
    "missing_before": pl.Float64(),
    "missing_now": pl.Float64(),
    "new_share": pl.Float64(),
    "new_levels": pl.List(pl.String()),
    "why": pl.List(pl.String()),
}


def why(finding: Finding) -> str:
    """The reasons of a row in one text."""
    return "; ".join(str(reason) for reason in finding.reasons)


def questions_frame(questions: Sequence[Question]) -> pl.DataFrame:
    """One row a question: the row, its place and its score, and how it came to be asked."""
    rows = [
        (
            question.finding.key,
            question.finding.row,
            question.rank,
            question.finding.score,
            question.probability,
            question.asked,
            question.chance,
            why(question.finding),
        )
        for question in questions
    ]
    return pl.DataFrame(rows, schema=_QUESTION, orient="row")


def log_frame(log: Sequence[Entry]) -> pl.DataFrame:
    """One row an entry of the log, with its number and what has become of it."""
    told = feedback_frame([entry.row for entry in log]).drop("run", "source", "dataset", "token")
    numbers = pl.Series("entry", [entry.row.id for entry in log], dtype=pl.Int64)
    states = pl.Series("state", [entry.state for entry in log], dtype=pl.String)
    return told.insert_column(0, numbers).insert_column(3, states)


def columns_frame(columns: Sequence[ColumnDrift]) -> pl.DataFrame:
    """One row a column of the data, with what has become of it."""
    found = [column.to_dict() for column in columns]
    return pl.DataFrame({name: [one[name] for one in found] for name in _COLUMN}, schema=_COLUMN)
