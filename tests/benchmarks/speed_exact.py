"""What fitting the one-class SVM to many rows costs, beside an exact fit of as many, which nobody waits for.

The exact machine is scikit-learn's, which ours calls where it does not approximate, with the same parameters, fitted to
growing numbers of rows. The cost of fitting all rows is extrapolated by a power law, a line through the logarithms of
rows and seconds. That flatters the exact machine: once its kernel outgrows the solver's cache, it is slower still.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from anomalist.data.dataset import Dataset
from anomalist_plugins.ocsvm.detector import OneClassSVM
from tests.benchmarks.speed_data import make_rows
from tests.benchmarks.tabular import measures
from tests.benchmarks.timing import Spread, timed

if TYPE_CHECKING:
    from collections.abc import Mapping

GROWTH = (1_250, 2_500, 5_000, 10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeFit:
    """Measured and extrapolated costs, and how well the machines do.

    Attributes:
        rows: Rows of the large fit.
        columns: Columns.
        exact_seconds: CPU seconds of the exact fit by rows.
        exponent: Of the power law through them.
        residual: The largest factor by which a measured cost is off the power law.
        extrapolated: What it gives for `rows`, in CPU seconds.
        seconds: CPU seconds of our fit of `rows`, by turn.
        auc_exact: ROC AUC of the exact machine fitted to the most rows it was, on rows that no machine was fitted to.
        auc_same: Of ours, approximating, fitted to the same rows as that one.
        auc_all: Of ours fitted to `rows`.
    """

    rows: int
    columns: int
    exact_seconds: dict[int, float]
    exponent: float
    residual: float
    extrapolated: float
    seconds: tuple[float, ...]
    auc_exact: float
    auc_same: float
    auc_all: float

    @property
    def exact_rows(self) -> int:
        return max(self.exact_seconds)

    @property
    def ratio(self) -> Spread:
        """CPU seconds of our fit over the extrapolated ones of the exact fit."""
        return Spread.of([second / self.extrapolated for second in self.seconds])

    @property
    def gap(self) -> float:
        """By how much the worse of our fits lies above the exact one in ROC AUC."""
        return min(self.auc_same, self.auc_all) - self.auc_exact

    def lines(self) -> list[str]:
        """What a reader is told."""
        measured = ", ".join(f"{rows:,}: {seconds:.3g} s" for rows, seconds in self.exact_seconds.items())
        return [
            f"ocsvm, fit of {self.rows:,} x {self.columns}: {statistics.median(self.seconds):.3g} CPU s, "
            f"{self.ratio} of the exact fit's {self.extrapolated:.3g} CPU s",
            f"  exact, extrapolated from {measured}: CPU seconds grow as rows ** {self.exponent:.2f}, "
            f"no measured one off that by more than a factor of {self.residual:.2f}",
            f"  ROC AUC: exact on {self.exact_rows:,} rows {self.auc_exact:.4f}, ours on the same {self.auc_same:.4f}, "
            f"ours on all {self.auc_all:.4f}",
        ]

    def to_json(self) -> dict[str, Any]:
        names = ("rows", "columns", "exact_seconds", "exponent", "residual", "extrapolated", "seconds")
        aucs = ("auc_exact", "auc_same", "auc_all")
        return {name: getattr(self, name) for name in (*names, *aucs)}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        exact = {int(rows): seconds for rows, seconds in found["exact_seconds"].items()}
        return cls(**{**found, "exact_seconds": exact, "seconds": tuple(found["seconds"])})


def large_fit(*, rows: int, columns: int, repeat: int, growth: tuple[int, ...] = GROWTH) -> LargeFit:
    """Fit ours to `rows` rows and the exact machine to growing numbers of them, `repeat` times in turn."""
    data = make_rows(rows, columns)
    most = max(growth)
    labels = data.labels[:most]
    everything, scored = Dataset.from_array(data.fit), Dataset.from_array(data.score[:most])
    mine: list[float] = []
    theirs: dict[int, list[float]] = {count: [] for count in growth}
    for turn in range(repeat):
        ours = OneClassSVM(seed=turn)
        mine.append(timed(partial(ours.fit, everything))[1].cpu)
        for count in growth:
            exact = OneClassSVM(exact_rows=count, seed=turn)
            theirs[count].append(timed(partial(exact.fit, everything.take(slice(count))))[1].cpu)
    seconds = {count: statistics.median(costs) for count, costs in theirs.items()}
    law = np.polynomial.Polynomial.fit(np.log(list(seconds)), np.log(list(seconds.values())), 1).convert()
    off = [abs(float(law(np.log(count))) - np.log(second)) for count, second in seconds.items()]
    approximate = OneClassSVM(exact_rows=0).fit(everything.take(slice(most)))
    return LargeFit(
        rows=rows,
        columns=columns,
        exact_seconds=seconds,
        exponent=float(law.coef[1]),
        residual=float(np.exp(max(off))),
        extrapolated=float(np.exp(law(np.log(rows)))),
        seconds=tuple(mine),
        auc_exact=measures(labels, exact.score(scored))[0],
        auc_same=measures(labels, approximate.score(scored))[0],
        auc_all=measures(labels, ours.score(scored))[0],
    )
