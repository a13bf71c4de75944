"""How rows are given to PyOD, so that the score of each depends on that row alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from anomalist.detector import Floats
    from anomalist_plugins.pyod.catalogue import Scoring

__all__ = ["BLOCK", "asked"]

BLOCK = 256
"""Rows of a block; every block has as many, so that a matrix product rounds alike."""

_SIZES: Mapping[Scoring, int] = {"rows": 4096, "blocks": BLOCK, "beside": 1, "columns": 4096}

Asked: TypeAlias = "tuple[slice, Callable[[], Floats]]"
"""Rows, and a function that scores them."""


def asked(scoring: Scoring, models: Sequence[Any], values: Floats, reference: Floats | None) -> Iterator[Asked]:
    """Rows and how they are scored, in steps, between which a deadline can be looked at.

    Args:
        scoring: How rows are given to PyOD.
        models: Its fitted objects: one for each column where `scoring` is `columns`, else one.
        values: The rows, float32, shape (rows, columns).
        reference: The rows beside which each is scored, where `scoring` is `beside`.
    """
    size = _SIZES[scoring]
    for start in range(0, len(values), size):
        rows = slice(start, min(start + size, len(values)))
        if scoring == "beside":
            assert reference is not None
            yield rows, partial(_last, models[0], values[start], reference)
        elif scoring == "columns":
            yield rows, partial(_highest, models, values[rows])
        else:
            yield rows, partial(_decide, models[0], values[rows], size if scoring == "blocks" else 0)


def _decide(model: Any, values: Floats, size: int) -> Floats:
    """Scores of rows, which are filled up to a block by repeating the last one."""
    rows = values.astype(np.float64)
    if size > len(rows):
        rows = np.concatenate([rows, np.repeat(rows[-1:], size - len(rows), axis=0)])
    return np.asarray(model.decision_function(rows), dtype=np.float64).ravel()[: len(values)]


def _highest(models: Sequence[Any], values: Floats) -> Floats:
    """The highest of the scores of each row's columns."""
    found = [_decide(model, column[:, None], 0) for model, column in zip(models, values.T, strict=True)]
    return np.asarray(np.max(found, axis=0))


def _last(model: Any, row: Floats, reference: Floats) -> Floats:
    """The score of a row as the last of the reference rows; one that is among them takes its own place."""
    same = np.flatnonzero((reference == row).all(axis=1))
    others = np.delete(reference, same[:1], axis=0)
    rows = np.concatenate([others, row[None]]).astype(np.float64)
    return np.asarray(model.decision_function(rows), dtype=np.float64).ravel()[-1:]
