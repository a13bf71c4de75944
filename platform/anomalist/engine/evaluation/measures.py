"""Measures of quality against known labels, of rankings (ROC AUC, average precision ...) and of probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.errors import DataError

if TYPE_CHECKING:
    from anomalist.detector import Bools, Floats, Ints

__all__ = ["Measures", "log_losses", "measure", "precision_at", "top_rows"]

_PRECISION_AT = (10, 50, 100)
_SUREST = 1e-15  # a wrong certainty costs much, but not everything


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """How well scores tell anomalies, each between 0 and 1.

    Attributes:
        roc_auc: Chance that an anomaly scores above a normal row, ties counting half.
        average_precision: Area under the precision-recall curve, as the sum over recall steps.
        precision: Share of anomalies among the flagged rows; 0 where nothing is flagged.
        recall: Share of the anomalies that are flagged.
        f1: Harmonic mean of precision and recall.
        precision_at: Share of anomalies among the k highest scores, for each k up to the number of rows; see
            `precision_at`.
    """

    roc_auc: float
    average_precision: float
    precision: float
    recall: float
    f1: float
    precision_at: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


def measure(labels: Ints, scores: Floats, flagged: Bools) -> Measures:
    """Measure scores against labels, all of shape (rows,); labels are 1 for an anomaly, 0 for a normal row.

    Raises:
        DataError: One of the two labels does not occur.
    """
    positives = int(labels.sum())
    if not 0 < positives < labels.size:
        raise DataError(
            f"quality needs both anomalies and normal rows, got {positives} anomalies among {labels.size} labelled rows"
        )
    hits = int(labels[flagged].sum())
    precision = hits / int(flagged.sum()) if flagged.any() else 0.0
    recall = hits / positives
    return Measures(
        roc_auc=_roc_auc(labels, scores),
        average_precision=_average_precision(labels, scores),
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall) if hits else 0.0,
        precision_at={str(k): precision_at(labels, scores, k) for k in _PRECISION_AT if k <= labels.size},
    )


def precision_at(labels: Ints, scores: Floats, k: int) -> float:
    """Share of anomalies among the k highest scores; of rows that tie at the border each counts for what fits of them.

    >>> precision_at(np.array([1, 0, 1, 0]), np.array([3.0, 2.0, 2.0, 1.0]), 2)
    0.75

    Raises:
        DataError: There are fewer rows than k, or k is below 1.
    """
    if not 1 <= k <= labels.size:
        raise DataError(f"precision at k needs k from 1 to the {labels.size} labelled rows, got {k}")
    border = np.partition(scores, labels.size - k)[labels.size - k]
    above, level = scores > border, scores == border
    share = (k - int(above.sum())) / int(level.sum())
    return float((labels[above].sum() + share * labels[level].sum()) / k)


def log_losses(labels: Ints, probabilities: Floats) -> Floats:
    """Minus the logarithm of the probability that each row's own label was given, in nats, shape (rows,).

    Raises:
        DataError: A probability is not between 0 and 1.
    """
    fit = probabilities.shape == labels.shape and labels.size and ((probabilities >= 0) & (probabilities <= 1)).all()
    if not fit:
        raise DataError(
            f"each of {labels.size} labelled rows needs a probability between 0 and 1, got {probabilities.size} "
            f"numbers from {probabilities.min(initial=np.inf):.4g} to {probabilities.max(initial=-np.inf):.4g}"
        )
    losses: Floats = -np.log(np.maximum(np.where(labels == 1, probabilities, 1.0 - probabilities), _SUREST))
    return losses


def _roc_auc(labels: Ints, scores: Floats) -> float:
    """The Mann-Whitney statistic of the anomalies' ranks, as a share; ties have their mean rank."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - 0.5 * (counts - 1))[place]
    positives = int(labels.sum())
    above = float(ranks[labels == 1].sum()) - 0.5 * positives * (positives + 1)
    return above / (positives * (labels.size - positives))


def _average_precision(labels: Ints, scores: Floats) -> float:
    """Precision at each score that occurs, weighted by the recall gained there."""
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(labels[order])[last_of_tie]
    rows = np.flatnonzero(last_of_tie) + 1
    return float((np.diff(hits, prepend=0) * hits / rows).sum() / hits[-1])


def top_rows(scores: Floats, count: int) -> Bools:
    """Which rows, shape (rows,), have the `count` highest scores; of equals the earlier."""
    chosen = np.zeros(scores.shape, dtype=np.bool_)
    chosen[np.argsort(-scores, kind="stable")[:count]] = True
    return chosen
