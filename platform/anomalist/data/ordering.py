"""Rows with a time, put in order: per entity, by time, and cut where nothing was recorded for long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anomalist.data.scaling import grouped_quantile
from anomalist.errors import DataError

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.detector import Bools, Floats, Ints

__all__ = ["GAP", "Segments", "cut", "entity_codes", "entity_numbers", "ordered", "steps", "times", "typical_steps"]

GAP = 10.0
"""A step longer than this many typical steps is a gap."""

FREQUENT = 0.9
"""The typical step is this quantile of an entity's steps: what happens one time in ten, like a weekend, is no gap."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segments:
    """Stretches of ordered rows without a gap, each of one entity.

    Attributes:
        order: The row of the data at each place of the order, shape (rows,).
        starts: The place at which each segment starts, ascending, shape (segments,).
        sizes: The rows of each segment, shape (segments,).
        entity: The number of each segment's entity, as `entity_numbers` gives it, shape (segments,).
    """

    order: Ints
    starts: Ints
    sizes: Ints
    entity: Ints

    def longest(self, count: int) -> Ints:
        """The segments with the most rows, at most `count` of them; the earlier one first where they tie."""
        return np.argsort(-self.sizes, kind="stable")[:count]


def times(data: Dataset) -> Floats:
    """The time of each row in seconds, shape (rows,).

    Raises:
        DataError: The data are not rows, there are none, they have no time, or a time is not finite.
    """
    if data.values.ndim != 2:
        raise DataError(f"ordered rows are needed, got values of shape {data.values.shape}")
    if data.time is None:
        raise DataError("the rows have no time: name the time column with --time")
    if len(data) == 0:
        raise DataError("there are no rows to put in order: at least 1 is needed")
    if len(data.time) != len(data):
        raise DataError(f"{len(data.time)} times for {len(data)} rows")
    bad = np.flatnonzero(~np.isfinite(data.time))
    if bad.size:
        raise DataError(
            f"row {bad[0]} has no finite time, got {data.time[bad[0]]}; give every row a time or leave it out"
        )
    return data.time


def entity_codes(data: Dataset) -> Ints:
    """The codes of the entities, sorted; `[0]` where the rows have none."""
    return np.zeros(1, dtype=np.int64) if data.entity is None else np.unique(data.entity)


def entity_numbers(data: Dataset, known: Ints) -> Ints:
    """The number of each row's entity, shape (rows,): its place among the sorted `known` codes, or `len(known)`.

    Rows without an entity have code 0.
    """
    code = np.zeros(len(data), dtype=np.int64) if data.entity is None else data.entity
    place = np.minimum(np.searchsorted(known, code), len(known) - 1)
    return np.where(known[place] == code, place, len(known))


def ordered(data: Dataset) -> Ints:
    """The rows by entity, then by time; equal times stay as they came; shape (rows,)."""
    if data.entity is None:
        return np.argsort(times(data), kind="stable")
    return np.lexsort((times(data), data.entity))


def _fences(data: Dataset, order: Ints) -> Bools:
    """True at each place of the order at which an entity starts, shape (rows,)."""
    fence = np.zeros(len(order), dtype=bool)
    fence[0] = True
    if data.entity is not None:
        code = data.entity[order]
        fence[1:] = code[1:] != code[:-1]
    return fence


def steps(data: Dataset) -> Floats:
    """The seconds between neighbours of one entity, never negative, shape (rows - entities,)."""
    order = ordered(data)
    step: Floats = np.diff(times(data)[order])[~_fences(data, order)[1:]]
    return step


def typical_steps(data: Dataset, known: Ints, fewest: int) -> Floats:
    """The typical time step in seconds of each known entity, and last the pooled one, shape (entities + 1,).

    It is the 0.9 quantile of the steps above zero. An entity with fewer than `fewest` such steps gets the pooled one;
    infinity where no time ever differs from the one before.
    """
    order = ordered(data)
    step = np.diff(times(data)[order])
    inside = ~_fences(data, order)[1:] & (step > 0)
    step, group = step[inside], entity_numbers(data, known)[order[1:]][inside]
    if not step.size:
        return np.full(len(known) + 1, np.inf)
    each = grouped_quantile(step, group, len(known), FREQUENT)
    pooled = float(np.quantile(step, FREQUENT))
    enough = np.bincount(group, minlength=len(known)) >= fewest
    return np.append(np.where(enough, each, pooled), pooled)


def cut(data: Dataset, known: Ints, steps: Floats) -> Segments:
    """Put the rows in order and cut them between entities and at gaps.

    Args:
        data: Rows with time.
        known: The sorted codes of the entities fitted on.
        steps: The typical step of each of them in seconds and last the pooled one, shape (entities + 1,).
    """
    order = ordered(data)
    number = entity_numbers(data, known)[order]
    fence = _fences(data, order)
    fence[1:] |= np.diff(times(data)[order]) > GAP * steps[number[1:]]
    starts = np.flatnonzero(fence)
    return Segments(order=order, starts=starts, sizes=np.diff(np.append(starts, len(order))), entity=number[starts])
