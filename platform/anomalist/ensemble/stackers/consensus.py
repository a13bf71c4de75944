"""Consensus: the stacker that does not learn, to compare the others with, or to switch learning off."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from anomalist.ensemble.stack import log_odds_at_rate

if TYPE_CHECKING:
    from anomalist.detector import Floats, State
    from anomalist.ensemble.stack import Evidence, Lesson

__all__ = ["Consensus"]


@dataclass(slots=True)
class Consensus:
    """Ranks rows as the consensus does: a row one bit more surprising has twice the odds."""

    _offset: float = field(default=0.0, init=False, repr=False)

    def fit(self, lesson: Lesson, /) -> Self:
        """Learn nothing of the verdicts; only the expected share of anomalies sets the level."""
        self._offset = log_odds_at_rate(math.log(2.0) * lesson.background.consensus, lesson.rate)
        return self

    def log_odds(self, rows: Evidence, /) -> Floats:
        """Log-odds, shape (rows,)."""
        found: Floats = self._offset + math.log(2.0) * rows.consensus
        return found

    def state(self) -> State:
        """Plain values that `restore` needs."""
        return {"offset": self._offset}

    def restore(self, state: State, /) -> Self:
        """Become the stacker that `state` was taken from."""
        self._offset = float(state["offset"])
        return self
