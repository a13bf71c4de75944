"""Isolation trees grown level by level, all trees at once: a few array operations a level, whatever their number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anomalist.detector import check_deadline

if TYPE_CHECKING:
    from anomalist.detector import Bools, Floats, Ints

_DRAWS = 8  # so many columns are tried blindly for a node before all of them are looked at
_LOOKED_AT = 1 << 20  # values at once
_TOGETHER = 1 << 19  # trees with so many rows in all are grown at once, which bounds the memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grown:
    """Trees as complete trees, node 0 the root, the children of node i at 2 i + 1 and 2 i + 2.

    A leaf above the last level is repeated in all the places below it, behind cuts that everything passes on the left.

    Attributes:
        features: The column that each inner node cuts, int32, shape (trees, 2**depth - 1).
        thresholds: Where it cuts, float32, same shape; infinite below a leaf.
        rows: How many of its training rows reached the node, float64, shape (trees, 2**(depth + 1) - 1).
        lengths: How many cuts led to the leaf in each place of the last level, float64, shape (trees, 2**depth).
    """

    features: Ints
    thresholds: Floats
    rows: Floats
    lengths: Floats


def grow(
    values: Floats,
    *,
    trees: int,
    subsample: int,
    columns: int,
    replace: bool,
    depth: int,
    levels: int,
    rng: np.random.Generator,
) -> Grown:
    """Grow isolation trees of at most `depth` cuts a path (Liu, Ting & Zhou 2008), laid out over `levels` levels.

    Each cut is at a uniformly random place between the smallest and the largest value of a column in the node's rows;
    the column is one of those that vary there, each as likely as the others.

    Args:
        values: float32, shape (rows, columns).
        trees: How many.
        subsample: The rows that each tree sees, drawn at random.
        columns: The columns that each tree sees, drawn at random.
        replace: Whether a tree may draw a row twice.
        depth: The most cuts on one path.
        levels: At least `depth`.
        rng: All randomness.
    """
    total, width = values.shape
    at_once = max(1, _TOGETHER // subsample)
    parts = []
    for first in range(0, trees, at_once):
        count = min(at_once, trees - first)
        if subsample != total or replace:
            picked = np.stack([rng.choice(total, subsample, replace) for _ in range(count)])
        else:
            picked = np.tile(np.arange(total), (count, 1))
        seen = np.tile(np.arange(width), (count, 1))
        if columns != width:
            seen = np.stack([rng.choice(width, columns, replace=False) for _ in range(count)])
        parts.append(_grow(values, picked, seen, depth, levels, rng))
    joined = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    features, thresholds, rows, lengths = joined
    return Grown(features=features, thresholds=thresholds, rows=rows, lengths=lengths)


def _grow(
    values: Floats, picked: Ints, seen: Ints, depth: int, levels: int, rng: np.random.Generator
) -> tuple[Ints, Floats, Floats, Floats]:
    """Grow one tree for each row of `picked`, the rows that it sees, and of `seen`, the columns."""
    trees, subsample = picked.shape
    row, node = picked.ravel(), np.repeat(np.arange(trees), subsample)
    count = np.full(trees, float(subsample))
    length = np.zeros(trees)
    features, thresholds, rows = [], [], [count]
    for level in range(levels):
        check_deadline()
        if level == depth:  # no more cuts: what is left of the rows is in leaves
            row, node = row[:0], node[:0]
        feature, low, high = _ranges(values, row, node, seen, level, rng)
        inner = low < high
        kept = inner[node]
        row, node = row[kept], node[kept]
        cut = np.where(inner, _between(low, high, rng), np.float32(np.inf))
        node = 2 * node + (values[row, feature[node]] > cut[node])
        length = np.repeat(length + inner, 2)
        # below a leaf there are the same rows again, on both sides
        count = np.where(np.repeat(inner, 2), np.bincount(node, minlength=length.size), np.repeat(count, 2))
        features.append(feature.reshape(trees, -1))
        thresholds.append(cut.reshape(trees, -1))
        rows.append(count)
    return (
        np.concatenate(features, axis=1),
        np.concatenate(thresholds, axis=1),
        np.concatenate([part.reshape(trees, -1) for part in rows], axis=1),
        length.reshape(trees, -1),
    )


def _between(low: Floats, high: Floats, rng: np.random.Generator) -> Floats:
    """A random float32 from `low` to below `high`, so that a cut there leaves rows on both sides."""
    cut = (low + rng.random(low.size) * (high.astype(np.float64) - low)).astype(np.float32)
    return np.where(cut < high, np.maximum(cut, low), low)


def _ranges(
    values: Floats, row: Ints, node: Ints, seen: Ints, level: int, rng: np.random.Generator
) -> tuple[Ints, Floats, Floats]:
    """Choose a column for each node among those that vary in its rows, with the smallest and the largest value there.

    Args:
        values: All rows.
        row: The rows that are in some node, shape (n,).
        node: The node that each is in.
        seen: The columns that each tree chooses from, shape (trees, choices).
        level: How far below the roots the nodes are; a tree has 2**level of them.
        rng: Of the choice.

    Returns:
        Three arrays of shape (nodes,), int32 and float32; both values are 0 for a node where no column varies.
    """
    nodes, choices = len(seen) << level, seen.shape[1]
    tree = np.arange(nodes) >> level
    feature = np.zeros(nodes, np.int32)
    low, high = np.zeros((2, nodes), np.float32)
    todo = np.bincount(node, minlength=nodes) > 1
    for _ in range(_DRAWS):  # drawing again until one varies gives each that does the same chance
        left = todo[node]
        row, node = row[left], node[left]
        if not row.size:
            return feature, low, high
        tried = seen[tree, rng.integers(choices, size=nodes)]
        least, most, varies = _extremes(values[row, tried[node]], node, nodes)
        feature[varies], low[varies], high[varies] = tried[varies], least[varies], most[varies]
        todo &= ~varies
    row, node = row[todo[node]], node[todo[node]]
    several, tried = _varying(values, row, node, seen, level, rng)
    feature[several] = tried
    least, most, varies = _extremes(values[row, feature[node]], node, nodes)
    low[varies], high[varies] = least[varies], most[varies]
    return feature, low, high


def _varying(
    values: Floats, row: Ints, node: Ints, seen: Ints, level: int, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """The nodes that some column varies in, and for each one such column: of those that do, one at random."""
    order = np.argsort(node, kind="stable")
    row, node = row[order], node[order]
    nodes, first = np.unique(node, return_index=True)
    several: list[Ints] = [np.empty(0, np.intp)]
    chosen: list[Ints] = [np.empty(0, np.intp)]
    step = max(1, _LOOKED_AT // (values.shape[1] * max(1, row.size // max(1, nodes.size))))
    for start in range(0, nodes.size, step):
        check_deadline()
        here, begin = nodes[start : start + step], first[start : start + step]
        part = slice(begin[0], first[start + step] if start + step < nodes.size else row.size)
        of = np.repeat(np.arange(here.size), np.diff(np.append(begin, part.stop)))
        differs = values[row[part]] != values[row[begin]][of]
        varies = np.logical_or.reduceat(differs, begin - part.start, axis=0)
        own = seen[here >> level]
        count = np.cumsum(np.take_along_axis(varies, own, axis=1), axis=1, dtype=np.int32)
        some = np.flatnonzero(count[:, -1])
        drawn = rng.integers(count[some, -1])
        several.append(here[some])
        chosen.append(own[some, (count[some] > drawn[:, None]).argmax(axis=1)])
    return np.concatenate(several), np.concatenate(chosen)


def _extremes(values: Floats, node: Ints, nodes: int) -> tuple[Floats, Floats, Bools]:
    """The smallest and the largest value in each node, and whether they differ; an empty node has none that do."""
    least, most = np.full(nodes, np.inf, np.float32), np.full(nodes, -np.inf, np.float32)
    np.minimum.at(least, node, values)
    np.maximum.at(most, node, values)
    return least, most, least < most
