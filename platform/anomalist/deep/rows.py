"""What goes into a network and what comes out: a bounded sample of rows, one scale, weights as arrays, scores in blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from anomalist.detector import Floats, State

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset

__all__ = ["Scaler", "in_blocks", "load_weights", "sample", "weights"]

_BLOCK_NUMBERS = 1 << 20


def sample(data: Dataset, limit: int, seed: int, name: str) -> tuple[Floats, tuple[str, ...]]:
    """Return the values to train on, at most `limit` rows drawn without replacement, and a note where rows were left out."""
    if len(data) <= limit:
        return data.values, ()
    rows = np.random.default_rng(seed).choice(len(data), size=limit, replace=False)
    rows.sort()
    return data.values[rows], (f"{name}: trained on {limit} of {len(data)} rows, drawn at random (max_rows)",)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaler:
    """Centre and spread of each column, so that no column dominates a loss whatever its unit; shape (columns,) each.

    Values are squashed to `limit` spreads, smoothly and strictly monotonically, so that one gross value does not rule
    the gradient and a larger one still scores higher.
    """

    centre: Floats
    spread: Floats
    limit: float

    @classmethod
    def fit(cls, values: Floats, *, limit: float = 10.0) -> Self:
        """Take the mean and standard deviation of values of shape (rows, columns); a constant column gets a spread of 1."""
        centre = values.mean(axis=0, dtype=np.float64)
        spread = values.std(axis=0, dtype=np.float64)
        flat = spread <= 1e-6 * np.maximum(np.abs(centre), 1e-6)
        return cls(centre=centre, spread=np.where(flat, 1.0, spread), limit=limit)

    def apply(self, values: Floats) -> Floats:
        """Scale to float64, shape as given."""
        return (values - self.centre) / self.spread
