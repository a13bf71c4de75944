"""Sampling: at most so many rows to train on, and the words in which every detector says that it left some out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats

__all__ = ["draw", "drawn"]


def draw(data: Dataset, limit: int, rng: np.random.Generator, *, parameter: str) -> tuple[Floats, tuple[str, ...]]:
    """Return the values to train on, at most `limit` rows drawn at random, and a note where rows are left out.

    The rows stay in their order; where none is left out they are not copied, and nothing is drawn.

    Args:
        data: The training rows.
        limit: The most rows.
        rng: What draws.
        parameter: What users call the limit.
    """
    if len(data) <= limit:
        return data.values, ()
    rows = np.sort(rng.choice(len(data), size=limit, replace=False))
    return data.values[rows], (drawn(limit, len(data), parameter),)


def drawn(kept: int, rows: int, parameter: str) -> str:
    """Say that a detector was trained on so many of the rows, and which parameter changes that.

    >>> drawn(5_000, 1_000_000, "rows")
    'trained on 5,000 of 1,000,000 rows, drawn at random (rows=5000)'
    """
    return f"trained on {kept:,} of {rows:,} rows, drawn at random ({parameter}={kept})"
