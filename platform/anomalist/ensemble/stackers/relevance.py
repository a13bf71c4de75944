"""Relevance: which columns set the anomalies found so far apart, and how far apart rows are where these count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from anomalist.detector import Floats

__all__ = ["median_distance", "relevance", "squared_distances"]

_PRIOR = 3.0  # so many anomalies weigh as much as the belief that all columns are alike
_PAIRED = 300
_SMALL = 1e-9


def relevance(anomalies: Floats, background: Floats) -> Floats:
    """How much each column counts, shape (columns,), summing to 1.

    A column counts by how far the anomalies lie from the rows as they come (squared mean shift in units of the
    variance, less what chance gives) and by how close together they lie (logarithm of the ratio of variances), shrunk
    towards all columns alike while there are few anomalies.

    Args:
        anomalies: Shape (anomalies, columns); there may be none.
        background: Rows as they come, shape (rows, columns).
    """
    columns = background.shape[1]
    alike = np.full(columns, 1.0 / max(columns, 1))
    count = len(anomalies)
    if not count:
        return alike
    variance = background.var(axis=0) + _SMALL
    shift = np.maximum((anomalies.mean(axis=0) - background.mean(axis=0)) ** 2 / variance - 1.0 / count, 0.0)
    pooled = (anomalies.var(axis=0) * count + variance * _PRIOR) / (count + _PRIOR)
    found = shift + np.maximum(np.log(variance / pooled), 0.0)
    trust = count / (count + _PRIOR)
    if found.sum() <= _SMALL:
        return alike
    result: Floats = (1.0 - trust) * alike + trust * found / found.sum()
    return result


def squared_distances(left: Floats, right: Floats) -> Floats:
    """Squared Euclidean distances of all pairs, shape (left rows, right rows)."""
    norms = np.einsum("ij,ij->i", left, left)[:, None] + np.einsum("ij,ij->i", right, right)[None, :]
    distances: Floats = np.maximum(norms - 2.0 * (left @ right.T), 0.0)
    return distances


def median_distance(rows: Floats, rng: np.random.Generator) -> float:
    """The median squared distance between unlike rows, of a sample; 1 where all rows are alike."""
    some = rows[rng.permutation(len(rows))[:_PAIRED]]
    distances = squared_distances(some, some)
    apart = distances[distances > 1e-12]
    return float(np.median(apart)) if apart.size else 1.0
