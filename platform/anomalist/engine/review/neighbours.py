"""Neighbours: the judged rows that are most like a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.detector import Floats
    from anomalist.engine.feedback.verdicts import Judged

__all__ = ["Neighbour", "nearest", "usual_distance"]

_PAIRS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A judged row and how far away it is.

    Attributes:
        judged: The row and what was said of it.
        distance: Between the encoded rows, in usual distances: 0 where they are equal, 1 where they are as far apart as
            two rows drawn at random are.
    """

    judged: Judged
    distance: float


def usual_distance(columns: Floats, *, seed: int = 0) -> float:
    """The median distance between two rows drawn at random from encoded rows, shape (rows, columns); never 0."""
    rng = np.random.default_rng(seed)
    first, second = rng.integers(columns.shape[0], size=(2, _PAIRS))
    apart = np.linalg.norm(columns[first].astype(np.float64) - columns[second], axis=1)
    apart = apart[apart > 0]
    return float(np.median(apart)) if apart.size else 1.0


def nearest(
    row: Floats, columns: Floats, judged: Sequence[Judged], *, usual: float, most: int = 3
) -> tuple[Neighbour, ...]:
    """The judged rows nearest to a row, the nearest first; of equally near ones the one judged last.

    Args:
        row: The encoded row, shape (columns,).
        columns: The encoded judged rows, shape (judged rows, columns).
        judged: What was said of them, in the same order.
        usual: The unit, as `usual_distance` gives it.
        most: At most so many.
    """
    apart = np.linalg.norm(columns.astype(np.float64) - row, axis=1) / usual
    newest = [max(verdict.id for verdict in one.verdicts) for one in judged]
    order = sorted(range(len(judged)), key=lambda i: (float(apart[i]), -newest[i]))
    return tuple(Neighbour(judged=judged[i], distance=float(apart[i])) for i in order[:most])
