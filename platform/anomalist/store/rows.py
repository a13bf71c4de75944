"""What goes into the store and what comes out of it, as plain frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from anomalist.store.feedback_rows import ASKED, VERDICTS, Asked, FeedbackRow, NewFeedback, Verdict

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from anomalist.detector import Bools, Floats, Ints

__all__ = [
    "ASKED",
    "VERDICTS",
    "Asked",
    "DatasetRow",
    "FeedbackRow",
    "Json",
    "Kind",
    "MemberRow",
    "MemberStatus",
    "ModelRow",
    "NewFeedback",
    "NewModel",
    "Promotion",
    "PromotionHow",
    "RecordRow",
    "RunRow",
    "RunStatus",
    "ScoredRow",
    "Scores",
    "ThresholdRow",
    "Verdict",
]

Kind: TypeAlias = Literal["fit", "score", "evaluate", "retrain"]

RunStatus: TypeAlias = Literal["running", "done", "partial", "failed", "cancelled", "crashed"]
"""`crashed` is never stored: it is what a running run is shown as when its process is gone."""

MemberStatus: TypeAlias = Literal["done", "failed", "timed_out", "skipped"]

PromotionHow: TypeAlias = Literal["first", "better", "asked", "rollback"]
"""Why a version became the champion: nothing was before it, a comparison, somebody's word, or the way back."""

Json: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRow:
    """The rows that a run worked on; two runs over the same fingerprint share one.

    Attributes:
        fingerprint: sha256 hex of the content.
        source: How the user named it in this run.
        rows: How many rows.
        columns: The names of the source columns.
    """

    fingerprint: str
    source: str
    rows: int
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """What one detector of the panel did in a run.

    Attributes:
        name: Unique in the run; the detector's name, or with a suffix where it takes part twice.
        detector: The name in the registry.
        package: The distribution that brought it.
        params: Its parameters, plain values.
        status: Only the members that are `done` have scores.
        seconds: Wall time of fitting and scoring.
        error: One line, for a member that is not `done`.
        notes: One-line notices.
    """

    name: str
    detector: str
    package: str
    params: Json
    status: MemberStatus
    seconds: float
    error: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdRow:
    """The policy in force in a run; rows that score `value` or more are flagged, and none where it is None."""

    policy: str
    settings: Json
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """The consensus of every row of a run, in row order.

    Attributes:
        keys: Strings, unique, no nulls.
        score: float64, shape (rows,), finite.
        level: float64, shape (rows,), 0 to 1.
        flagged: bool, shape (rows,); the flagged rows are those of the first ranks.
        rank: int, shape (rows,), a permutation of 1 to rows, 1 the most anomalous; None ranks by descending score, the
            earlier row first among equals.
        probability: float64, shape (rows,), 0 to 1: how likely an analyst would call the row an anomaly; None where
            the model has learned from no verdict.
    """

    keys: pl.Series
    score: Floats
    level: Floats
    flagged: Bools
    rank: Ints | None = None
    probability: Floats | None = None

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """What is kept of a flagged or top row, to show and explain it without its file.

    Attributes:
        row: The row number in the run.
        key: The row key.
        values: Source column to plain value.
        reasons: One mapping a reason, the strongest first.
        members: Member name to level, 0 to 1.
        moved: What verdicts changed, plain values; None where nothing was learned from any.
    """

    row: int
    key: str
    values: Json
    reasons: tuple[Json, ...]
    members: Mapping[str, float]
    moved: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRow:
    """One row of a run with its consensus; `record` is there for the rows that have one."""

    row: int
    key: str
    score: float
    level: float
    flagged: bool
    rank: int
    probability: float | None = None
    record: RecordRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewModel:
    """A model to be registered by the run that made it; the store gives it the next version of its name.

    Attributes:
        name: What users call it.
        hash: The name of its folder of files.
        details: Plain values worth listing: detectors, columns, combiner.
        aliases: Names that point at it from now on, for example `champion`.
        how: Why it is the champion, where `champion` is among the aliases.
    """

    name: str
    hash: str
    details: Json = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    how: PromotionHow = "first"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """A registered model: immutable, but for the aliases that point at it."""

    name: str
    version: int
    hash: str
    details: Json
    aliases: tuple[str, ...]
    run: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """One time that a version became the champion of its name.

    Attributes:
        name: The model.
        version: What became the champion.
        replaced: The version that was it before; None where there was none.
        how: Why.
        run: The id of the run that promoted it; None where somebody did.
        created_at: UTC.
    """

    name: str
    version: int
    replaced: int | None
    how: PromotionHow
    run: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One execution.

    Attributes:
        id: Six letters and digits.
        kind: What it was for.
        status: With `crashed` told apart from `running`.
        dataset: What it worked on.
        model: Name and version of the model that it made or used.
        params: What it was asked to do.
        seed: The seed of all its randomness.
        flagged: How many rows were flagged; None before it committed scores.
        results: Plain values that it found out, for example measures of quality.
        notes: One-line notices.
        error: One line, for a run that failed or was cancelled.
        started_at: UTC.
        finished_at: UTC; None while it runs, and for one that crashed.
    """

    id: str
    kind: Kind
    status: RunStatus
    dataset: DatasetRow
    model: tuple[str, int] | None
    params: Json
    seed: int
    flagged: int | None
    results: Json | None
    notes: tuple[str, ...]
    error: str | None
    started_at: datetime
    finished_at: datetime | None

    @property
    def seconds(self) -> float | None:
        """Wall time from start to end."""
        return None if self.finished_at is None else (self.finished_at - self.started_at).total_seconds()
