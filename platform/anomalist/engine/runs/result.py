"""What a run found, in memory: its scores, its findings and how its members fared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.data.table import Table
    from anomalist.engine.fitting.report import MemberReport
    from anomalist.ensemble.explain import Reason
    from anomalist.ensemble.model import Model, Scores
    from anomalist.store.rows import RunRow

__all__ = ["Finding", "RunResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One row with its score and why it got it.

    Attributes:
        key: The row key.
        row: The row number, from 0.
        score: Bits.
        level: The score as a number between 0 and 1.
        flagged: Over the threshold of the run.
        members: The level that each member gave it.
        reasons: The columns that made it anomalous, the strongest first.
        values: The row as the user has it, and what the features of the model make of it.
        probability: That an analyst calls the row an anomaly; None where nothing was learned from verdicts.
        moved: By how many nats of log-odds verdicts moved the row, `detectors` and `columns` by name, the largest
            first; None where nothing was learned, or where what learned cannot say.
    """

    key: str
    row: int
    score: float
    level: float
    flagged: bool
    members: Mapping[str, float]
    reasons: tuple[Reason, ...]
    values: Mapping[str, Any]
    probability: float | None = None
    moved: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, without the row itself."""
        return {
            "key": self.key,
            "row": self.row,
            "score": self.score,
            "level": self.level,
            "probability": self.probability,
            "flagged": self.flagged,
            "members": dict(self.members),
            "reasons": [reason.to_dict() for reason in self.reasons],
            "moved": self.moved,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunResult:
    """A run that has ended and is stored.

    Attributes:
        row: The run as the store has it.
        model: The model that it made or used.
        table: The rows.
        scores: What the model says of each of them.
        findings: The flagged rows and the top rows, the most anomalous first.
        reports: How each member fared.
        top: How many findings to show.
        evaluation: Measures of quality, where the labels are known.
    """

    row: RunRow
    model: Model
    table: Table
    scores: Scores
    findings: tuple[Finding, ...]
    reports: tuple[MemberReport, ...]
    top: int
    evaluation: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values: what `--json` prints."""
        threshold = self.model.threshold
        name, version = self.row.model or (None, None)
        run = {
            "id": self.row.id,
            "status": self.row.status,
            "model": {"name": name, "version": version},
            "rows": len(self.table),
            "columns": len(self.table.frame.columns),
            "seed": self.row.seed,
            "seconds": self.row.seconds,
            "members": [
                {
                    "detector": report.seat.name,
                    "status": report.status,
                    "seconds": round(report.seconds, 4),
                    "error": report.error,
                    "notes": list(report.notes),
                }
                for report in self.reports
            ],
            "threshold": {"policy": threshold.policy, "parameter": threshold.parameter, "value": threshold.value},
            "flagged": int(self.scores.flagged.sum()),
            "notes": list(self.row.notes),
        }
        found: dict[str, Any] = {"run": run, "top": [finding.to_dict() for finding in self.findings[: self.top]]}
        if self.evaluation is not None:
            found["evaluation"] = self.evaluation
        return found
