"""Verdicts as plain frozen data; `anomalist.store.rows` shows them with all the other rows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from datetime import datetime

    from anomalist.store.rows import Json

__all__ = ["ASKED", "VERDICTS", "Asked", "FeedbackRow", "NewFeedback", "Verdict"]

Verdict: TypeAlias = Literal["anomaly", "expected", "false_alarm", "new_normal", "unsure"]
"""What an analyst may say of a row; `expected` is anomalous, but known and fine."""

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

Asked: TypeAlias = Literal["top", "uncertain", "random", "search"]
"""How a row came before an analyst: ranked high, doubtful, drawn at random, or looked up by the analyst."""

ASKED: tuple[Asked, ...] = get_args(Asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFeedback:
    """What an analyst says of a row; it supersedes what the same analyst said of that row before.

    Attributes:
        fingerprint: That of a dataset which the store has.
        key: The row key.
        verdict: None takes back the verdict of this analyst on this row that stands.
        analyst: Who says it.
        values: Source column to plain value: the row as it was judged.
        cause: What was behind the anomaly, in a word or two.
        note: Free text.
        asked: How the row came before the analyst; None where nobody was asked, as with an import.
        probability: With which it was chosen among the rows that could have been asked about, above 0 and up to 1.
        run: The id of the run whose row was judged.
        token: Names this one saying of it: storing it again under the same token changes nothing.
    """

    fingerprint: str
    key: str
    verdict: Verdict | None
    analyst: str
    values: Json
    cause: str | None = None
    note: str | None = None
    asked: Asked | None = None
    probability: float | None = None
    run: str | None = None
    token: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackRow:
    """One entry of the log of verdicts, which only ever grows.

    Attributes:
        id: Grows with every entry of the store, in the order in which they became visible.
        source: How the user first named the dataset.
        supersedes: The id of the entry of the same analyst on the same row that ceased to stand with this one.
        created_at: UTC.

    The others are as in `NewFeedback`.
    """

    id: int
    fingerprint: str
    source: str
    key: str
    verdict: Verdict | None
    cause: str | None
    note: str | None
    analyst: str
    asked: Asked | None
    probability: float | None
    run: str | None
    values: Json
    supersedes: int | None
    token: str
    created_at: datetime
