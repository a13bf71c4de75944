"""What a pair of sides measured on one size of table, as figures, as a line of the table and as JSON."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.benchmarks.speed_data import make_rows
from tests.benchmarks.speed_pairs import Pair, groups, sides
from tests.benchmarks.speed_sides import Setup, Side, Trial, run_trial
from tests.benchmarks.timing import Spread, alternate, ratios

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FIGURES = ("fit", "score", "both", "wall", "row")

WARM_UP_ROWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The trials of both sides of a pair on one size; a side that was left out has none."""

    pair: Pair
    rows: int
    columns: int
    ours: Sequence[Trial]
    peer: Sequence[Trial]

    def ratio(self, figure: str) -> Spread | None:
        """Ours over the peer's, turn by turn; None where one was left out."""
        if not self.ours or not self.peer:
            return None
        return ratios([trial.seconds(figure) for trial in self.ours], [trial.seconds(figure) for trial in self.peer])

    def gap(self) -> float | None:
        """By how much our ROC AUC lies above the peer's; None where one was left out."""
        if not self.ours or not self.peer:
            return None
        return _mean(self.ours, lambda trial: trial.auc) - _mean(self.peer, lambda trial: trial.auc)

    def difference(self) -> float | None:
        """The largest difference of a score of ours from the peer's; None unless both ran and must give the same."""
        if not self.pair.equal or not self.ours or not self.peer:
            return None
        turns = zip(self.ours, self.peer, strict=False)
        return max(float(np.abs(mine.scores - their.scores).max()) for mine, their in turns)

    @property
    def size(self) -> str:
        return f"{self.rows:,} x {self.columns}"

    @property
    def turns(self) -> str:
        """How many turns were taken, or why there is no ratio."""
        if not self.ours:
            return f"left out above {self.pair.ours.rows:,} rows"
        if not self.peer:
            return f"peer left out above {self.pair.peer.rows:,} rows"
        return str(min(len(self.ours), len(self.peer)))

    def both(
        self,
        value: Callable[[Trial], float],
        form: str,
        middle: Callable[[Sequence[float]], float] = statistics.median,
    ) -> str:
        """The medians of ours and of the peer's, or another middle."""
        values = [middle([value(trial) for trial in trials]) for trials in (self.ours, self.peer) if trials]
        return " / ".join("-" if np.isnan(number) else format(number, form) for number in values)

    def to_json(self) -> dict[str, Any]:
        """Every figure of every trial, and the ratios."""
        found = {name: self.ratio(name) for name in FIGURES}
        return {
            "ours": self.pair.ours.name,
            "peer": self.pair.peer.name,
            "rows": self.rows,
            "columns": self.columns,
            "ratios": {
                name: {"median": spread.median, "low": spread.low, "high": spread.high}
                for name, spread in found.items()
                if spread is not None
            },
            "largest_difference": self.difference(),
            "trials": {"ours": [_trial(trial) for trial in self.ours], "peer": [_trial(trial) for trial in self.peer]},
        }


def measure(
    pairs: Sequence[Pair], *, rows: int, columns: int, repeat: int, seconds: float, threads: int, device: str
) -> Iterator[Result]:
    """Fit and score every side of the pairs on tables of one size; sides that share a pair take turns.

    Each side first fits a small table that is not timed, so that imports and set-up are not in the first turn. The
    rows are the same in every turn, the seed of the detectors is another.
    """
    data = make_rows(rows, columns)
    small = make_rows(min(rows, WARM_UP_ROWS), columns)

    def turns(side: Side) -> Callable[[int], Trial]:
        run_trial(side, small, Setup(seed=0, columns=columns, threads=threads, device=device))
        return lambda turn: run_trial(side, data, Setup(seed=turn, columns=columns, threads=threads, device=device))

    def able(side: Side) -> bool:
        return side.rows is None or rows <= side.rows

    for group in groups(pairs):
        needed = sides([pair for pair in group if able(pair.ours)])
        trials = alternate({side.name: turns(side) for side in needed if able(side)}, repeat=repeat, seconds=seconds)
        for pair in group:
            ours, peer = trials.get(pair.ours.name, []), trials.get(pair.peer.name, [])
            yield Result(pair=pair, rows=rows, columns=columns, ours=ours, peer=peer if ours else [])


def _mean(trials: Sequence[Trial], value: Callable[[Trial], float]) -> float:
    return statistics.mean(map(value, trials))


def _trial(trial: Trial) -> dict[str, Any]:
    seconds = {
        f"{name}_{kind}": getattr(getattr(trial, name), kind)
        for name in ("fit", "score", "row")
        for kind in ("cpu", "wall")
    }
    return {**seconds, "peak": trial.peak, "auc": trial.auc, "precision": trial.precision}
