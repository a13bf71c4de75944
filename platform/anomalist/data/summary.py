"""Summaries: how the values of a column are distributed, in a few kilobytes, so that later ones can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import polars as pl

from anomalist.data.keys import hash_text
from anomalist.data.ordering import ordered

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, Ints, State

__all__ = ["Levels", "Numbers", "Trail", "counts_of", "restored"]

GROUPS = 50
"""More levels than this are put into so many groups by a hash of their names."""

_KNOTS = 129
_WATCHED = 20_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers:
    """Where numbers lie: at some of them, how many are lower and how many are not higher.

    Attributes:
        knots: All different numbers, or of many 129, evenly by rank; ascending, float64, shape (k,).
        below: How many numbers are below each knot, int64, shape (k,).
        upto: How many are below or at it, int64, shape (k,).
        rows: How many numbers there are.
        memory: How many rows, in order, tell as much as one by itself; 1 where rows have no order.
    """

    knots: Floats
    below: Ints
    upto: Ints
    rows: int
    memory: float = 1.0

    @classmethod
    def fit(cls, values: Floats, *, memory: float = 1.0) -> Self:
        """Summarise numbers, shape (rows,); there may be none, and none is NaN."""
        in_order = np.sort(np.asarray(values, dtype=np.float64)) + 0.0  # -0.0 and 0.0 are one number
        first = np.flatnonzero(np.append(True, in_order[1:] != in_order[:-1])[: in_order.size])
        upto = np.append(first[1:], in_order.size)[: first.size]
        if first.size > _KNOTS:
            ranks = np.linspace(0, in_order.size - 1, _KNOTS).astype(np.int64)
            chosen = np.unique(np.searchsorted(first, ranks, side="right") - 1)
            first, upto = first[chosen], upto[chosen]
        return cls(knots=in_order[first], below=first, upto=upto, rows=in_order.size, memory=memory)

    def at(self, values: Floats) -> tuple[Ints, Ints]:
        """How many of other numbers are below each knot, and how many are not above it."""
        in_order = np.sort(values)
        return np.searchsorted(in_order, self.knots), np.searchsorted(in_order, self.knots, side="right")

    def quantile(self, share: float) -> float:
        """The first knot that so large a share of the numbers does not exceed; NaN where there are none."""
        if not self.rows:
            return np.nan
        return float(self.knots[np.searchsorted(self.upto, share * self.rows)])

    def state(self) -> State:
        """Arrays and plain values that `restored` needs."""
        return {
            "knots": self.knots,
            "below": self.below,
            "upto": self.upto,
            "rows": self.rows,
            "memory": self.memory,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levels:
    """How often each level occurs; where there are many, how often each of 50 groups of them does.

    Which group a level is in depends on its name alone, so that a level is not put by itself because it happened to be
    frequent in these rows: such levels are rarer in later rows, and would look as if they had gone back.

    Attributes:
        names: The levels, sorted; None where they are in groups.
        counts: The rows of each level or group, int64.
        singles: How many levels occur once.
        rows: How many values there are.
        memory: How many rows, in order, tell as much as one by itself; 1 where rows have no order.
    """

    names: tuple[str, ...] | None
    counts: Ints
    singles: int
    rows: int
    memory: float = 1.0

    @classmethod
    def fit(cls, text: pl.Series, *, memory: float = 1.0) -> Self:
        """Summarise values as text, none of which is missing; there may be none."""
        names, counts = counts_of(text)
        plain = len(names) <= GROUPS
        return cls(
            names=tuple(names) if plain else None,
            counts=counts if plain else np.bincount(_group(names), weights=counts, minlength=GROUPS).astype(np.int64),
            singles=int((counts == 1).sum()),
            rows=len(text),
            memory=memory,
        )

    def beside(self, text: pl.Series) -> tuple[tuple[str, ...] | None, Ints, Ints]:
        """Level by level, these rows and others: the names, the counts here and the counts there.

        Levels that only the others have come last; groups have no names.
        """
        names, counts = counts_of(text)
        if self.names is None:
            there = np.bincount(_group(names), weights=counts, minlength=GROUPS) if len(names) else np.zeros(GROUPS)
            return None, self.counts, there.astype(np.int64)
        known = set(self.names)
        all_names = (*self.names, *(name for name in names if name not in known))
        found = dict(zip(names, counts.tolist(), strict=True))
        here = np.append(self.counts, np.zeros(len(all_names) - len(self.names), dtype=np.int64))
        return all_names, here, np.array([found.get(name, 0) for name in all_names], dtype=np.int64)

    def state(self) -> State:
        """Arrays and plain values that `restored` needs."""
        return {
            "names": None if self.names is None else list(self.names),
            "counts": self.counts,
            "singles": self.singles,
            "rows": self.rows,
            "memory": self.memory,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trail:
    """Rows in the order of their time, to find out how long a value lasts.

    Neighbouring rows of a series are alike, so that many of them tell little more than one. What is learned from them
    is as sure as from a fraction of independent rows: one in `1 + 2 (r1 + r2 + ...)`, where rk is the correlation of
    rows k apart.

    Attributes:
        order: The last rows by entity and time, at most 20,000, shape (rows,).
        entity: The entity of each, shape (rows,).
    """

    order: Ints
    entity: Ints

    @classmethod
    def of(cls, data: Dataset) -> Self | None:
        """The trail of encoded rows; None where they have no time."""
        if data.time is None:
            return None
        order = ordered(data)[-_WATCHED:]
        entity = np.zeros(order.size, dtype=np.int64) if data.entity is None else data.entity[order]
        return cls(order=order, entity=np.unique(entity, return_inverse=True)[1])

    def memory(self, values: Floats) -> float:
        """How many neighbours tell as much as one row by itself, at least 1.

        The correlations, of ranks, are added up in pairs until a pair is not positive: what follows is noise (the
        initial positive sequence of Geyer 1992, "Practical Markov chain Monte Carlo").

        Args:
            values: Numbers for all rows, in the order of the data, NaN where missing.
        """
        mine = values[self.order]
        known = ~np.isnan(mine)
        centred = np.unique(mine, return_inverse=True)[1].astype(np.float64)  # equals have one rank
        sums = np.bincount(self.entity, weights=centred * known)
        centred -= (sums / np.maximum(np.bincount(self.entity, weights=known), 1.0))[self.entity]
        centred[~known] = 0.0
        power = float(centred @ centred)
        if power <= 0.0:
            return 1.0
        total, pair = 0.0, 1.0 + self._product(centred, 1) / power
        lag = 2
        while pair > 0.0 and lag < centred.size:
            total += pair
            pair = (self._product(centred, lag) + self._product(centred, lag + 1)) / power
            lag += 2
        return max(1.0, 2.0 * total - 1.0)

    def _product(self, centred: Floats, lag: int) -> float:
        """The sum over rows so many apart, of one entity, of their products."""
        same = self.entity[lag:] == self.entity[:-lag]
        return float((centred[lag:] * same) @ centred[:-lag])


def counts_of(text: pl.Series) -> tuple[list[str], Ints]:
    """The levels in order, and the rows of each."""
    found = text.rename("level").value_counts(name="rows").sort("level")
    return found.get_column("level").to_list(), found.get_column("rows").to_numpy().astype(np.int64)


def restored(state: State) -> Numbers | Levels:
    """The summary that `state` was taken from."""
    if "knots" in state:
        return Numbers(**state)
    names = state["names"]
    return Levels(**{**state, "names": None if names is None else tuple(names)})


def _group(names: list[str]) -> Ints:
    return (hash_text(pl.Series(names, dtype=pl.String)) % np.uint64(GROUPS)).astype(np.int64)
