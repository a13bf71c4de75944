"""What a network rebuilds badly everywhere says little: the error that is typical of each column."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from anomalist.deep.rows import Fitted
    from anomalist.detector import Floats

__all__ = ["some_rows", "typical_distance", "typical_errors"]

_ROWS = 4096
_MEDIAN = 0.4549  # of a squared standard normal
_SHARE = 0.1  # of the errors of the other columns: a column that never errs must not rule the score
_LEAST = 1e-4  # in squared spreads; less is no measure of anything

Network = TypeVar("Network", bound=nn.Module)


def some_rows(fitted: Fitted[Network], values: Floats, *, seed: int) -> Tensor:
    """Training rows of shape (rows, columns), scaled as the network sees them; of more than 4,096 a sample."""
    if len(values) > _ROWS:
        values = values[np.random.default_rng(seed).choice(len(values), size=_ROWS, replace=False)]
    return torch.from_numpy(fitted.scaler.apply(values))


def typical_errors(errors: Tensor) -> Tensor:
    """The squared error that is typical of each column over training rows, from its median: wild rows do not count.

    Columns that cannot be foretold from the others would otherwise drown out those that can, where an error means more.

    Args:
        errors: Squared errors, shape (members, rows, columns).

    Returns:
        float64 with the precision of float32, which is what is saved; shape (members, 1, columns), above 0.
    """
    median = errors.median(1, keepdim=True).values / _MEDIAN
    least = (_SHARE * median.median(2, keepdim=True).values).clamp_min(_LEAST)
    return torch.maximum(median, least).float().double()


def typical_distance(distance: Tensor) -> Tensor:
    """The median of a distance of training rows, shape (members, rows); as `typical_errors`, shape (members, 1)."""
    return distance.median(1, keepdim=True).values.clamp_min(_LEAST).float().double()
