"""Logistic: a straight line in what the members said, tied to the consensus until verdicts pull it away."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.special import expit

from anomalist.detector import check_parameter
from anomalist.ensemble.stackers.consensus import Consensus
from anomalist.errors import NotFittedError

if TYPE_CHECKING:
    from anomalist.detector import Floats, State
    from anomalist.ensemble.stack import Evidence, Lesson

__all__ = ["Logistic", "map_weights"]

_DOUBT = 1.0  # with so many verdicts of the rarer kind the ranking is half as free as with many
_ROUNDS, _FINE = 100, 1e-10


@dataclass(kw_only=True, eq=False)
class Logistic:
    """Regularised logistic regression on the consensus and the members' surprises.

    The log-odds of a row are those of the consensus, plus a level, plus a slope times its standardised consensus, plus
    a weight times each standardised surprise. Level, slope and weights have Gaussian priors around 0 and are set to
    their most probable values (MAP). Without verdicts this is the consensus. What sets anomalies apart can only be
    learned from both kinds: the priors of slope and weights are as narrow as there are few of the rarer kind, so that
    verdicts of one kind alone move the level and never turn the ranking over. It cannot see the columns: anomalies and
    ordinary rows of which the members say the same stay together.

    Attributes:
        level: Standard deviation of the prior of the level, in nats.
        slope: Of the prior of the slope, in nats for each standard deviation of the consensus.
        members: Of the prior of all members' weights together: each has this, divided by the square root of how many
            there are.
    """

    level: float = 2.0
    slope: float = 0.5
    members: float = 2.0

    _base: Consensus = field(default_factory=Consensus, init=False, repr=False)
    _centre: Floats | None = field(default=None, init=False, repr=False)
    _weights: Floats | None = field(default=None, init=False, repr=False)
    _shift: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("level", "slope", "members"):
            value = getattr(self, name)
            check_parameter(math.isfinite(value) and value > 0, name, value, "a number above 0")

    def fit(self, lesson: Lesson, /) -> Self:
        """Learn level, slope and weights from the judged rows."""
        self._base.fit(lesson)
        background = _features(lesson.background)
        centre, scale = background.mean(axis=0), background.std(axis=0)
        scale = np.where(scale > 1e-9, scale, 1.0)
        judged, members = lesson.judged, lesson.judged.surprises.shape[1]
        anomalies = float(lesson.labels.sum())
        rarer = min(anomalies, lesson.labels.size - anomalies)
        trust = math.sqrt(rarer / (rarer + _DOUBT))
        each = self.members / math.sqrt(max(members, 1))
        found = map_weights(
            np.concatenate([np.ones((len(judged), 1)), (_features(judged) - centre) / scale], axis=1),
            lesson.labels,
            self._base.log_odds(judged),
            np.array([self.level, trust * self.slope] + members * [trust * each]),
        )
        self._centre, self._weights, self._shift = centre, found[1:] / scale, float(found[0])
        return self

    def log_odds(self, rows: Evidence, /) -> Floats:
        """Log-odds, shape (rows,).

        Raises:
            NotFittedError: Neither `fit` nor `restore` has been called.
        """
        found: Floats = self._base.log_odds(rows) + self._shift + self._moves(rows).sum(axis=1)
        return found

    def moved(self, rows: Evidence, /) -> tuple[Floats, Floats]:
        """Nats that each member, shape (rows, members), and each column, shape (rows, columns), moved it by.

        The part of the slope belongs to the consensus, and so to all members alike. With the level, the parts add up
        to the distance from the consensus.
        """
        moves = self._moves(rows)
        members = moves[:, 1:] + moves[:, :1] / max(moves.shape[1] - 1, 1)
        return members, np.zeros(rows.columns.shape)

    def state(self) -> State:
        """Arrays and plain values that `restore` needs."""
        if self._centre is None or self._weights is None:
            raise NotFittedError("logistic is not fitted: call fit before state")
        return {
            "base": dict(self._base.state()),
            "centre": self._centre,
            "weights": self._weights,
            "shift": self._shift,
        }

    def restore(self, state: State, /) -> Self:
        """Become the stacker that `state` was taken from."""
        self._base = Consensus().restore(state["base"])
        self._centre, self._weights = state["centre"], state["weights"]
        self._shift = float(state["shift"])
        return self

    def _moves(self, rows: Evidence) -> Floats:
        """By how much the consensus and each member moved each row, shape (rows, 1 + members)."""
        if self._centre is None or self._weights is None:
            raise NotFittedError("logistic is not fitted: call fit first")
        moves: Floats = (_features(rows) - self._centre) * self._weights
        return moves


def map_weights(columns: Floats, labels: Floats, offset: Floats, spread: Floats) -> Floats:
    """Most probable weights of a logistic regression with a Gaussian prior around 0, by Newton's method.

    Args:
        columns: What is weighted, shape (rows, columns).
        labels: 0 or 1, shape (rows,).
        offset: Log-odds before anything is weighted, shape (rows,).
        spread: Standard deviation of the prior of each weight, shape (columns,).

    Returns:
        The weights, shape (columns,).
    """
    scaled = columns * spread
    found = np.zeros(spread.size)

    def objective(at: Floats) -> float:
        odds = offset + scaled @ at
        return float((labels * odds - np.logaddexp(0.0, odds)).sum() - 0.5 * at @ at)

    best = objective(found)
    for _ in range(_ROUNDS):
        p = expit(offset + scaled @ found)
        uphill = scaled.T @ (labels - p) - found
        step = np.linalg.solve((scaled.T * (p * (1.0 - p))) @ scaled + np.eye(found.size), uphill)
        while (reached := objective(found + step)) < best - _FINE:
            step = 0.5 * step
        found, best = found + step, max(best, reached)
        if np.abs(step).max() < _FINE:
            break
    weights: Floats = found * spread
    return weights


def _features(rows: Evidence) -> Floats:
    """The consensus and what each member said, shape (rows, 1 + members)."""
    return np.concatenate([rows.consensus[:, None], rows.surprises], axis=1).astype(np.float64)
