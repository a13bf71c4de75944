"""Kernels, and the weighted kernel sums that score rows, as blocked matrix products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anomalist.detector import check_deadline

if TYPE_CHECKING:
    from anomalist.detector import Floats

KERNELS = ("rbf", "linear", "poly", "sigmoid")
_BLOCK_ROWS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A kernel with its constants, as scikit-learn defines them.

    Attributes:
        name: `rbf`, `linear`, `poly` or `sigmoid`.
        gamma: What distances or inner products are multiplied by.
        degree: The exponent of `poly`.
        coef0: What `poly` and `sigmoid` add.
    """

    name: str
    gamma: float
    degree: int
    coef0: float

    def matrix(self, left: Floats, right: Floats) -> Floats:
        """The kernel of every row of `left` with every row of `right`, float64, shape (left rows, right rows)."""
        if self.name == "rbf":
            return np.asarray(np.exp(self._exponents(left, right)))
        product = left @ right.T
        if self.name == "linear":
            return np.asarray(product)
        product *= self.gamma
        product += self.coef0
        return np.asarray(product**self.degree if self.name == "poly" else np.tanh(product, out=product))

    def _exponents(self, left: Floats, right: Floats) -> Floats:
        """-gamma |left - right|^2 for all pairs, as one matrix product: the norms ride along as two more columns."""
        left_norm, right_norm = (-self.gamma * np.einsum("ij,ij->i", x, x)[:, None] for x in (left, right))
        wide = np.hstack([2.0 * self.gamma * left, left_norm, np.ones((len(left), 1))])
        return np.asarray(wide @ np.hstack([right, np.ones((len(right), 1)), right_norm]).T)

    def weighted_sum(self, values: Floats, anchors: Floats, weights: Floats) -> Floats:
        """Sum of `weights` times the kernel with `anchors`, for each row of `values`, float64, shape (rows,).

        Blocks of rows are small so that their kernel values stay in the cache.
        """
        total = np.empty(len(values))
        for start in range(0, len(values), _BLOCK_ROWS):
            check_deadline()
            block = values[start : start + _BLOCK_ROWS].astype(np.float64)
            total[start : start + _BLOCK_ROWS] = self.matrix(block, anchors) @ weights
        return total
