"""Forest: isolation trees as flat arrays, and the walk of many rows through them.

Every tree is laid out as a complete binary tree of the same depth, level after level, so that a row's place in a
level is a number: its answers so far, read as bits. A leaf above the last level is repeated in all the places below
it, behind cuts that everything passes on the left. That costs a few hundred kilobytes a forest, and turns the walk
into the same few array operations for every row, with no branch to be mispredicted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from anomalist.detector import check_deadline
from anomalist_plugins.isolation_forest.growth import Grown, grow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anomalist.detector import Bools, Floats, Ints

MAX_DEPTH = 12
_TOP = 3
_FEW_ROWS = 64
_BLOCK_VALUES = 1 << 18
_MIN_BLOCK, _MAX_BLOCK = 512, 16384


def average_path(count: Floats) -> Floats:
    """Mean depth at which a search among `count` random rows ends without a hit (Liu, Ting & Zhou 2008, eq. 1)."""
    n = np.maximum(count, 2.0)
    harmonic = np.log(np.maximum(n - 1.0, 1.0)) + np.euler_gamma
    exact = 2.0 * harmonic - 2.0 * (n - 1.0) / n
    return np.where(count <= 1, 0.0, np.where(count <= 2, 1.0, exact))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forest:
    """Isolation trees of one depth, node 0 the root, the children of node i at 2 i + 1 and 2 i + 2.

    Attributes:
        features: The column that each inner node cuts, int32, shape (trees, 2**depth - 1).
        thresholds: Where it cuts; rows above go right; float32, same shape.
        expected: The expected path length of a training row that reached the node, float64, shape
            (trees, 2**(depth + 1) - 1); in the last level it is the path length itself.
    """

    features: Ints
    thresholds: Floats
    expected: Floats

    @property
    def trees(self) -> int:
        """The number of trees."""
        return int(self.features.shape[0])

    @property
    def depth(self) -> int:
        """The number of cuts on every way from the root to the last level."""
        return int(self.features.shape[1]).bit_length()

    @classmethod
    def grow(
        cls, values: Floats, *, trees: int, subsample: int, columns: int, replace: bool, depth: int, seed: int
    ) -> Self:
        """Grow `trees` trees, each on `subsample` random rows and `columns` random columns of `values`.

        Raises:
            DetectorTimeoutError: The deadline of this thread has passed.
        """
        grown = grow(
            values,
            trees=trees,
            subsample=subsample,
            columns=columns,
            replace=replace,
            depth=depth,
            levels=max(depth, _TOP),
            rng=np.random.default_rng(seed),
        )
        return cls.of(grown)

    @classmethod
    def of(cls, grown: Grown) -> Self:
        """The forest of grown trees: what is expected of a node is the mean over the training rows that reached it."""
        trees, last = grown.lengths.shape
        level = grown.lengths + average_path(grown.rows[:, last - 1 :])
        expected = [level]
        while last > 1:
            weight = grown.rows[:, last - 1 : 2 * last - 1]
            last //= 2
            total = (weight * level).reshape(trees, last, 2).sum(axis=2)
            level = total / weight.reshape(trees, last, 2).sum(axis=2)
            expected.append(level)
        return cls(
            features=grown.features, thresholds=grown.thresholds, expected=np.concatenate(expected[::-1], axis=1)
        )

    def path_lengths(self, values: Floats) -> Floats:
        """The mean path length of each row over the trees, float64, shape (rows,); `values` is float32."""
        rows, width = values.shape
        total = np.zeros(rows)
        if rows <= _FEW_ROWS:
            place: Ints = np.zeros((rows, self.trees), np.intp)
            for level in range(self.depth):
                place = self._step(values, place, level)[0]
            last = self.expected[:, (1 << self.depth) - 1 :]
            return np.asarray(last[np.arange(self.trees), place].sum(axis=1) / self.trees)
        size = min(_MAX_BLOCK, max(_MIN_BLOCK, _BLOCK_VALUES // width))
        for start in range(0, rows, size):
            check_deadline()
            self._add_paths(np.ascontiguousarray(values[start : start + size].T), total[start : start + size])
        return total / self.trees

    def credits(self, values: Floats) -> Floats:
        """By how much cuts of each column shortened each row's path on average, shape (rows, columns).

        Each cut is given the fall of the expected path length from the node to the child that the row went to. The
        credits of a row add up to the mean path of a training row less its own, so they are negative for columns that
        made it look more normal.
        """
        rows, width = values.shape
        credit = np.zeros((rows, width))
        tree = np.arange(self.trees)
        for start in range(0, rows, _FEW_ROWS):
            check_deadline()
            block = values[start : start + _FEW_ROWS]
            place: Ints = np.zeros((len(block), self.trees), np.intp)
            slot = np.arange(len(block))[:, None] * width
            for level in range(self.depth):
                first = (1 << level) - 1
                before = self.expected[tree, first + place]
                place, feature = self._step(block, place, level)
                fall = before - self.expected[tree, 2 * first + 1 + place]
                added = np.bincount((slot + feature).ravel(), fall.ravel(), block.size)
                credit[start : start + _FEW_ROWS] += added.reshape(block.shape)
        return credit / self.trees

    def _step(self, values: Floats, place: Ints, level: int) -> tuple[Ints, Ints]:
        """Take few rows one level down all trees at once; also returns the columns that were asked."""
        node = place + ((1 << level) - 1)
        tree = np.arange(self.trees)
        feature = self.features[tree, node]
        right = np.take_along_axis(values, feature.astype(np.intp), axis=1) > self.thresholds[tree, node]
        return 2 * place + right, feature

    def _add_paths(self, columns: Floats, total: Floats) -> None:
        """Walk many rows, tree by tree, and add each path length to `total`; `columns` has shape (columns, rows)."""
        count = columns.shape[1]
        flat, here = columns.ravel(), np.arange(count)
        place, asked = np.empty((2, count), np.intp)
        values, cuts = np.empty((2, count), np.float32)
        right, path = np.empty(count, np.bool_), np.empty(count)
        bit, width = right.view(np.uint8), np.uint8 if self.depth <= 8 else np.uint16
        for tree in range(self.trees):
            feature, cut = self.features[tree], self.thresholds[tree]
            offset = feature.astype(np.intp) * count
            code: NDArray[Any] = self._top(columns, feature, cut).astype(width, copy=False)
            for level in range(_TOP, self.depth):
                nodes = slice((1 << level) - 1, (2 << level) - 1)
                # mode="clip" spares the copy that take makes with out= in its checking mode; no index is out of range
                np.copyto(place, code)  # once, where each take would do it again
                np.take(offset[nodes], place, out=asked, mode="clip")
                np.add(asked, here, out=asked)
                np.take(flat, asked, out=values, mode="clip")
                np.take(cut[nodes], place, out=cuts, mode="clip")
                np.greater(values, cuts, out=right)
                np.add(code, code, out=code)
                np.add(code, bit, out=code)
            np.take(self.expected[tree, (1 << self.depth) - 1 :], code, out=path, mode="clip")
            np.add(total, path, out=total)

    def _top(self, columns: Floats, feature: Ints, cut: Floats) -> NDArray[np.uint8]:
        """The place of each row in level 3.

        All seven cuts above are put to all rows: a few comparisons of whole columns cost less than looking up one cut
        a row.
        """
        ask: list[Bools] = [columns[feature[i]] > cut[i] for i in range(7)]
        first = ask[0]
        second = ask[1] ^ ((ask[1] ^ ask[2]) & first)
        if_left = ask[3] ^ ((ask[3] ^ ask[4]) & second)
        if_right = ask[5] ^ ((ask[5] ^ ask[6]) & second)
        third = if_left ^ ((if_left ^ if_right) & first)
        return 4 * first.view(np.uint8) + 2 * second.view(np.uint8) + third.view(np.uint8)
