"""Trees: regression trees as flat arrays, and the walk of many rows through them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from anomalist.detector import check_deadline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.detector import Bools, Floats, Ints, State

__all__ = ["Trees"]

_BLOCK = 8192  # rows at a time: the columns of a block stay in the cache


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trees:
    """The nodes of all trees, one tree after the other; a leaf is its own child.

    Attributes:
        roots: The first node of each tree, shape (trees,).
        left: The child for rows at or below the cut, shape (nodes,).
        right: The child for rows above it.
        features: The column that is cut; 0 at a leaf.
        cuts: Where; float32, so that float32 columns go where scikit-learn's float64 cuts send them.
        values: What the rows that come through a node would add if it were a leaf.
    """

    roots: Ints
    left: Ints
    right: Ints
    features: Ints
    cuts: Floats
    values: Floats

    @classmethod
    def none(cls) -> Self:
        """No tree at all: adds nothing."""
        return cls.of([])

    @classmethod
    def of(cls, grown: Sequence[tuple[Any, Floats]]) -> Self:
        """Copy scikit-learn's trees, each with a value for each of its nodes."""
        sizes = [tree.node_count for tree, _ in grown]
        roots = np.cumsum([0, *sizes])[:-1].astype(np.int32)
        left, right, features, cuts = [], [], [], []
        for root, (tree, _) in zip(roots, grown, strict=True):
            inner = tree.children_left >= 0
            here = np.arange(tree.node_count)
            left.append(root + np.where(inner, tree.children_left, here))
            right.append(root + np.where(inner, tree.children_right, here))
            features.append(np.where(inner, tree.feature, 0))
            cuts.append(_rounded_down(tree.threshold))
        return cls(
            roots=roots,
            left=_joined(left, np.int32),
            right=_joined(right, np.int32),
            features=_joined(features, np.int32),
            cuts=_joined(cuts, np.float32),
            values=_joined([values for _, values in grown], np.float64),
        )

    def sums(self, seen: Floats) -> Floats:
        """What the leaves of each row add up to, float64, shape (rows,); `seen` is float32, shape (rows, columns)."""
        total = np.zeros(len(seen))
        for start in range(0, len(seen), _BLOCK):
            check_deadline()
            columns = np.ascontiguousarray(seen[start : start + _BLOCK].T)
            for root in self.roots:
                total[start : start + _BLOCK] += self._reached(int(root), columns)
        return total

    def credits(self, seen: Floats) -> Floats:
        """By how much the cuts of each column moved each row from the roots to its leaves, shape (rows, columns)."""
        found = np.zeros(seen.shape)
        for root in self.roots:
            check_deadline()
            self._credit(int(root), seen, np.arange(len(seen)), found)
        return found

    def state(self) -> State:
        """The arrays."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The trees that `state` was taken from."""
        return cls(**{field.name: state[field.name] for field in fields(cls)})

    def _reached(self, node: int, columns: Floats) -> Floats | float:
        """The value of the leaf below a node that each row comes to; every cut is put to every row, without branches.

        Whole columns are compared: for trees of a few cuts that is faster than to look up one cut a row.
        """
        if self.left[node] == node:
            return float(self.values[node])
        above: Bools = columns[self.features[node]] > self.cuts[node]
        return np.where(above, self._reached(self.right[node], columns), self._reached(self.left[node], columns))

    def _credit(self, node: int, seen: Floats, rows: Ints, found: Floats) -> None:
        """Add the credits of the cuts below a node for the rows that come to it."""
        if self.left[node] == node or not rows.size:
            return
        feature = self.features[node]
        above = seen[rows, feature] > self.cuts[node]
        for child, there in ((self.left[node], rows[~above]), (self.right[node], rows[above])):
            found[there, feature] += self.values[child] - self.values[node]
            self._credit(int(child), seen, there, found)


def _joined(parts: Sequence[Any], dtype: type) -> Any:
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype)


def _rounded_down(cuts: Floats) -> Floats:
    """The largest float32 not above each float64 cut: `x <= cut` stays the same for every float32 x."""
    near = cuts.astype(np.float32)
    return np.where(near > cuts, np.nextafter(near, np.float32(-np.inf)), near)
