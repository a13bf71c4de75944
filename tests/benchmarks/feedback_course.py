"""A simulated analyst: answers what a learner asks, batch after batch, and measures what it has learned from that."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

if TYPE_CHECKING:
    from anomalist.detector import Floats, Ints

__all__ = ["CALIBRATED_AT", "Course", "Learner", "checkpoints", "simulate"]

CALIBRATED_AT = 50  # verdicts after which probabilities are compared
_CHECKPOINTS = (0, 5, 10, 20, 50, 100)


class Learner(Protocol):
    """Ranks rows, asks for verdicts and learns from them."""

    def learn(self, rows: Ints, labels: Floats) -> None:
        """Learn from all verdicts so far, rows and labels of shape (judged,), and rank the rows to judge."""
        ...

    def ask(self, count: int) -> Ints:
        """The next rows to judge."""
        ...

    def unseen(self) -> Floats:
        """Scores of the unseen rows, shape (rows,), higher is more anomalous."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Course:
    """How one learner fared on one set.

    Attributes:
        precision: Average precision on the unseen rows, by the number of verdicts.
        auc: ROC AUC on the unseen rows, by the number of verdicts.
        found: Anomalies among the rows judged, by the number of verdicts.
        seconds: CPU seconds of each update: learning and ranking the rows to judge.
        calibrated: Scores of the unseen rows after `CALIBRATED_AT` verdicts, or after all where there were fewer.
    """

    precision: dict[int, float] = field(default_factory=dict)
    auc: dict[int, float] = field(default_factory=dict)
    found: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    calibrated: Floats


def checkpoints(budget: int) -> tuple[int, ...]:
    """The numbers of verdicts after which quality is measured."""
    return (*(at for at in _CHECKPOINTS if at < budget), budget)


def simulate(learner: Learner, labels: Floats, unseen_labels: Floats, *, budget: int, batch: int) -> Course:
    """Answer a learner truthfully, `batch` rows at a time, until it has `budget` verdicts; labels are 0 or 1."""
    rows = np.empty(0, dtype=np.intp)
    precision, auc, found, seconds = {}, {}, {}, []
    calibrated: Floats = np.empty(0)
    for at in checkpoints(budget):
        while rows.size < at:
            rows = np.concatenate([rows, learner.ask(min(batch, at - rows.size))])
            started = time.process_time()
            learner.learn(rows, labels[rows])
            seconds.append(time.process_time() - started)
        if at == 0:
            learner.learn(rows, labels[rows])
        scores = learner.unseen()
        precision[at] = float(average_precision_score(unseen_labels, scores))
        auc[at] = float(roc_auc_score(unseen_labels, scores))
        found[at] = int(labels[rows].sum())
        if at <= CALIBRATED_AT:
            calibrated = scores
    return Course(precision=precision, auc=auc, found=found, seconds=seconds, calibrated=calibrated)
