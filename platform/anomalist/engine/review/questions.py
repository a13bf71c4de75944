"""Questions: what a review asks, what is done with it, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anomalist.detector import check_parameter
from anomalist.engine.feedback.verdicts import LABEL
from anomalist.engine.review.queue import Mix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.engine.review.neighbours import Neighbour
    from anomalist.engine.runs.result import Finding
    from anomalist.store.rows import Asked, FeedbackRow

__all__ = ["Progress", "Question", "ReviewOptions", "Step"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOptions:
    """How a session goes.

    Attributes:
        analyst: Who judges; the name of the login when None.
        mix: How rows are chosen.
        batch: After how many questions the rows are ranked anew.
        stacker: What learns from the verdicts, as users type it.
        seed: Of the draws: with the verdicts that there are, it decides which rows are asked about.
        disputed: Ask only about rows on which others disagree or are unsure, and this analyst has said nothing.
    """

    analyst: str | None = None
    mix: Mix = field(default_factory=Mix)
    batch: int = 5
    stacker: str = "gp"
    seed: int = 0
    disputed: bool = False

    def __post_init__(self) -> None:
        check_parameter(self.batch >= 1, "batch", self.batch, "a whole number of at least 1")
        check_parameter(self.seed >= 0, "seed", self.seed, "a whole number of at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A row that waits for a verdict.

    Attributes:
        finding: The row with its score, its members and its reasons.
        rank: Its place in the run, 1 the most anomalous.
        probability: That an analyst would call it an anomaly, by all verdicts or else by the model; None where neither
            has learned anything.
        asked: Why it is asked about.
        chance: The probability with which its place in the batch was to be filled by it; None where it was not drawn.
        twins: How many other rows of the run are just like it.
        near: The judged rows that are most like it.
        said: What others say of it.
    """

    finding: Finding
    rank: int
    probability: float | None
    asked: Asked
    chance: float | None
    twins: int
    near: tuple[Neighbour, ...] = ()
    said: tuple[FeedbackRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What was done with one question; `entry` is None where it was skipped."""

    question: Question
    entry: FeedbackRow | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, without the row itself."""
        finding, entry = self.question.finding, self.entry
        return {
            "key": finding.key,
            "row": finding.row,
            "score": finding.score,
            "asked": self.question.asked,
            "probability": self.question.chance,
            "verdict": entry and entry.verdict,
            "cause": entry and entry.cause,
            "note": entry and entry.note,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a session is.

    Attributes:
        answered: Verdicts of this session that stand.
        skipped: Questions that were skipped.
        anomalies: How many of the verdicts are `anomaly`.
        precision: Their share among the verdicts that are not `unsure`; None where there are none.
        flagged_left: Flagged rows of the run that nobody has judged: what is left of its budget.
        learned: Rows with a clear verdict, of all sessions, from which the ranking was learned.
        rate: The share of anomalies that is expected among all rows.
    """

    answered: int
    skipped: int
    anomalies: int
    precision: float | None
    flagged_left: int
    learned: int
    rate: float

    @classmethod
    def of(cls, steps: Sequence[Step], *, flagged_left: int, learned: int, rate: float) -> Progress:
        """Count what was done in a session."""
        verdicts = [step.entry.verdict for step in steps if step.entry is not None]
        labels = [LABEL[verdict] for verdict in verdicts if verdict is not None]
        clear = [label for label in labels if label is not None]
        return cls(
            answered=len(verdicts),
            skipped=len(steps) - len(verdicts),
            anomalies=verdicts.count("anomaly"),
            precision=sum(clear) / len(clear) if clear else None,
            flagged_left=flagged_left,
            learned=learned,
            rate=rate,
        )
