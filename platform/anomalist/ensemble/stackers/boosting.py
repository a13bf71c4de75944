"""Boosting: small trees on the columns and on what the members said, added to the consensus one after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.special import expit
from sklearn.tree import DecisionTreeRegressor

from anomalist.detector import check_deadline, check_parameter
from anomalist.ensemble.stackers.consensus import Consensus
from anomalist.ensemble.stackers.trees import Trees
from anomalist.errors import NotFittedError

if TYPE_CHECKING:
    from anomalist.detector import Floats, State
    from anomalist.ensemble.stack import Evidence, Lesson

__all__ = ["Boosting"]

_FEWEST = 5  # verdicts; of fewer a tree learns a row by heart
_STEEPEST = 4.0  # the residual of one row, in nats, at most (Friedman, Hastie & Tibshirani 2000, section 5)
_LEAST_DOUBT = 1e-6


@dataclass(kw_only=True, eq=False)
class Boosting:
    """Gradient boosting of the encoded columns and the members' surprises, as in the second stage of XGBOD.

    Each tree is fitted to what is left to explain of the verdicts and adds its shrunken leaves to the log-odds,
    Newton's way with a penalty on the leaves (Friedman 2001; Chen & Guestrin 2016); that columns and scores of
    detectors go in side by side is XGBOD's (Zhao & Hryniewicki 2018). Unlike there the trees begin at the consensus and
    not at nothing, and learn from judged rows alone: rows as they come, counted as weakly normal, did not help once the
    consensus is where it starts. With fewer than five verdicts, or of one kind only, it *is* the consensus. The
    log-odds move in steps: rows that fall into the same leaves everywhere stay as far apart as in the consensus.

    Attributes:
        trees: How many.
        depth: The most cuts on one path.
        rate: By how much the leaves of each tree are shrunk, above 0 and at most 1.
        penalty: Draws the leaves towards 0: as many rows in full doubt as would hold a leaf to a half, in nats.
        columns: The share of columns and members that a cut chooses from, above 0 and at most 1.
    """

    trees: int = 100
    depth: int = 3
    rate: float = 0.1
    penalty: float = 1.0
    columns: float = 0.3

    _base: Consensus = field(default_factory=Consensus, init=False, repr=False)
    _trees: Trees | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        check_parameter(isinstance(self.trees, int) and self.trees >= 1, "trees", self.trees, "a whole number above 0")
        check_parameter(
            isinstance(self.depth, int) and 1 <= self.depth <= 8, "depth", self.depth, "a whole number from 1 to 8"
        )
        check_parameter(0 < self.rate <= 1, "rate", self.rate, "above 0 and at most 1")
        check_parameter(math.isfinite(self.penalty) and self.penalty > 0, "penalty", self.penalty, "a number above 0")
        check_parameter(0 < self.columns <= 1, "columns", self.columns, "above 0 and at most 1")

    def fit(self, lesson: Lesson, /) -> Self:
        """Grow the trees on the judged rows."""
        self._base.fit(lesson)
        self._trees = Trees.none()
        if lesson.labels.size < _FEWEST or lesson.labels.min() == lesson.labels.max():
            return self
        rng = np.random.default_rng(lesson.seed)
        seen, odds = _seen(lesson.judged), self._base.log_odds(lesson.judged)
        grown = []
        for _ in range(self.trees):
            check_deadline()
            p = expit(odds)
            doubt, missing = np.maximum(p * (1.0 - p), _LEAST_DOUBT), lesson.labels - p
            tree = DecisionTreeRegressor(
                max_depth=self.depth, max_features=self.columns, random_state=int(rng.integers(2**31))
            )
            tree.fit(seen, np.clip(missing / doubt, -_STEEPEST, _STEEPEST), sample_weight=doubt)
            nodes = tree.decision_path(seen)
            values = self.rate * (missing @ nodes) / (doubt @ nodes + self.penalty)
            odds = odds + values[tree.apply(seen)]
            grown.append((tree.tree_, values))
        self._trees = Trees.of(grown)
        return self

    def log_odds(self, rows: Evidence, /) -> Floats:
        """Log-odds, shape (rows,).

        Raises:
            NotFittedError: Neither `fit` nor `restore` has been called.
        """
        found: Floats = self._base.log_odds(rows) + self._fitted().sums(_seen(rows))
        return found

    def moved(self, rows: Evidence, /) -> tuple[Floats, Floats]:
        """Nats that each member, shape (rows, members), and each column, shape (rows, columns), moved it by.

        Each cut is credited with the change of value from the node to the child that the row went to (Saabas 2014); the
        roots' values belong to nobody. With them, the parts add up to the distance from the consensus.
        """
        moves, width = self._fitted().credits(_seen(rows)), rows.columns.shape[1]
        return moves[:, width:], moves[:, :width]

    def state(self) -> State:
        """The trees as arrays."""
        return {"base": dict(self._base.state()), **self._fitted().state()}

    def restore(self, state: State, /) -> Self:
        """Become the stacker that `state` was taken from."""
        self._base = Consensus().restore(state["base"])
        self._trees = Trees.from_state(state)
        return self

    def _fitted(self) -> Trees:
        if self._trees is None:
            raise NotFittedError("boosting is not fitted: call fit first")
        return self._trees


def _seen(rows: Evidence) -> Floats:
    """What the trees see: the columns and then what each member said, float32, shape (rows, columns + members)."""
    return np.concatenate([rows.columns, rows.surprises], axis=1, dtype=np.float32)
