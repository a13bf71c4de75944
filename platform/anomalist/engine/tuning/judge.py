"""Judges: what a trial is worth on a fold, by labels, or without any."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

import numpy as np

from anomalist.engine.evaluation.measures import measure
from anomalist.errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.data.dataset import Dataset
    from anomalist.detector import Bools, Floats, Ints
    from anomalist.engine.tuning.request import Metric
    from anomalist.engine.tuning.splits import Fold

__all__ = ["TRUST", "ByConsensus", "ByLabels", "Judge"]

TRUST = (
    "without labels trials are judged by how well they agree with the consensus of the panel and tell real rows from "
    "rows with swapped values; on 11 labelled sets that ranked settings only weakly as labels do (rank correlation "
    "0.3), and what it chose was on average no better than the defaults (9 times better, 26 unproven, 9 worse)"
)
"""How far the criterion without labels can be trusted; `docs/tuning.md` has the table."""

_TOP = 0.1  # of the rows, by the consensus, stand in for anomalies
_SWAPPED = 0.3  # of the values of a row come from other rows


class Judge(Protocol):
    """Says what a trial is worth on each fold; the larger the better."""

    @property
    def name(self) -> str:
        """What it judges by."""
        ...

    def papers(self, fold: int) -> tuple[Dataset, ...]:
        """The rows that a detector, fitted on the rest of a fold, has to score."""
        ...

    def value(self, fold: int, answers: Sequence[Floats]) -> float:
        """What the scores of these rows are worth."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ByLabels:
    """Judges by a metric on the rows of a fold whose label is known.

    Attributes:
        data: All rows.
        folds: The folds.
        known: Which rows have a label, shape (rows,).
        truth: 1 for an anomaly, else 0, shape (rows,).
        metric: The metric.
    """

    data: Dataset
    folds: tuple[Fold, ...]
    known: Bools
    truth: Ints
    metric: Metric

    @property
    def name(self) -> str:
        """The metric."""
        return self.metric

    def papers(self, fold: int) -> tuple[Dataset, ...]:
        """The rows of the fold, those without a label too: a window needs its neighbours."""
        return (self.data.take(self.folds[fold].judge),)

    def value(self, fold: int, answers: Sequence[Floats]) -> float:
        """The metric."""
        rows, (scores,) = self.folds[fold].judge, answers
        known = self.known[rows]
        found = measure(self.truth[rows][known], scores[known], np.zeros(int(known.sum()), dtype=np.bool_))
        return float(getattr(found, self.metric))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ByConsensus:
    """Judges without labels, by two signs of a good score, each between 0 and 1 and of equal weight.

    *Agreement*: the average precision against the tenth of the rows that the consensus of the panel puts highest; of
    the ways to choose without labels, consensus is the least bad one (Ma et al. 2023). *Separation*: how much better
    than chance the score tells the rows from copies in which three tenths of the values were swapped for those of other
    rows, twice the ROC AUC less 1; such a copy is strange only by how its values go together. The rows of a series are
    judged by agreement alone, since a swap would break every window.

    Attributes:
        data: All rows.
        folds: The folds.
        consensus: Of all rows, shape (rows,); only that of rows in a fold is looked at.
        swaps: The copies of the rows of each fold; empty for a series.
    """

    data: Dataset
    folds: tuple[Fold, ...]
    consensus: Floats
    swaps: tuple[Dataset, ...]
    name: ClassVar[str] = "consensus"

    @classmethod
    def of(cls, data: Dataset, folds: tuple[Fold, ...], consensus: Floats, *, series: bool, seed: int) -> Self:
        """Make the copies."""
        rng = np.random.default_rng(seed)
        swaps = () if series else tuple(_swapped(data, fold, rng) for fold in folds)
        return cls(data=data, folds=folds, consensus=consensus, swaps=swaps)

    def papers(self, fold: int) -> tuple[Dataset, ...]:
        """The rows of the fold, and their copies."""
        rows = self.data.take(self.folds[fold].judge)
        return (rows, self.swaps[fold]) if self.swaps else (rows,)

    def value(self, fold: int, answers: Sequence[Floats]) -> float:
        """Agreement, or the mean of agreement and separation.

        Raises:
            DetectorError: All rows have the same score.
        """
        scores = answers[0]
        if scores.min() == scores.max():
            raise DetectorError("it gave all rows the same score")
        consensus = self.consensus[self.folds[fold].judge]
        nothing = np.zeros(scores.size, dtype=np.bool_)
        top = np.zeros(scores.size, dtype=np.int64)
        top[np.argsort(-consensus, kind="stable")[: max(1, round(_TOP * scores.size))]] = 1
        agreement = measure(top, scores, nothing).average_precision
        if not self.swaps:
            return agreement
        both = np.concatenate([scores, answers[1]])
        copies = np.repeat(np.array([0, 1]), [scores.size, answers[1].size])
        return 0.5 * (agreement + 2.0 * measure(copies, both, np.zeros(both.size, dtype=np.bool_)).roc_auc - 1.0)


def _swapped(data: Dataset, fold: Fold, rng: np.random.Generator) -> Dataset:
    """The rows to be judged, each with some of its values, at least one, from other rows of the fold."""
    rows = data.take(fold.judge)
    values = rows.values.copy()
    swap = rng.random(values.shape) < _SWAPPED
    swap[np.arange(len(values)), rng.integers(values.shape[1], size=len(values))] = True
    others = data.values[fold.fit[rng.integers(fold.fit.size, size=len(values))]]
    values[swap] = others[swap]
    return replace(rows, values=values)
