"""What a network rebuilds badly everywhere says little: the error that is typical of each column."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable

    from anomalist.deep.rows import Fitted
    from anomalist.detector import Floats

__all__ = ["typical_errors"]

_ROWS = 4096
_MEDIAN = 0.4549  # of a squared standard normal
_SHARE = 0.1  # of the errors of the other columns: a column that never errs must not rule the score
_LEAST = 1e-4  # in squared spreads; less is no measure of anything

Network = TypeVar("Network", bound=nn.Module)


def typical_errors(fitted: Fitted[Network], values: Floats, errors: Callable[[Tensor], Tensor], *, seed: int) -> Tensor:
    """The squared error that is typical of each column over the training rows, from its median: wild rows do not count.

    Columns that cannot be foretold from the others would otherwise drown out those that can, where an error means more.

    Args:
        fitted: The trained network.
        values: The training rows, shape (rows, columns); of more than 4,096 a sample is looked at.
        errors: Takes scaled rows, gives squared errors of shape (members, rows, columns).
        seed: Of the sample.

    Returns:
        float64 with the precision of float32, which is what is saved; shape (members, 1, columns), above 0.
    """
    if len(values) > _ROWS:
        values = values[np.random.default_rng(seed).choice(len(values), size=_ROWS, replace=False)]
    with torch.inference_mode():
        found = errors(torch.from_numpy(fitted.scaler.apply(values)))
    median = found.median(1, keepdim=True).values / _MEDIAN
    least = (_SHARE * median.median(2, keepdim=True).values).clamp_min(_LEAST)
    return torch.maximum(median, least).float().double()
