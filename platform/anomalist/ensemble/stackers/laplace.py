"""Laplace's approximation of a Gaussian process with yes-or-no observations, some of them weak.

Rasmussen and Williams 2006, "Gaussian Processes for Machine Learning", algorithms 3.1 and 3.2, with a weight for each
observation and a prior mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.special import expit

if TYPE_CHECKING:
    from anomalist.detector import Floats

__all__ = ["Posterior", "precision"]

_STEPS = 50
_ENOUGH = 1e-9  # of the objective, in nats
_LEAST_PRECISION = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posterior:
    """What observations say of the latent function.

    Attributes:
        alpha: The posterior mean at a row is its prior mean plus its covariances with the observed rows times `alpha`;
            shape (observed,).
        root: Square roots of the observations' precisions at the mode, shape (observed,).
        factor: Lower Cholesky factor of I + root covariance root, shape (observed, observed).
    """

    alpha: Floats
    root: Floats
    factor: Floats

    @classmethod
    def fit(cls, covariance: Floats, mean: Floats, labels: Floats, weights: Floats) -> Self:
        """Find the mode by Newton's method, halving the steps that do not help.

        Args:
            covariance: Of the latent function at the observed rows, shape (observed, observed).
            mean: Its prior mean there, in log-odds, shape (observed,).
            labels: 0 or 1, shape (observed,).
            weights: How much each observation counts, shape (observed,).
        """

        def objective(alpha: Floats, moved: Floats) -> float:
            value = mean + moved
            return float(-0.5 * alpha @ moved + (weights * (labels * value - np.logaddexp(0.0, value))).sum())

        alpha, moved = np.zeros(labels.size), np.zeros(labels.size)
        best = objective(alpha, moved)
        for _ in range(_STEPS):
            root = precision(mean + moved, weights)
            slope = root**2 * moved + weights * (labels - expit(mean + moved))
            inside = cho_solve((_factor(covariance, root), True), root * (covariance @ slope))
            towards = slope - root * inside - alpha
            before, step = best, 1.0
            while True:
                tried = alpha + step * towards
                tried_moved = covariance @ tried
                value = objective(tried, tried_moved)
                if value >= before or step < 1e-4:
                    break
                step *= 0.5
            if value < before:
                break
            alpha, moved, best = tried, tried_moved, value
            if best - before < _ENOUGH:
                break
        root = precision(mean + moved, weights)
        return cls(alpha=alpha, root=root, factor=_factor(covariance, root))

    @classmethod
    def known(cls, covariance: Floats, alpha: Floats, root: Floats) -> Self:
        """The posterior whose mode was found before."""
        return cls(alpha=alpha, root=root, factor=_factor(covariance, root))

    def variance(self, prior: Floats, covariance: Floats) -> Floats:
        """The posterior variance at rows with these prior variances, shape (rows,).

        `covariance` of these rows with the observed ones has shape (rows, observed).
        """
        known = solve_triangular(self.factor, self.root[:, None] * covariance.T, lower=True)
        left: Floats = np.maximum(prior - np.einsum("ij,ij->j", known, known), 0.0)
        return left


def precision(log_odds: Floats, weights: Floats) -> Floats:
    """Square roots of the precisions of weighted yes-or-no observations at these log-odds, shape (observed,)."""
    probability = expit(log_odds)
    root: Floats = np.sqrt(weights * probability * (1.0 - probability) + _LEAST_PRECISION)
    return root


def _factor(covariance: Floats, root: Floats) -> Floats:
    inner = root[:, None] * covariance * root[None, :]
    inner.flat[:: root.size + 1] += 1.0
    factor: Floats = cholesky(inner, lower=True, overwrite_a=True)
    return factor
