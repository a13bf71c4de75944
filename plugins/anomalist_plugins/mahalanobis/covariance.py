"""A location and covariance that a minority of wild rows cannot bend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import solve_triangular

from anomalist.detector import check_deadline

if TYPE_CHECKING:
    from anomalist.detector import Floats

_FLOOR = 1e-9


def trimmed_covariance(
    values: Floats, *, trim: float, shrinkage: float | None, steps: int
) -> tuple[Floats, Floats, int]:
    """Mean and covariance of the rows that lie closest together, and the steps it took.

    The concentration steps of FastMCD (Rousseeuw & Van Driessen 1999): fit, keep the closest rows, fit again, until
    the rows stay the same. One deterministic start, the rows closest to the median in units of each column's spread,
    takes the place of random ones (as in Hubert, Rousseeuw & Verdonck 2012). Each covariance is shrunk towards a
    multiple of the identity, so that it can be inverted with more columns than rows, with collinear and with constant
    columns.

    Args:
        values: float64, shape (rows, columns).
        trim: The share of the rows that is left out, 0 to 0.5.
        shrinkage: Weight of the identity, 0 to 1; None estimates it (Ledoit & Wolf 2004).
        steps: The most concentration steps.
    """
    rows = len(values)
    kept = min(rows, max(int(np.ceil((1.0 - trim) * rows)), rows // 2 + 1))
    spread = values.var(axis=0)
    spread[spread <= 0] = 1.0
    distance = ((values - np.median(values, axis=0)) ** 2 / spread).sum(axis=1)
    chosen = _closest(distance, kept)
    for step in range(1, steps + 1):
        check_deadline()
        center, covariance = _shrunk(values[chosen], shrinkage)
        if kept == rows:
            return center, covariance, step
        distance = squared_distance(values, center, covariance)
        closest = _closest(distance, kept)
        if np.array_equal(closest, chosen):
            return center, covariance, step
        chosen = closest
    center, covariance = _shrunk(values[chosen], shrinkage)
    return center, covariance, steps


def squared_distance(values: Floats, center: Floats, covariance: Floats) -> Floats:
    """Squared Mahalanobis distance of each row, shape (rows,)."""
    root = np.linalg.cholesky(covariance)
    return np.asarray((solve_triangular(root, (values - center).T, lower=True) ** 2).sum(axis=0))


def whitener(covariance: Floats) -> Floats:
    """The whitening matrix whose outputs stay closest to the columns they stand for, shape (columns, columns).

    The correlation matrix's inverse root times the columns' inverse deviations: squared outputs add up to the squared
    Mahalanobis distance, none is negative, and each is the one most correlated with its own column (Garthwaite & Koch
    2016).
    """
    deviation = np.sqrt(np.diag(covariance))
    spectrum, axes = np.linalg.eigh(covariance / np.outer(deviation, deviation))
    spectrum = np.maximum(spectrum, _FLOOR * spectrum[-1])
    return np.asarray((axes / np.sqrt(spectrum)) @ axes.T / deviation)


def _closest(distance: Floats, count: int) -> Floats:
    """Numbers of the `count` smallest, ascending; equal distances go to the earlier row."""
    return np.asarray(np.sort(np.argsort(distance, kind="stable")[:count]))


def _shrunk(values: Floats, shrinkage: float | None) -> tuple[Floats, Floats]:
    rows, columns = values.shape
    center = values.mean(axis=0)
    centered = values - center
    covariance = centered.T @ centered / rows
    mean_variance = float(np.trace(covariance)) / columns
    if mean_variance <= 0:
        return center, np.eye(columns)
    if shrinkage is None:
        shrinkage = _estimated_shrinkage(centered, covariance, mean_variance)
    weight = max(shrinkage, _FLOOR)
    covariance *= 1.0 - weight
    covariance.flat[:: columns + 1] += weight * mean_variance
    return center, covariance


def _estimated_shrinkage(centered: Floats, covariance: Floats, mean_variance: float) -> float:
    """The weight of the identity with the least expected squared error (Ledoit & Wolf 2004, section 3.3)."""
    rows, columns = centered.shape
    size = float((covariance**2).sum())
    apart = size - columns * mean_variance**2  # of the covariance from the multiple of the identity
    if apart <= 0:
        return 0.0
    error = (float((np.einsum("ij,ij->i", centered, centered) ** 2).mean()) - size) / rows
    return float(min(max(error, 0.0) / apart, 1.0))
