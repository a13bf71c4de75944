"""A side of the benchmark of speed: a detector, ours or a peer's, that fits and scores; and one trial of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from anomalist.data.dataset import Dataset
from tests.benchmarks.tabular import measures
from tests.benchmarks.timing import Cost, Peak, quiet, timed, timed_often

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.benchmarks.speed_data import Rows

WRITTEN = (
    "fit CPU s",
    "fit wall s",
    "score CPU s",
    "score wall s",
    "row CPU s",
    "row wall s",
    "peak bytes",
    "ROC AUC",
    "avg precision",
)
"""What a trial is written as, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a detector is made with: the same for both sides of a pair."""

    seed: int
    columns: int
    threads: int
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A detector of one library with its settings.

    Attributes:
        name: Library and detector, with what differs from its defaults.
        make: Makes a fresh detector.
        score: Scores of rows, shape (rows,), higher is more anomalous.
        takes: What the detector is given in place of a float32 matrix.
        rows: It is not asked to fit more: it would take too long.
        ours: Whether it is of this platform.
        on_sets: Whether the part on accuracy runs it, too: ours by its name, a peer by PyOD's interface.
    """

    name: str
    make: Callable[[Setup], Any]
    score: Callable[[Any, Any], np.ndarray]
    takes: Callable[[np.ndarray], Any] = np.asarray
    rows: int | None = None
    ours: bool = False
    on_sets: bool = False

    def takes_on(self, rows: int) -> bool:
        """Whether it is asked to fit so many rows."""
        return self.rows is None or rows <= self.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One fit and one scoring of other rows.

    Attributes:
        fit: Cost of fitting; PyOD and DeepOD score the training rows in it, and cannot be told not to.
        score: Cost of scoring as many other rows.
        row: Cost of scoring one row.
        peak: Bytes above what was resident before, the highest of fitting and scoring; None where it is not known.
        auc: ROC AUC on the scored rows.
        precision: Average precision on the scored rows.
        scores: Of those rows; none where the trial was read from a file.
    """

    fit: Cost
    score: Cost
    row: Cost
    peak: float | None
    auc: float
    precision: float
    scores: np.ndarray = field(repr=False, default_factory=lambda: np.empty(0))

    def __str__(self) -> str:
        peak = "" if self.peak is None else f", {self.peak / 2**20:.0f} MiB"
        return f"fit {self.fit.cpu:.3g} and score {self.score.cpu:.3g} CPU s{peak}, ROC AUC {self.auc:.3f}"

    def seconds(self, figure: str) -> float:
        """CPU seconds of `fit`, `score`, `row`, or `both`: fit and score; `wall`: wall seconds of both."""
        both = self.fit + self.score
        known = {"fit": self.fit.cpu, "score": self.score.cpu, "row": self.row.cpu, "both": both.cpu, "wall": both.wall}
        return known[figure]

    def to_json(self) -> list[float | None]:
        """The figures that WRITTEN names, to four digits."""
        costs = [seconds for cost in (self.fit, self.score, self.row) for seconds in (cost.cpu, cost.wall)]
        figures = [*costs, self.peak, self.auc, self.precision]
        return [None if figure is None else float(f"{figure:.4g}") for figure in figures]

    @classmethod
    def from_json(cls, figures: Sequence[Any]) -> Self:
        """What `to_json` wrote, without the scores."""
        named = dict(zip(WRITTEN, figures, strict=True))
        fit, score, row = (Cost(cpu=named[f"{of} CPU s"], wall=named[f"{of} wall s"]) for of in ("fit", "score", "row"))
        return cls(
            fit=fit,
            score=score,
            row=row,
            peak=named["peak bytes"],
            auc=named["ROC AUC"],
            precision=named["avg precision"],
        )


def run_trial(side: Side, rows: Rows, setup: Setup) -> Trial:
    """Make a fresh detector, fit it and score other rows."""
    fitted, scored, one = side.takes(rows.fit), side.takes(rows.score), side.takes(rows.score[:1])
    start_globals(setup.seed)
    with quiet():
        detector = side.make(setup)
        with Peak() as peak:
            _, fit = timed(lambda: detector.fit(fitted))
            scores, score = timed(lambda: np.asarray(side.score(detector, scored), dtype=np.float64).ravel())
        row = timed_often(lambda: side.score(detector, one))
    auc, precision = measures(rows.labels, np.nan_to_num(scores))
    return Trial(fit=fit, score=score, row=row, peak=peak.bytes, auc=auc, precision=precision, scores=scores)


def start_globals(seed: int) -> None:
    """Start the global generators, which peers draw from; ours have their own."""
    np.random.seed(seed)  # noqa: NPY002 - peers use it
    torch.manual_seed(seed)


def our_side(name: str, make: Callable[[Setup], Any], *, rows: int | None = None, on_sets: bool = False) -> Side:
    """A detector of this platform."""
    return Side(
        name=name,
        make=make,
        score=lambda fitted, data: fitted.score(data),
        takes=Dataset.from_array,
        rows=rows,
        ours=True,
        on_sets=on_sets,
    )


def peer_side(name: str, make: Callable[[Setup], Any], *, rows: int | None = None) -> Side:
    """A detector with PyOD's interface."""
    return Side(
        name=name, make=make, score=lambda fitted, data: fitted.decision_function(data), rows=rows, on_sets=True
    )
