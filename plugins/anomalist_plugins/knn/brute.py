"""The nearest of a few thousand rows by Euclidean distance: a coarse search by matrix products, then exact distances.

The products are of float32, which is twice as fast as float64 and too coarse to order near rows. So they only name the
candidates: every row that could be among the nearest, given how wrong a product can be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from anomalist.detector import check_deadline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anomalist.detector import Floats, Ints

_GROUPS = 6  # groups of reference rows for each neighbour: the nearest of each group bound the distance to look in
_BLOCK_VALUES = 1 << 18  # of products, which then stay in the cache
_PAIR_VALUES = 1 << 21
_CROWD = 4  # times the neighbours wanted; with more candidates than that, rows are told apart in float64
_ROUNDING = 2.0**-23


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Brute:
    """Finds the `asked` nearest reference rows and the exact distances to them.

    Attributes:
        reference: float32, shape (rows, columns).
        asked: How many to find, at most as many as there are rows.
    """

    reference: Floats
    asked: int
    _centre: Floats = field(init=False, repr=False)
    _products: Floats = field(init=False, repr=False)
    _groups: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rows, columns = self.reference.shape
        groups = min(rows, _GROUPS * self.asked)
        centre = self.reference.mean(axis=0, dtype=np.float64)
        products = np.zeros((columns + 1, -(-rows // groups) * groups), dtype=np.float32)
        with np.errstate(over="ignore"):  # infinite products name no candidates, and such rows are searched in float64
            apart = (self.reference - centre).astype(np.float32)
            products[:columns, :rows] = -2.0 * apart.T
            products[columns] = np.inf
            products[columns, :rows] = np.einsum("ij,ij->i", apart, apart)
        object.__setattr__(self, "_centre", centre)
        object.__setattr__(self, "_products", products)
        object.__setattr__(self, "_groups", groups)

    def blocks(self, values: Floats) -> Iterator[tuple[slice, Ints, Floats]]:
        """Yield blocks: rows, their candidates and the distances to them, both of shape (rows, most candidates).

        Each row has at least `asked` candidates, the nearest among them, in the order of the reference; where it has
        fewer than others in its block, the distance is infinite in the places that are left.
        """
        pairs = 2 * self.asked * self.reference.shape[1]
        size = max(1, min(max(16, _BLOCK_VALUES // self._products.shape[1]), _PAIR_VALUES // pairs))
        for start in range(0, len(values), size):
            check_deadline()
            rows = slice(start, min(start + size, len(values)))
            block = values[rows]
            of, near = self._candidates(block)
            apart = block[of].astype(np.float64) - self.reference[near]
            count = np.bincount(of, minlength=len(block))
            place = np.arange(len(of)) - (np.cumsum(count) - count)[of]
            found = np.zeros((len(block), int(count.max())), dtype=np.intp)
            distance = np.full(found.shape, np.inf)
            found[of, place] = near
            distance[of, place] = np.sqrt(np.einsum("ij,ij->i", apart, apart))
            yield rows, found, distance

    def _candidates(self, block: Floats) -> tuple[Ints, Ints]:
        """Pairs of a row of the block and a reference row that may be one of its nearest, ordered by both."""
        with np.errstate(over="ignore", invalid="ignore"):
            apart = (block - self._centre).astype(np.float32)
            norm = np.einsum("ij,ij->i", apart, apart)
            # squared distances less the norm of the row of the block
            coarse = np.hstack([apart, np.ones((len(block), 1), dtype=np.float32)]) @ self._products
            nearest = coarse.reshape(len(block), -1, self._groups).min(axis=1)
            nearest.partition(self.asked - 1, axis=1)
            # As many rows as are asked for are not further than this, so the nearest are not either. A product is wrong
            # by a share of both norms, and a row so near has a norm of at most 2 (norm + squared distance).
            bound = nearest[:, self.asked - 1]
            wrong = (block.shape[1] + 8) * _ROUNDING * (3.0 * norm + 2.0 * np.maximum(bound + norm, 0.0))
            pairs = np.flatnonzero(coarse <= (bound + 2.0 * wrong)[:, None])
        of, near = np.divmod(pairs, coarse.shape[1])
        count = np.bincount(of, minlength=len(block))
        odd = (count > _CROWD * self.asked) | (count < self.asked)
        if not odd.any():
            return of, near
        kept = ~odd[of]
        of = np.concatenate([of[kept], np.repeat(np.flatnonzero(odd), self.asked)])
        near = np.concatenate([near[kept], self._nearly(block[odd]).ravel()])
        order = np.lexsort((near, of))
        return of[order], near[order]

    def _nearly(self, block: Floats) -> Ints:
        """The nearest by products in float64, shape (rows, asked): for ties, and values too large to square in float32.

        Rows that are nearer to each other than about 1e-8 of their norm may be taken for one another.
        """
        reference = self.reference - self._centre
        squared = np.einsum("ij,ij->i", reference, reference) - 2.0 * (block - self._centre) @ reference.T
        return np.asarray(np.argpartition(squared, self.asked - 1, axis=1)[:, : self.asked])
