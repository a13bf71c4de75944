"""What a pair of sides measured on one size of table: the trials of both, their ratios, and as JSON."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import click
import numpy as np

from tests.benchmarks.speed_data import make_rows
from tests.benchmarks.speed_pairs import FIT_ONLY, Pair, groups, sides
from tests.benchmarks.speed_sides import Setup, Side, Trial, run_trial
from tests.benchmarks.timing import Spread, alternate, ratios

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

FIGURES = ("fit", "fit_and_score_over_fit", "score", "both", "wall", "row")

WARM_UP_ROWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The trials of both sides of a pair on one size.

    Attributes:
        ours: The name of our side.
        peer: The name of the peer's side.
        rows: Fitted, and as many others scored.
        columns: Of both.
        threads: Of both sides.
        mine: Our trials, one for each turn.
        theirs: The peer's trials.
        difference: The largest difference of a score of ours from the peer's; None unless both must give the same.
        left_out: The side that is not asked for so many rows, and the most that it is asked for; None where both ran.
    """

    ours: str
    peer: str
    rows: int
    columns: int
    threads: int
    mine: Sequence[Trial]
    theirs: Sequence[Trial]
    difference: float | None = None
    left_out: tuple[str, int] | None = None

    @property
    def pair(self) -> str:
        return f"{self.ours} / {self.peer}"

    @property
    def size(self) -> str:
        return f"{self.rows:,} x {self.columns}"

    @property
    def key(self) -> tuple[str, int, int, int]:
        """What tells one result from another."""
        return self.pair, self.rows, self.columns, self.threads

    @property
    def turns(self) -> int:
        """How many turns both sides took."""
        return min(len(self.mine), len(self.theirs))

    def ratio(self, figure: str) -> Spread | None:
        """Ours over the peer's, turn by turn; None where one was left out.

        `fit_and_score_over_fit` is for peers that score the training rows while they fit: all of ours over that.
        """
        if not self.turns or (figure == "fit_and_score_over_fit" and self.peer in FIT_ONLY):
            return None
        of_ours, of_peer = ("both", "fit") if figure == "fit_and_score_over_fit" else (figure, figure)
        return ratios([one.seconds(of_ours) for one in self.mine], [one.seconds(of_peer) for one in self.theirs])

    def gap(self) -> float | None:
        """By how much our ROC AUC lies above the peer's; None where one was left out."""
        if not self.turns:
            return None
        return statistics.mean(one.auc for one in self.mine) - statistics.mean(one.auc for one in self.theirs)

    def to_json(self) -> dict[str, Any]:
        """Every figure of every trial."""
        return {
            "ours": self.ours,
            "peer": self.peer,
            "rows": self.rows,
            "columns": self.columns,
            "threads": self.threads,
            "difference": self.difference,
            "left_out": self.left_out,
            "trials": {"ours": [one.to_json() for one in self.mine], "peer": [one.to_json() for one in self.theirs]},
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        mine, theirs = ([Trial.from_json(one) for one in found["trials"][side]] for side in ("ours", "peer"))
        same = {name: found[name] for name in ("ours", "peer", "rows", "columns", "threads", "difference")}
        out = found["left_out"]
        return cls(**same, mine=mine, theirs=theirs, left_out=None if out is None else (out[0], out[1]))


def measure(
    pairs: Sequence[Pair], *, rows: int, columns: int, repeat: int, seconds: float, threads: int, device: str
) -> Iterator[Result]:
    """Fit and score every side of the pairs on tables of one size; sides that share a pair take turns.

    Each side first fits a small table that is not timed, so that imports and set-up are not in the first turn. The
    rows are the same in every turn, the seed of the detectors is another.
    """
    data = make_rows(rows, columns)
    small = make_rows(min(rows, WARM_UP_ROWS), columns)
    size = {"rows": rows, "columns": columns, "threads": threads}

    def setup(seed: int) -> Setup:
        return Setup(seed=seed, columns=columns, threads=threads, device=device)

    def turns(side: Side) -> Callable[[int], Trial]:
        run_trial(side, small, setup(0))

        def take(turn: int) -> Trial:
            trial = run_trial(side, data, setup(turn))
            click.echo(f"{rows:,} x {columns}, turn {turn + 1}: {side.name}, {trial}", err=True)
            return trial

        return take

    for group in groups(pairs):
        needed = sides([pair for pair in group if pair.ours.takes_on(rows)])
        able = [side for side in needed if side.takes_on(rows)]
        trials = alternate({side.name: turns(side) for side in able}, repeat=repeat, seconds=seconds)
        for pair in group:
            yield _result(pair, trials, size)


def _result(pair: Pair, trials: Mapping[str, Sequence[Trial]], size: Mapping[str, int]) -> Result:
    out = next((side for side in (pair.ours, pair.peer) if not side.takes_on(size["rows"])), None)
    mine = trials.get(pair.ours.name, [])
    theirs = trials.get(pair.peer.name, []) if mine else []
    turns = zip(mine, theirs, strict=False)
    return Result(
        ours=pair.ours.name,
        peer=pair.peer.name,
        **size,
        mine=mine,
        theirs=theirs,
        difference=max((float(np.abs(my.scores - their.scores).max()) for my, their in turns), default=None)
        if pair.equal
        else None,
        left_out=None if out is None or out.rows is None else (out.name, out.rows),
    )
