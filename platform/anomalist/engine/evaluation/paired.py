"""Paired: two scores of the same labelled rows, each measured, and how sure the difference is.

The interval is a paired bootstrap's (Efron & Tibshirani 1993, chapter 13): the judged rows are drawn anew with
replacement, as many of each kind, and both scores are measured on the same draw. All draws are measured at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from anomalist.engine.evaluation.measures import log_losses
from anomalist.ensemble.stackers.logistic import map_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.detector import Floats, Ints

__all__ = ["Paired", "calibrated", "draws", "paired_measures", "paired_rankings"]

_FIXED = (10, 50)
_SPREAD_OF_LEVEL, _SPREAD_OF_SLOPE = 3.0, 2.0  # wide: they only keep a few separable rows from certainty
_FARTHEST = 10.0  # standard deviations: one row far out decides no more than that
_FLATTEST = 1e-12
_CELLS = 4_000_000  # of the draws at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """One measure of both, on the same rows.

    Attributes:
        champion: Of the champion.
        challenger: Of the challenger.
        gain: By how much the challenger is better; negative where it is worse, for losses too.
        low: Lower end of the bootstrap interval of the gain.
        high: Upper end.
    """

    champion: float
    challenger: float
    gain: float
    low: float
    high: float


def paired_measures(
    labels: Ints,
    log_odds: Sequence[Floats],
    probabilities: Sequence[Floats],
    *,
    counts: Ints,
    confidence: float,
) -> dict[str, Paired]:
    """Measure champion and challenger, in this order, on rows with labels 0 or 1, and how sure each gain is.

    `counts`, shape (draws, rows), says how often a row is in each draw. The names are `average_precision`,
    `precision_at_anomalies` (the k of which is the number of anomalies), `precision_at_10` and `_50` where there are
    more rows than that, `log_loss` (nats) and `brier`.
    """
    anomalies = int(labels.sum())
    drawn = np.concatenate([np.ones((1, labels.size), dtype=counts.dtype), counts])
    ranked = [_Ranked.of(labels, scores, drawn) for scores in log_odds]
    losses = [log_losses(labels, p) for p in probabilities], [np.square(p - labels) for p in probabilities]
    found = {"average_precision": [one.average_precision() for one in ranked]}
    found["precision_at_anomalies"] = [one.precision_at(anomalies) for one in ranked]
    found |= {f"precision_at_{k}": [one.precision_at(k) for one in ranked] for k in _FIXED if k < labels.size}
    found |= {
        name: [-(drawn @ each) / labels.size for each in both]
        for name, both in zip(("log_loss", "brier"), losses, strict=True)
    }
    return {
        name: _paired(both[0], both[1], confidence, loss=name in ("log_loss", "brier")) for name, both in found.items()
    }


def paired_rankings(
    labels: Ints, scores: Sequence[Floats], *, resamples: int, confidence: float, rng: np.random.Generator
) -> dict[str, Paired]:
    """Measure how two scores, in this order, rank rows with labels 0 or 1, and how sure each gain is.

    The names are `average_precision` and `roc_auc`. The draws are made a few at a time, so that many rows need little
    memory.
    """
    found: dict[str, list[Floats]] = {"average_precision": [], "roc_auc": []}
    step = max(1, _CELLS // labels.size)
    for first in range(-step, resamples, step):
        as_they_are: Ints = np.ones((1, labels.size), dtype=np.int64)
        counts = as_they_are if first < 0 else draws(labels, min(step, resamples - first), rng)
        ranked = [_Ranked.of(labels, score, counts) for score in scores]
        found["average_precision"].append(np.stack([one.average_precision() for one in ranked]))
        found["roc_auc"].append(np.stack([one.roc_auc() for one in ranked]))
    both = {name: np.concatenate(parts, axis=1) for name, parts in found.items()}
    return {name: _paired(each[0], each[1], confidence, loss=False) for name, each in both.items()}


def draws(strata: Ints, resamples: int, rng: np.random.Generator) -> Ints:
    """How often each row, of shape (rows,) strata, is in each draw: as many of a stratum as it has; (draws, rows)."""
    counts = np.zeros((resamples, strata.size), dtype=np.int64)
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        counts[:, rows] = rng.multinomial(rows.size, np.full(rows.size, 1.0 / rows.size), size=resamples)
    return counts


def calibrated(labels: Ints, log_odds: Floats, folds: Ints) -> Floats:
    """Probabilities of rows by Platt scaling (1999) fitted on the other folds, all of shape (rows,).

    Level and slope are fitted for both candidates alike, so that one which only ranks is not blamed for its unit. The
    slope is never negative: what ranks the wrong way round says nothing, and not the opposite.
    """
    found = np.empty(labels.size)
    for fold in np.unique(folds):
        held = folds == fold
        centre, scale = float(log_odds[~held].mean()), max(float(log_odds[~held].std()), _FLATTEST)
        scaled = np.clip((log_odds - centre) / scale, -_FARTHEST, _FARTHEST)
        columns = np.stack([np.ones(labels.size), scaled], axis=1)
        level, slope = _platt(columns[~held], labels[~held])
        if slope < 0.0:
            level, slope = *_platt(columns[~held, :1], labels[~held]), 0.0
        found[held] = expit(level + slope * scaled[held])
    return found


def _platt(columns: Floats, labels: Ints) -> Floats:
    """Level and slope, or the level alone where there is no second column."""
    spread = np.array([_SPREAD_OF_LEVEL, _SPREAD_OF_SLOPE])[: columns.shape[1]]
    return map_weights(columns, labels.astype(np.float64), np.zeros(labels.size), spread)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ranked:
    """Rows from the highest score down, tied rows together: how many rows and anomalies each tie brings to each draw.

    Attributes:
        rows: Shape (draws, ties).
        hits: Shape (draws, ties).
    """

    rows: Ints
    hits: Ints

    @classmethod
    def of(cls, labels: Ints, scores: Floats, counts: Ints) -> _Ranked:
        order = np.argsort(-scores, kind="stable")
        first = np.flatnonzero(np.append(True, np.diff(scores[order]) != 0))
        return cls(
            rows=np.add.reduceat(counts[:, order], first, axis=1),
            hits=np.add.reduceat(counts[:, order] * labels[order], first, axis=1),
        )

    def average_precision(self) -> Floats:
        """Shape (draws,)."""
        hits, rows = np.cumsum(self.hits, axis=1), np.cumsum(self.rows, axis=1)
        found: Floats = (self.hits * hits / np.maximum(rows, 1)).sum(axis=1) / hits[:, -1]
        return found

    def roc_auc(self) -> Floats:
        """Shape (draws,); of an anomaly and a normal row that tie, half counts."""
        normal = self.rows - self.hits
        above = np.cumsum(normal, axis=1) - 0.5 * normal
        pairs = np.maximum(self.hits.sum(axis=1) * normal.sum(axis=1), 1)
        found: Floats = 1.0 - (self.hits * above).sum(axis=1) / pairs
        return found

    def precision_at(self, k: int) -> Floats:
        """Shape (draws,); of tied rows at the border each counts for the share of them that fits."""
        before = np.cumsum(self.rows, axis=1) - self.rows
        taken = np.clip(k - before, 0, self.rows)
        found: Floats = (self.hits * taken / np.maximum(self.rows, 1)).sum(axis=1) / k
        return found


def _paired(champion: Floats, challenger: Floats, confidence: float, *, loss: bool) -> Paired:
    """Values of both on the rows as they are, and on each draw; a loss is negative here."""
    gains = challenger - champion
    low, high = np.quantile(gains[1:], (0.5 * (1.0 - confidence), 0.5 * (1.0 + confidence)))
    sign = -1.0 if loss else 1.0
    return Paired(
        champion=sign * float(champion[0]),
        challenger=sign * float(challenger[0]),
        gain=float(gains[0]),
        low=float(low),
        high=float(high),
    )
