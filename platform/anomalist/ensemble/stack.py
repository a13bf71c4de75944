"""Stack: the consensus and what analysts say of some rows, learned into one score.

A stacker is to verdicts what a combiner is to surprises. It sees of each row the consensus, what every member said and
the encoded columns, learns from the rows that have a verdict, and gives the log-odds that an analyst would call a row
an anomaly (Wolpert 1992, "Stacked generalization", is where the name comes from).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

import numpy as np

from anomalist.errors import DataError

if TYPE_CHECKING:
    from anomalist.detector import Bools, Floats, Ints, State

__all__ = ["Attributing", "Evidence", "Lesson", "Stacker", "Uncertain", "log_odds_at_rate"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What a model knows of some rows before anyone has judged them.

    Attributes:
        consensus: Surprise of the consensus in bits, shape (rows,).
        surprises: Surprise of each member in bits, shape (rows, members).
        columns: The encoded rows, shape (rows, columns).
    """

    consensus: Floats
    surprises: Floats
    columns: Floats

    def __post_init__(self) -> None:
        rows = self.consensus.size
        if self.consensus.ndim != 1 or self.surprises.shape[:1] != (rows,) or self.columns.shape[:1] != (rows,):
            raise DataError(
                f"a stacker needs the same rows everywhere, got {self.consensus.shape} of the consensus, "
                f"{self.surprises.shape} of the members and {self.columns.shape} of the columns"
            )

    def __len__(self) -> int:
        return int(self.consensus.size)

    def take(self, rows: Ints | Bools | slice) -> Evidence:
        """The same of some of the rows."""
        return Evidence(consensus=self.consensus[rows], surprises=self.surprises[rows], columns=self.columns[rows])

    def followed_by(self, other: Evidence) -> Evidence:
        """These rows and then those of another."""
        return Evidence(
            consensus=np.concatenate([self.consensus, other.consensus]),
            surprises=np.concatenate([self.surprises, other.surprises]),
            columns=np.concatenate([self.columns, other.columns]),
        )

    def unlike(self, other: Evidence) -> Evidence:
        """The rows whose encoded columns are not those of a row of the other."""
        known = {row.tobytes() for row in np.ascontiguousarray(other.columns)}
        new = [row.tobytes() not in known for row in np.ascontiguousarray(self.columns)]
        return self.take(np.array(new, dtype=np.bool_))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lesson:
    """What a stacker learns from.

    Attributes:
        judged: The rows with a verdict; there may be none.
        labels: 1 where the verdict is an anomaly, else 0, shape (judged rows,).
        background: Rows as they come, most of them not judged: what the stacker will have to rank.
        rate: The share of anomalies expected among such rows.
        seed: Of all randomness.
    """

    judged: Evidence
    labels: Floats
    background: Evidence
    rate: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        if self.labels.shape != (len(self.judged),) or not np.isin(self.labels, (0, 1)).all():
            raise DataError(f"each of {len(self.judged)} judged rows needs a label, 0 or 1, got {self.labels.shape}")
        if not len(self.background):
            raise DataError("a stacker needs rows as they come, got none")
        if not 0 < self.rate < 1:
            raise DataError(f"the expected share of anomalies must be between 0 and 1, got {self.rate}")

    def without(self, rows: Ints | Bools) -> Lesson:
        """The same lesson with some of the judged rows held back."""
        kept = np.ones(len(self.judged), dtype=np.bool_)
        kept[rows] = False
        return Lesson(
            judged=self.judged.take(kept),
            labels=self.labels[kept],
            background=self.background,
            rate=self.rate,
            seed=self.seed,
        )


@runtime_checkable
class Stacker(Protocol):
    """Learns from verdicts; a dataclass whose fields are its parameters, all with defaults."""

    def fit(self, lesson: Lesson, /) -> Self:
        """Learn from judged rows, of whichever kind and however few, and return the stacker itself."""
        ...

    def log_odds(self, rows: Evidence, /) -> Floats:
        """Return shape (rows,), finite: log(p / (1 - p)), p the probability that an analyst calls the row an anomaly.

        Its level, the same for all rows, may be off: who uses it sets that by the expected share of anomalies. The
        answer for a row depends on that row alone.
        """
        ...

    def state(self) -> State:
        """Return what `restore` needs to answer again: arrays and plain values."""
        ...

    def restore(self, state: State, /) -> Self:
        """Become the fitted stacker that `state` was taken from and return the stacker itself."""
        ...


@runtime_checkable
class Uncertain(Protocol):
    """A stacker that knows how sure it is."""

    def deviation(self, rows: Evidence, /) -> Floats:
        """Return the standard deviation of the log-odds, shape (rows,), positive."""
        ...


@runtime_checkable
class Attributing(Protocol):
    """A stacker that says what moved its score away from the consensus."""

    def moved(self, rows: Evidence, /) -> tuple[Floats, Floats]:
        """Return by how many nats each member, shape (rows, members), and each column, shape (rows, columns), moved it.

        Positive towards an anomaly.
        """
        ...


def log_odds_at_rate(log_odds: Floats, rate: float) -> float:
    """What to add to log-odds, shape (rows,), so that their mean probability is `rate`, between 0 and 1."""
    low, high = -50.0 - float(log_odds.max()), 50.0 - float(log_odds.min())
    for _ in range(80):
        middle = 0.5 * (low + high)
        if float((1.0 / (1.0 + np.exp(-np.clip(middle + log_odds, -500.0, 500.0)))).mean()) < rate:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
