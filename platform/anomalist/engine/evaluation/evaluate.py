"""Evaluate: how well scores, and those of each member, tell the known anomalies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anomalist.engine.evaluation.measures import measure, top_rows

if TYPE_CHECKING:
    from anomalist.engine.evaluation.labels import Labels
    from anomalist.ensemble.model import Scores

__all__ = ["evaluate_scores", "measured"]


def measured(scores: Scores, labels: Labels | None) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Measure scores where there are labels of both kinds; of one kind there is only a note to make."""
    if labels is None:
        return None, ()
    if labels.of_both_kinds:
        return evaluate_scores(scores, labels), ()
    kind = "an anomaly" if labels.values.any() else "normal"
    return None, (f"{labels.where}: every labelled row is {kind}, so that no quality can be measured",)


def evaluate_scores(scores: Scores, labels: Labels) -> dict[str, Any]:
    """Measure the score and each member's surprise on the rows with a label; plain values.

    Precision, recall and F1 are at the threshold of the run; for a member, at as many rows as the run flagged.

    Raises:
        DataError: The labels are all of one kind.
    """
    labels.check_both_kinds()
    rows = labels.rows
    flagged = scores.flagged[rows]
    ensemble = measure(labels.values, scores.score[rows], flagged).to_dict()
    members = {
        name: measure(labels.values, found, top_rows(found, int(flagged.sum()))).to_dict()
        for name, found in zip(scores.members, scores.surprises[rows].T, strict=True)
    }
    counts = {"rows": int(rows.size), "anomalies": int(labels.values.sum()), "flagged": int(flagged.sum())}
    return {**counts, "ensemble": ensemble, "members": members}
