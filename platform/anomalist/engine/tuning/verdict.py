"""Verdict: what a search brought, on rows that no trial has seen, beside the defaults on the same rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from anomalist.engine.evaluation.paired import paired_rankings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.detector import Floats, Ints
    from anomalist.engine.evaluation.paired import Paired
    from anomalist.engine.tuning.request import Metric

__all__ = ["WORDS", "Ruling", "Verdict", "ruled"]

Ruling: TypeAlias = Literal["better", "worse", "unproven"]

CONFIDENCE = 0.9
_MOST, _FEWEST, _WORK = 2000, 200, 40_000_000  # draws, and rows of all draws together

WORDS: Mapping[str, str] = {"average_precision": "average precision", "roc_auc": "ROC AUC"}
"""What people call each metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether the best trial is better than the defaults.

    Attributes:
        ruling: `better` or `worse` where the interval of the gain leaves 0 out, else `unproven`.
        metric: What it was decided by.
        rows: Labelled rows that were held out.
        anomalies: The anomalies among them.
        confidence: Of the intervals.
        measures: Of the defaults (`champion`) and the best trial (`challenger`), by name.
    """

    ruling: Ruling
    metric: Metric
    rows: int
    anomalies: int
    confidence: float
    measures: Mapping[str, Paired]

    @property
    def reason(self) -> str:
        """What it comes to, in one line."""
        pair = self.measures[self.metric]
        moved = {
            "better": "better than the defaults",
            "worse": "worse than the defaults: keep those",
            "unproven": "not proven better than the defaults, which will do",
        }[self.ruling]
        values = f"{WORDS[self.metric]} {pair.challenger:.3f} against {pair.champion:.3f}"
        rows = f"{self.rows:,} rows that no trial saw, {self.anomalies:,} of them anomalies"
        gain = f"gain {pair.gain:+.3f}, with {self.confidence:.0%} confidence {pair.low:+.3f} to {pair.high:+.3f}"
        return f"{moved}: {values} on {rows}; {gain}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values; the two are called `defaults` and `tuned`."""
        measures = {
            name: {"defaults": pair.champion, "tuned": pair.challenger, "gain": pair.gain}
            | {"low": pair.low, "high": pair.high}
            for name, pair in self.measures.items()
        }
        return {**asdict(self), "measures": measures, "reason": self.reason}


def ruled(labels: Ints, defaults: Floats, tuned: Floats, metric: Metric, *, seed: int) -> Verdict:
    """Compare two scores of the same rows with labels 0 or 1, all of shape (rows,), by a paired bootstrap."""
    resamples = int(np.clip(_WORK // labels.size, _FEWEST, _MOST))
    measures = paired_rankings(
        labels, [defaults, tuned], resamples=resamples, confidence=CONFIDENCE, rng=np.random.default_rng(seed)
    )
    gain = measures[metric]
    return Verdict(
        ruling="better" if gain.low > 0 else "worse" if gain.high < 0 else "unproven",
        metric=metric,
        rows=labels.size,
        anomalies=int(labels.sum()),
        confidence=CONFIDENCE,
        measures=measures,
    )
