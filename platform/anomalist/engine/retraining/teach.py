"""Teach: what analysts said, learned into the score of a panel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.engine.feedback.lessons import evidence_of_judged
from anomalist.engine.fitting.fit import threshold_of
from anomalist.engine.review.queue import expected_rate
from anomalist.ensemble.model import Scores
from anomalist.ensemble.reference import Reference
from anomalist.ensemble.stack import Lesson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.engine.feedback.verdicts import Judged
    from anomalist.engine.fitting.request import ThresholdRequest
    from anomalist.engine.retraining.rejoin import Panel
    from anomalist.ensemble.model import Model
    from anomalist.ensemble.stacked import Recipe

__all__ = ["Taught", "rate_expected", "taught"]

_USUAL_BUDGET = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Taught:
    """A model that has learned from verdicts, and what it says of the table of its panel.

    Attributes:
        model: The model.
        scores: What it says of the table.
        verdicts: From how many judged rows it learned.
        anomalies: How many of them are anomalies.
        considered: Where the log of verdicts stood, and on which datasets there were any: plain values.
        notes: Which judged rows were left out, and why.
    """

    model: Model
    scores: Scores
    verdicts: int
    anomalies: int
    considered: Mapping[str, Any]
    notes: tuple[str, ...]


def taught(
    panel: Panel, judged: Sequence[Judged], recipe: Recipe, request: ThresholdRequest, *, seed: int, position: int
) -> Taught:
    """Learn from judged rows; where there are none, the consensus stays the score.

    Args:
        panel: The members and their table.
        judged: What holds of the rows that somebody judged.
        recipe: What learns.
        request: The threshold that is wanted.
        seed: Of all randomness.
        position: Where the log of verdicts stood.
    """
    labelled = [one for one in judged if one.label is not None]
    known = evidence_of_judged(panel.model, labelled, panel.table, panel.data, panel.surprises)
    labels = np.array([labelled[row].label for row in known.rows.tolist()], dtype=np.float64)
    evidence = panel.evidence
    model, score, probability = panel.model, evidence.consensus, None
    if labels.size:
        rate = rate_expected(labelled, request, panel)
        lesson = Lesson(judged=known.evidence, labels=labels, background=evidence, rate=rate, seed=seed)
        about = {
            "position": position,
            "datasets": sorted({labelled[row].fingerprint for row in known.rows.tolist()}),
            "verdicts": labels.size,
            "anomalies": int(labels.sum()),
            "rate": rate,
        }
        stack = recipe.learn(lesson, about=about)
        model = replace(model, stack=stack)
        score, probability = stack.score(evidence)
    threshold = threshold_of(score, request, training=panel.training, labels=panel.labels)
    scores = Scores(
        members=model.names,
        surprises=panel.surprises,
        score=score,
        flagged=threshold.flags(score),
        probability=probability,
    )
    return Taught(
        model=replace(
            model, threshold=threshold, reference=Reference.fit(model.encoder, panel.table, panel.data, scores)
        ),
        scores=scores,
        verdicts=int(labels.size),
        anomalies=int(labels.sum()),
        considered={"position": position, "datasets": sorted({one.fingerprint for one in labelled})},
        notes=known.notes,
    )


def rate_expected(labelled: Sequence[Judged], threshold: ThresholdRequest, panel: Panel) -> float:
    """The share of anomalies to be expected among the rows of a panel's table, by the verdicts on them alone."""
    rows = len(panel.table)
    budget = _USUAL_BUDGET
    if threshold.policy == "budget":
        budget = threshold.parameter if threshold.parameter < 1 else threshold.parameter / rows
    fingerprint = panel.table.fingerprint
    here = [one for one in labelled if one.fingerprint == fingerprint]
    return expected_rate(here, min(budget, 0.5), rows=rows)
