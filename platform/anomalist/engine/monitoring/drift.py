"""Drift: what has become of each column and of the scores since a model was fitted, and what to make of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anomalist.data.words import counted

if TYPE_CHECKING:
    from anomalist.engine.monitoring.precision import Precision

__all__ = ["FEWEST_ROWS", "ColumnDrift", "Drift", "ScoreDrift"]

FEWEST_ROWS = 30
"""Fewer rows than this, now or in training, are not judged."""

_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """What has become of one source column.

    Attributes:
        column: Its name.
        role: Its role.
        psi: The population stability index of its values, the largest where several things are compared.
        ks: The largest distance between the distribution functions, of numbers.
        p: The least chance of its tests after their correction; None where too little is known to tell.
        changed: What changed most, for people.
        missing_before: The share of missing values in training.
        missing_now: The share now.
        new_share: The share of the values that are levels never seen in training; None for what has no levels.
        new_levels: The most frequent of them.
        why: In which ways it has moved, for people; empty where it has not.
    """

    column: str
    role: str
    psi: float | None
    ks: float | None
    p: float | None
    changed: str
    missing_before: float
    missing_now: float
    new_share: float | None
    new_levels: tuple[str, ...]
    why: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {name: getattr(self, name) for name in self.__slots__} | {"moved": bool(self.why)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreDrift:
    """What has become of the scores.

    Attributes:
        psi: The population stability index of the scores.
        ks: The largest distance between their distribution functions.
        p: The least chance of their tests after their correction; None where too little is known to tell.
        changed: What changed, for people.
        judged: Whether the distribution of the scores is judged: the model has seen enough rows for its number of
            columns. The share of flagged rows is judged always.
        flagged_before: The share of the training rows that was flagged: what is expected.
        flagged_now: The share now.
        why: In which ways they have moved, for people; empty where they have not.
    """

    psi: float | None
    ks: float | None
    p: float | None
    changed: str
    judged: bool
    flagged_before: float
    flagged_now: float
    why: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {name: getattr(self, name) for name in self.__slots__} | {"moved": bool(self.why)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far rows are from those that a model was fitted on.

    Attributes:
        rows: How many rows were looked at.
        rows_before: How many the model was fitted on.
        columns: One for each source column that the model uses, in source order.
        scores: Their scores.
        precision: What the verdicts say of the rows that this model flagged; None where there are none.
    """

    rows: int
    rows_before: int
    columns: tuple[ColumnDrift, ...]
    scores: ScoreDrift
    precision: Precision | None = None

    @property
    def found(self) -> bool:
        """Whether anything has moved."""
        return bool(self.moved or self.scores.why)

    @property
    def moved(self) -> tuple[ColumnDrift, ...]:
        """The columns that have moved, the furthest first."""
        moved = [column for column in self.columns if column.why]
        return tuple(sorted(moved, key=lambda column: -(column.psi or 0.0)))

    @property
    def verdict(self) -> str:
        """What to make of it, in one line that begins with `drift`, `no drift` or `cannot tell`."""
        if self.rows < FEWEST_ROWS:
            return f"cannot tell: at least {FEWEST_ROWS} rows are needed, got {self.rows}"
        if self.rows_before < FEWEST_ROWS:
            return (
                f"cannot tell: the model was fitted on {self.rows_before} rows, and at least {FEWEST_ROWS} are needed"
            )
        untold = sum(column.p is None for column in self.columns)
        if untold == len(self.columns) and self.scores.p is None:
            return "cannot tell: neighbouring rows are so alike that all together tell little more than a few"
        moved = self.moved
        said = [f"{column.column} {', '.join(column.why)}" for column in moved[:_NAMED]]
        said += [f"and {len(moved) - _NAMED} more"] if len(moved) > _NAMED else []
        parts = [f"{len(moved)} of {counted(len(self.columns), 'column')} moved ({'; '.join(said)})"] if moved else []
        parts += [f"scores moved ({', '.join(self.scores.why)})"] if self.scores.why else []
        if parts:
            return f"drift: {', and '.join(parts)}"
        judged = counted(len(self.columns) - untold, "column")
        rest = f"; {untold} could not be judged, too few of their rows are independent" if untold else ""
        return f"no drift: none of {judged} moved, {_flagged(self.scores)}{rest}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "found": self.found,
            "verdict": self.verdict,
            "rows": self.rows,
            "rows_before": self.rows_before,
            "columns": [column.to_dict() for column in self.columns],
            "scores": self.scores.to_dict(),
            "precision": None if self.precision is None else self.precision.to_dict(),
        }


def _flagged(scores: ScoreDrift) -> str:
    return f"{scores.flagged_now:.1%} of the rows are flagged ({scores.flagged_before:.1%} were in training)"
