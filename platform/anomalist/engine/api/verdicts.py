"""Verdicts as Python holds them: on one row, or on several in a mapping or a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from anomalist.data.keys import as_text
from anomalist.data.table import Table
from anomalist.data.words import cut, suggest
from anomalist.engine.feedback.fields import check_text
from anomalist.engine.feedback.verdicts import verdict_from
from anomalist.errors import DataError, UsageError
from anomalist.store.rows import NewFeedback

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from anomalist.engine.review.questions import Question
    from anomalist.store.rows import RunRow, Verdict

__all__ = ["Saying", "Sayings", "sayings_of"]

Sayings: TypeAlias = "Mapping[Any, Any] | pl.DataFrame | pd.DataFrame"
"""Verdicts by key, or a frame with the columns `key` and `verdict`, and maybe `cause` and `note`."""

_TEXTS = ("cause", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What is said of one row."""

    key: str
    verdict: Verdict
    cause: str | None = None
    note: str | None = None

    def entry(
        self, run: RunRow, values: Mapping[str, Any], *, analyst: str, question: Question | None = None
    ) -> NewFeedback:
        """What goes into the log.

        Args:
            run: The run that showed the row.
            values: The row itself.
            analyst: Who says it.
            question: How the row came to be asked about; by default somebody looked it up.

        Raises:
            UsageError: The cause or the note holds control characters.
        """
        return NewFeedback(
            fingerprint=run.dataset.fingerprint,
            key=self.key,
            verdict=self.verdict,
            analyst=analyst,
            values=values,
            cause=check_text("cause", self.cause),
            note=check_text("note", self.note),
            asked="search" if question is None else question.asked,
            probability=None if question is None else question.chance,
            run=run.id,
        )


def sayings_of(
    rows: Any, verdict: str | bool | None, table: Table, *, cause: str | None = None, note: str | None = None
) -> list[Saying]:
    """What is said of rows of a table.

    In a frame the rows are named by `key`, or by the key column of the table where there is no `key`; a row without a
    verdict says nothing. Its columns `cause` and `note` belong to the verdict, unless the table has such a column.

    Args:
        rows: A key, or with no verdict a mapping or a frame of them.
        verdict: What is said of the row with that key.
        table: The table.
        cause: Of all that have none of their own.
        note: Likewise.

    Raises:
        UsageError: A word is no verdict, a key comes twice, or nothing is said.
        DataError: It is no frame, a column is missing, or a key is missing or comes twice.
    """
    several = isinstance(rows, Mapping) or hasattr(rows, "columns")
    if several and verdict is not None:
        raise UsageError("a mapping or a frame brings its verdicts: leave the other one out")
    if verdict is not None:
        return [Saying(key=str(rows), verdict=verdict_from(str(verdict)), cause=cause, note=note)]
    if isinstance(rows, str):
        raise UsageError(f"say what row {cut(rows)} is, such as judge({rows!r}, 'anomaly')")
    said = _of_mapping(rows, cause, note) if isinstance(rows, Mapping) else _of_frame(rows, table, cause, note)
    if not said:
        raise UsageError("there is no verdict in what was given")
    return said


def _of_mapping(rows: Mapping[Any, Any], cause: str | None, note: str | None) -> list[Saying]:
    said: dict[str, Saying] = {}
    for name, word in rows.items():
        key = str(name)
        if key in said:
            raise UsageError(f"key {cut(key)} comes twice: say one thing of each row")
        said[key] = Saying(key=key, verdict=_verdict(key, str(word)), cause=cause, note=note)
    return list(said.values())


def _of_frame(rows: pl.DataFrame | pd.DataFrame, table: Table, cause: str | None, note: str | None) -> list[Saying]:
    columns = [str(name) for name in getattr(rows, "columns", ())]
    key = table.key if "key" not in columns and table.key in columns else "key"
    given = Table.from_frame(rows, source="verdicts", key=key, ignore=[name for name in columns if name != key])
    if "verdict" not in columns:
        raise DataError(f"verdicts: there is no column 'verdict'{suggest('verdict', columns)}")
    nothing: list[str | None] = [None] * len(given)
    words, causes, notes = (
        as_text(given.frame.get_column(name)).to_list()
        if name in columns and not (name in _TEXTS and name in table.frame.columns)
        else nothing
        for name in ("verdict", *_TEXTS)
    )
    return [
        Saying(key=name, verdict=_verdict(name, word), cause=causes[row] or cause, note=notes[row] or note)
        for row, (name, word) in enumerate(zip(given.keys.to_list(), words, strict=True))
        if word is not None
    ]


def _verdict(key: str, word: str) -> Verdict:
    try:
        return verdict_from(word)
    except UsageError as error:
        raise UsageError(f"row {cut(key)}: {error}") from None
