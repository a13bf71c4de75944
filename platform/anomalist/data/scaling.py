"""Median and quartiles: scales that a few gross values do not move, for each group of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from anomalist.detector import Floats, Ints

__all__ = ["CLIP", "grouped_quantile", "normalise", "robust_scaling"]

CLIP = 20.0
"""Normalised values beyond this say no more than "far out", and would only drown the rest."""

IQR = 1.349  # the quartiles of a normal distribution lie this many standard deviations apart
ROUNDING = 1e-6  # float32 keeps seven digits: a spread below this share of the largest value is rounding


def grouped_quantile(values: Floats, group: Ints, count: int, share: float) -> Floats:
    """A quantile within each group, NaN for an empty one.

    Args:
        values: Finite numbers, shape (n,).
        group: The group of each, 0 to count - 1, shape (n,).
        count: The number of groups.
        share: Which quantile, 0 to 1; interpolated linearly.

    Returns:
        float64, shape (count,).

    >>> import numpy as np
    >>> grouped_quantile(np.array([1.0, 9.0, 3.0, 7.0]), np.array([0, 2, 0, 2]), 3, 0.5).tolist()
    [2.0, nan, 8.0]
    """
    if not len(values):
        return np.full(count, np.nan)
    ranked = values[np.lexsort((values, group))].astype(np.float64)
    size = np.bincount(group, minlength=count)
    first = np.minimum(np.cumsum(size) - size, len(values) - 1)
    last = np.maximum(size - 1, 0)
    low = np.floor(share * last).astype(np.int64)
    below, above = ranked[first + low], ranked[first + np.minimum(low + 1, last)]
    return np.where(size > 0, below + (share * last - low) * (above - below), np.nan)


def robust_scaling(values: Floats, group: Ints, count: int, fewest: int) -> tuple[Floats, Floats]:
    """The centre and the scale of each column within each group, and last over all rows.

    The centre is the median. The scale is the range between the quartiles in standard deviations of a normal
    distribution; where the quartiles coincide, the standard deviation; where that is 0 too, the scale of all rows, and
    1 for a column that is constant everywhere. A group with fewer than `fewest` rows takes both from all rows.

    Args:
        values: Finite numbers, at least one row, shape (rows, columns).
        group: The group of each row, shape (rows,).
        count: The number of groups.
        fewest: See above.

    Returns:
        Two float32 arrays of shape (count + 1, columns).
    """
    size = np.bincount(group, minlength=count)
    centres = np.empty((count + 1, values.shape[1]), dtype=np.float32)
    scales = np.empty_like(centres)
    everyone = np.zeros(len(values), dtype=np.int64)
    for column in range(values.shape[1]):
        one = values[:, column].astype(np.float64)
        least = ROUNDING * float(np.abs(one).max())
        pooled_centre, pooled_scale = _centre_scale(one, everyone, 1, least)
        common = pooled_scale[0] if pooled_scale[0] > 0 else 1.0
        centre, scale = (pooled_centre, pooled_scale) if count == 1 else _centre_scale(one, group, count, least)
        centres[:, column] = np.append(np.where(size >= fewest, centre, pooled_centre), pooled_centre)
        scales[:, column] = np.append(np.where((size >= fewest) & (scale > 0), scale, common), common)
    return centres, scales


def _centre_scale(values: Floats, group: Ints, count: int, least: float) -> tuple[Floats, Floats]:
    """The median and the scale of each group, each of shape (count,); a scale of 0 where the group is constant."""
    low, centre, high = (grouped_quantile(values, group, count, share) for share in (0.25, 0.5, 0.75))
    size = np.maximum(np.bincount(group, minlength=count), 1)
    mean = np.bincount(group, values, minlength=count) / size
    deviation = np.sqrt(np.bincount(group, (values - mean[group]) ** 2, minlength=count) / size)
    scale = np.where(high - low > least, (high - low) / IQR, deviation)
    return centre, np.where(scale > least, scale, 0.0)


def normalise(values: Floats, centres: Floats, scales: Floats) -> None:
    """Subtract the centres, divide by the scales and clip at 20, in place; the three must broadcast together."""
    with np.errstate(over="ignore"):  # a value beyond float32 after scaling is clipped like any other far one
        np.subtract(values, centres, out=values)
        np.divide(values, scales, out=values)
    np.clip(values, -CLIP, CLIP, out=values)
