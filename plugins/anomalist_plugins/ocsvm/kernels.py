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
        return self._of(self._asked(left) @ self._known(right))

    def weighted_sum(self, values: Floats, anchors: Floats, weights: Floats) -> Floats:
        """Sum of `weights` times the kernel with `anchors`, for each row of `values`, float64, shape (rows,).

        Blocks of rows are small so that their kernel values stay in the cache, and all of them use the same memory.
        """
        total = np.empty(len(values))
        known, products = self._known(anchors), np.empty((min(_BLOCK_ROWS, len(values)), len(anchors)))
        for start in range(0, len(values), _BLOCK_ROWS):
            check_deadline()
            asked = self._asked(values[start : start + _BLOCK_ROWS].astype(np.float64))
            product = np.matmul(asked, known, out=products[: len(asked)])
            total[start : start + _BLOCK_ROWS] = self._of(product) @ weights
        return total

    def _asked(self, rows: Floats) -> Floats:
        """The left side of the matrix product; `rbf` takes -gamma times the squared distance, so the norms ride along.

        That is one more column for the norms of each side, and one of ones for those of the other.
        """
        if self.name != "rbf":
            return rows
        return np.hstack([2.0 * self.gamma * rows, self._norms(rows), np.ones((len(rows), 1))])

    def _known(self, rows: Floats) -> Floats:
        """The right side of the matrix product."""
        if self.name != "rbf":
            return rows.T
        return np.ascontiguousarray(np.hstack([rows, np.ones((len(rows), 1)), self._norms(rows)]).T)

    def _norms(self, rows: Floats) -> Floats:
        return np.asarray(-self.gamma * np.einsum("ij,ij->i", rows, rows)[:, None])

    def _of(self, product: Floats) -> Floats:
        """The kernel, in the memory of the matrix product."""
        if self.name == "rbf":
            return np.asarray(np.exp(product, out=product))
        if self.name == "linear":
            return product
        product *= self.gamma
        product += self.coef0
        return np.asarray(
            np.power(product, self.degree, out=product) if self.name == "poly" else np.tanh(product, out=product)
        )
