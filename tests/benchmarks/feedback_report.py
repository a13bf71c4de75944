"""Tables of the feedback benchmark, and the floors that it may be held to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.benchmarks.feedback_calibration import METHODS
from tests.benchmarks.feedback_peers import XGBOD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.benchmarks.feedback_course import Course

__all__ = ["BETTER_XGBOD", "CONSENSUS", "Floors", "Results"]

CONSENSUS = "consensus"
BETTER_XGBOD = "XGBOD, the better"
_MEASURES = {"precision": "average precision", "auc": "ROC AUC", "found": "anomalies found"}


@dataclass(slots=True, kw_only=True)
class Results:
    """What was measured.

    Attributes:
        at: The numbers of verdicts after which quality was measured.
        courses: By set, then by learner: one a seed.
        errors: Calibration errors by set, then by whose probability it is: one a seed.
        rows: Of the half that is judged, by set.
    """

    at: tuple[int, ...]
    courses: dict[str, dict[str, list[Course]]] = field(default_factory=dict)
    errors: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, rows: int, courses: dict[str, Course], errors: dict[str, float]) -> None:
        """Take in what was measured on one set with one seed."""
        self.rows[name] = rows
        per_learner = self.courses.setdefault(name, defaultdict(list))
        for learner, course in courses.items():
            per_learner[learner].append(course)
        per_source = self.errors.setdefault(name, defaultdict(list))
        for source, error in errors.items():
            per_source[source].append(error)

    @property
    def learners(self) -> list[str]:
        """Their names, as they were measured."""
        return list(next(iter(self.courses.values())))

    def of_set(self, name: str, learner: str, measure: str, at: int) -> float:
        """Mean over seeds."""
        return float(np.mean([getattr(course, measure)[at] for course in self.courses[name][learner]]))

    def mean(self, learner: str, measure: str, at: int) -> float:
        """Mean over sets of the means over seeds; XGBOD's better convention is chosen by average precision."""
        if learner == BETTER_XGBOD:
            learner = max(XGBOD, key=lambda one: self.mean(one, "precision", at))
        return float(np.mean([self.of_set(name, learner, measure, at) for name in self.courses]))

    def worst(self, learner: str, at: int) -> tuple[float, str]:
        """The least average precision above the consensus of all sets, and the set."""
        return min(
            (self.of_set(name, learner, "precision", at) - self.of_set(name, CONSENSUS, "precision", at), name)
            for name in self.courses
        )

    def seconds(self, learner: str, names: Iterable[str]) -> float:
        """CPU seconds of one update, mean over these sets."""
        return float(np.mean([np.mean([c.seconds for c in self.courses[name][learner]]) for name in names]))

    def error(self, source: str) -> tuple[float, int]:
        """Calibration error, mean over sets of the means over seeds, and over how many sets."""
        found = [np.mean(errors[source]) for errors in self.errors.values() if source in errors]
        return float(np.mean(found)), len(found)

    def line(self, name: str) -> str:
        """One set: average precision of each learner, mean over seeds."""
        cells = (
            f"{learner} " + " ".join(f"{self.of_set(name, learner, 'precision', at):.3f}" for at in self.at)
            for learner in self.learners
        )
        return f"{name} ({self.rows[name]:,} rows a half): " + "; ".join(cells)

    def tables(self) -> str:
        """Means over the sets."""
        rows = self._rows()
        lines = []
        for measure, title in _MEASURES.items():
            lines += ["", f"{title + ' after':28s}" + "".join(f"{at:>8d}" for at in self.at) + " verdicts"]
            digits = 1 if measure == "found" else 3
            lines += [
                f"{row:28s}" + "".join(f"{self.mean(row, measure, at):8.{digits}f}" for at in self.at) for row in rows
            ]
        largest = max(self.rows, key=lambda name: self.rows[name])
        lines += ["", f"{'CPU s of one update':28s}{'mean':>8s}   on {largest} ({self.rows[largest]:,} rows)"]
        lines += [
            f"{learner:28s}{self.seconds(learner, self.courses):8.2f}{self.seconds(learner, [largest]):8.2f}"
            for learner in self.learners
        ]
        at = next((at for at in self.at if at >= 5), self.at[-1])
        lines += ["", f"the worst set against the consensus, average precision after {at}"]
        lines += ["{:28s}{:+8.3f}   {}".format(row, *self.worst(row, at)) for row in self.learners if row != CONSENSUS]
        return "\n".join([*lines, *self._calibration()])

    def _rows(self) -> list[str]:
        return [*self.learners, BETTER_XGBOD] if set(XGBOD) <= set(self.learners) else self.learners

    def _calibration(self) -> list[str]:
        sources = dict.fromkeys(source for errors in self.errors.values() for source in errors)
        lines = ["", f"{'calibration error, unseen':36s}{'mean':>8s}{'sets':>6s}"]
        return lines + ["{:36s}{:8.3f}{:6d}".format(source, *self.error(source)) for source in sources]

    def plain(self) -> dict[str, Any]:
        """All figures as plain values."""
        return {
            "verdicts": self.at,
            "means": {
                row: {m: {at: self.mean(row, m, at) for at in self.at} for m in _MEASURES} for row in self._rows()
            },
            "sets": {
                name: {
                    learner: [
                        {measure: getattr(course, measure) for measure in (*_MEASURES, "seconds")} for course in courses
                    ]
                    for learner, courses in learners.items()
                }
                for name, learners in self.courses.items()
            },
            "calibration": self.errors,
            "rows": self.rows,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """What the first of our stackers is held to; None where it is not.

    Attributes:
        gain: Mean average precision above the consensus after 20 verdicts.
        lead: The same above the best peer.
        loss: How far below the consensus any set may be after 5 verdicts.
        ahead: Whether no peer may be level or ahead after all verdicts.
        calibrated: Whether no peer's calibration error may be as low.
    """

    gain: float | None = None
    lead: float | None = None
    loss: float | None = None
    ahead: bool = False
    calibrated: bool = False

    def broken(self, results: Results, stacker: str, peers: Sequence[str]) -> list[str]:
        """What was not met, one line each."""

        def precision(learner: str, at: int) -> float:
            return results.mean(learner, "precision", at)

        lines = []
        if self.gain is not None and (gain := precision(stacker, 20) - precision(CONSENSUS, 20)) < self.gain:
            lines.append(f"after 20 verdicts {stacker} is {gain:+.3f} from the consensus, wanted {self.gain:+.3f}")
        if (
            self.lead is not None
            and (lead := precision(stacker, 20) - max(precision(p, 20) for p in peers)) < self.lead
        ):
            lines.append(f"after 20 verdicts {stacker} is {lead:+.3f} from the best peer, wanted {self.lead:+.3f}")
        if self.loss is not None and -(worst := results.worst(stacker, 5))[0] > self.loss:
            lines.append(f"after 5 verdicts {stacker} is {worst[0]:+.3f} from the consensus on {worst[1]}")
        last = results.at[-1]
        if self.ahead and (end := precision(stacker, last)) <= (best := max(precision(p, last) for p in peers)):
            lines.append(f"after {last} verdicts {stacker} reaches {end:.3f}, the best peer {best:.3f}")
        if self.calibrated:
            ours = results.error(stacker)[0]
            lines += [
                f"the probability of {source} is off by {results.error(source)[0]:.3f}, that of {stacker} by {ours:.3f}"
                for source in dict.fromkeys(source for errors in results.errors.values() for source in errors)
                if source.endswith(METHODS) and results.error(source)[0] <= ours
            ]
        return lines
