"""StackerBench: rows, an analyst who calls some of them anomalies, and the stacker that learns from that."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np

from anomalist.ensemble.stack import Evidence, Lesson, Stacker
from anomalist.testing.bench import Bench
from anomalist.testing.promise import Failure, NotApplicable, told

if TYPE_CHECKING:
    from anomalist.detector import Bools, Floats

__all__ = ["COLUMNS", "MEMBERS", "ROUNDING", "StackerBench", "made_up", "same_answers"]

MEMBERS = 4
COLUMNS = 5
ROUNDING = 1e-6
_ROWS = 400
_FRESH = 100


class StackerBench(Bench):
    """The stacker that is checked, rows, and an analyst who calls some of them anomalies."""

    @cached_property
    def rows(self) -> Evidence:
        """Four hundred rows; a tenth is odd in column 0, and member 0 cries at it."""
        return made_up(_ROWS, seed=0)[0]

    @cached_property
    def fresh(self) -> Evidence:
        """A hundred rows that nobody has judged."""
        return made_up(_FRESH, seed=1)[0]

    def lesson(self, count: int = 40, *, only: int | None = None) -> Lesson:
        """What an analyst says of the rows that are asked for first."""
        labels = made_up(_ROWS, seed=0)[1]
        asked = np.random.default_rng(2).permutation(np.flatnonzero((labels == only) | (only is None)))[:count]
        if only is None and count:
            asked[: count // 2] = np.flatnonzero(labels)[: count // 2]  # both kinds are among them
            asked = np.unique(asked)
        return Lesson(
            judged=self.rows.take(asked), labels=labels[asked].astype(np.float64), background=self.rows, rate=0.05
        )

    def build(self) -> Stacker:
        """A new one, with the parameters that were given."""
        return cast("Stacker", self.new(self.subject.params))

    @cached_property
    def fitted(self) -> Stacker:
        """One that has learned forty verdicts, to be looked at and never changed.

        Raises:
            NotApplicable: It cannot learn, which a check of its own says.
        """
        try:
            stacker = self.build()
            stacker.fit(self.lesson())
            found = self.odds(stacker)
        except NotApplicable:
            raise
        except (Exception, SystemExit) as error:
            raise NotApplicable(f"it cannot learn ordinary verdicts: {told(error)}") from error
        if found.shape != (len(self.fresh),) or not np.isfinite(found).all():
            raise NotApplicable("it does not give one finite number a row, which another check says")
        return stacker

    def odds(self, stacker: Stacker, rows: Evidence | None = None) -> Floats:
        """The log-odds that it gives rows nobody has judged."""
        return np.asarray(stacker.log_odds(self.fresh if rows is None else rows), dtype=np.float64)

    def work(self) -> None:
        """Learn and answer, as a run does."""
        self.odds(self.build().fit(self.lesson()))


def made_up(count: int, *, seed: int) -> tuple[Evidence, Bools]:
    """Rows, and which of them are anomalies."""
    rng = np.random.default_rng(seed)
    odd = rng.random(count) < 0.1
    columns = rng.normal(size=(count, COLUMNS)).astype(np.float32)
    columns[odd, 0] += 3.0
    surprises = rng.exponential(1.0, size=(count, MEMBERS))
    surprises[odd, 0] += 3.0
    return Evidence(consensus=surprises.mean(axis=1), surprises=surprises, columns=columns), odd


def same_answers(found: Floats, expected: Floats, what: str) -> None:
    """Refuse answers that differ by more than rounding.

    Raises:
        Failure: They differ.
    """
    apart = np.abs(found - expected)
    if not (apart <= ROUNDING * np.maximum(1.0, np.abs(expected))).all():
        raise Failure(
            expected=what,
            got=f"{np.mean(apart > 0):.0%} of the answers differ, by up to {np.max(apart):.3g}",
            mend="learn from nothing but the lesson, draw from default_rng(lesson.seed), and save all that is learned",
        )
