"""Quantiles of numbers of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.detector import Floats

__all__ = ["quantiles"]

_LARGE = 2.0**1022  # two numbers of this size may lie further apart than the largest number there is


def quantiles(values: Floats, shares: Sequence[float]) -> tuple[float, ...]:
    """The quantiles of finite values, shape (rows,), at least one, interpolated between neighbours.

    Large values are interpolated as quarters, which a power of two makes exact.

    >>> quantiles(np.array([-1.5e308, 1.5e308]), (0.25, 0.5))
    (-7.5e+307, 0.0)
    """
    part = 0.25 if max(float(values.max()), -float(values.min())) >= _LARGE else 1.0
    return tuple(float(value) / part for value in np.quantile(values * part, shares))
