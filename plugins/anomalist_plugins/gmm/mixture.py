"""A Gaussian mixture, fitted by expectation maximisation to the rows that it explains best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anomalist.detector import check_deadline

if TYPE_CHECKING:
    from anomalist.detector import Bools, Floats, Ints

_LLOYD_STEPS = 10
_LEAST_WEIGHT = 1e-6
_FLOOR = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mixture:
    """Gaussian clouds.

    Attributes:
        logs: Logarithm of each cloud's share times its normalising constant, shape (clouds,).
        means: Shape (clouds, columns).
        whiteners: What brings each cloud to unit covariance, shape (clouds, columns, columns).
    """

    logs: Floats
    means: Floats
    whiteners: Floats

    def whitened(self, values: Floats, cloud: int) -> Floats:
        """The rows in one cloud's own units, shape (rows, columns)."""
        return np.asarray((values - self.means[cloud]) @ self.whiteners[cloud].T)

    def log_joint(self, values: Floats) -> Floats:
        """Log of each cloud's share times its density at each row, shape (clouds, rows)."""
        joint = np.empty((len(self.logs), len(values)))
        for cloud, constant in enumerate(self.logs):
            white = self.whitened(values, cloud)
            joint[cloud] = constant - 0.5 * np.einsum("ij,ij->i", white, white)
        return joint


def log_density(joint: Floats) -> Floats:
    """Log of the sum over the clouds, shape (rows,): scipy's logsumexp, without its general case, which costs more."""
    top = joint.max(axis=0)
    return np.asarray(top + np.log(np.exp(joint - top).sum(axis=0)))


def fit_mixture(
    values: Floats, *, clouds: int, trim: float, ridge: float, steps: int, tol: float, rng: np.random.Generator
) -> Mixture:
    """Maximise the likelihood of the share `1 - trim` of the rows that have the most of it (Neykov et al. 2007).

    Each step drops the least likely rows before it fits, so a minority of wild rows gets no cloud of its own; this is
    what makes the mixture fit for contaminated training sets. `ridge` times the median variance of the columns is
    added to every variance.
    """
    variance = values.var(axis=0)
    unit = float(np.median(variance[variance > 0])) if (variance > 0).any() else 1.0
    added = max(ridge, _FLOOR) * unit
    share = _one_hot(_nearest(values, _centers(values, clouds, rng)), clouds)
    kept = np.ones(len(values), np.bool_)
    count = max(1, round((1.0 - trim) * len(values)))
    before = -np.inf
    for _ in range(steps):
        check_deadline()
        mixture = _maximise(values[kept], share[:, kept], added)
        joint = mixture.log_joint(values)
        likelihood = log_density(joint)
        share = np.exp(joint - likelihood)
        kept = np.zeros(len(values), np.bool_)
        kept[np.argsort(-likelihood, kind="stable")[:count]] = True
        mean = float(likelihood[kept].mean())
        if abs(mean - before) < tol:
            break
        before = mean
    return mixture


def _maximise(values: Floats, share: Floats, added: float) -> Mixture:
    """The clouds that fit best, given each row's share in them; clouds without rows go."""
    rows, columns = values.shape
    weight = share.sum(axis=1)
    alive = np.flatnonzero(weight > _LEAST_WEIGHT * rows)
    logs, means, whiteners = [], [], []
    for cloud in alive:
        part = share[cloud] / weight[cloud]
        mean = part @ values
        apart = values - mean
        covariance = (apart * part[:, None]).T @ apart
        covariance.flat[:: columns + 1] += added
        whitener, log_volume = _whitener(covariance)
        logs.append(np.log(weight[cloud] / rows) + log_volume - 0.5 * columns * np.log(2 * np.pi))
        means.append(mean)
        whiteners.append(whitener)
    return Mixture(logs=np.array(logs), means=np.array(means), whiteners=np.array(whiteners))


def _whitener(covariance: Floats) -> tuple[Floats, float]:
    """Inverse root of the correlation over the deviations (Garthwaite & Koch 2016), and its log determinant."""
    deviation = np.sqrt(np.diag(covariance))
    spectrum, axes = np.linalg.eigh(covariance / np.outer(deviation, deviation))
    spectrum = np.maximum(spectrum, _FLOOR * spectrum[-1])
    log_volume = -0.5 * float(np.log(spectrum).sum()) - float(np.log(deviation).sum())
    return (axes / np.sqrt(spectrum)) @ axes.T / deviation, log_volume


def _centers(values: Floats, clouds: int, rng: np.random.Generator) -> Floats:
    """Centers to start from: k-means++ (Arthur & Vassilvitskii 2007) and a few steps of Lloyd's algorithm."""
    centers = values[rng.integers(len(values), size=1)]
    for _ in range(clouds - 1):
        distance = _squared_distances(values, centers).min(axis=0)
        total = distance.sum()
        chosen = rng.choice(len(values), p=distance / total) if total > 0 else rng.integers(len(values))
        centers = np.vstack([centers, values[chosen]])
    for _ in range(_LLOYD_STEPS):
        member = _one_hot(_nearest(values, centers), clouds)
        size = member.sum(axis=1)
        moved = np.where(size[:, None] > 0, member @ values / np.maximum(size, 1)[:, None], centers)
        if np.array_equal(moved, centers):
            break
        centers = moved
    return centers


def _squared_distances(values: Floats, centers: Floats) -> Floats:
    """Shape (centers, rows)."""
    distance = np.empty((len(centers), len(values)))
    for place, center in enumerate(centers):
        apart = values - center
        np.einsum("ij,ij->i", apart, apart, out=distance[place])
    return distance


def _nearest(values: Floats, centers: Floats) -> Ints:
    return np.asarray(_squared_distances(values, centers).argmin(axis=0))


def _one_hot(member: Ints, clouds: int) -> Floats:
    """Shape (clouds, rows)."""
    same: Bools = np.arange(clouds)[:, None] == member
    return same.astype(np.float64)
