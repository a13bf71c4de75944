"""Anomalies made for tables of normal rows, of the four kinds that ADBench tells apart (Han et al. 2022, 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.mixture import GaussianMixture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anomalist.detector import Floats

__all__ = ["KINDS", "made"]

_WIDER = 5.0  # times the covariance of the cloud that a local anomaly belongs to
_BEYOND = 0.1  # of a column's range, on either side, that global anomalies may lie outside
_FAR = 0.99  # the share of the normal rows that are nearer to the centre than a cluster of anomalies
_TIGHT = 0.2  # the spread of that cluster, in those of the columns
_MOST_CLOUDS = 5
_RIDGE = 1e-3


def made(kind: str, values: Floats, rows: int, rng: np.random.Generator) -> Floats:
    """Make rows, shape (rows, columns), that are strange among `values`; where those are whole numbers, these are.

    - local: from a mixture of Gaussian clouds that was fitted to the rows, but of five times the covariance.
    - global: anywhere in the range of each column and a little beyond.
    - clustered: close together, as far from the centre as the farthest hundredth of the rows.
    - dependency: each column from another row, so that columns are as they were and no longer belong together.
    """
    values = np.asarray(values, dtype=np.float64)
    spread = np.where(values.std(axis=0) > 0, values.std(axis=0), 1.0)
    centre = values.mean(axis=0)
    found = centre + spread * KINDS[kind]((values - centre) / spread, rows, rng)
    whole = (np.mod(values, 1.0) == 0).all(axis=0)
    constant = values.std(axis=0) == 0
    return np.where(constant, centre, np.where(whole, np.rint(found), found))


def _local(values: Floats, rows: int, rng: np.random.Generator) -> Floats:
    most = max(1, min(_MOST_CLOUDS, len(values) // (5 * values.shape[1])))
    mixtures = [GaussianMixture(clouds, reg_covar=_RIDGE, random_state=0).fit(values) for clouds in range(1, most + 1)]
    best = min(mixtures, key=lambda mixture: mixture.bic(values))
    of = rng.choice(best.n_components, size=rows, p=best.weights_)
    drawn = [rng.multivariate_normal(best.means_[i], _WIDER * best.covariances_[i], method="eigh") for i in of]
    return np.array(drawn)


def _global(values: Floats, rows: int, rng: np.random.Generator) -> Floats:
    low, high = values.min(axis=0), values.max(axis=0)
    margin = _BEYOND * (high - low)
    return rng.uniform(low - margin, high + margin, size=(rows, values.shape[1]))


def _clustered(values: Floats, rows: int, rng: np.random.Generator) -> Floats:
    direction = rng.normal(size=values.shape[1])
    distance = np.quantile(np.linalg.norm(values, axis=1), _FAR)
    return distance * direction / np.linalg.norm(direction) + _TIGHT * rng.normal(size=(rows, values.shape[1]))


def _dependency(values: Floats, rows: int, rng: np.random.Generator) -> Floats:
    return np.column_stack([rng.choice(column, size=rows) for column in values.T])


KINDS: Mapping[str, Callable[[Floats, int, np.random.Generator], Floats]] = {
    "local": _local,
    "global": _global,
    "clustered": _clustered,
    "dependency": _dependency,
}
