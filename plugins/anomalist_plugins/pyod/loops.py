"""Loops of PyOD that it lets numba compile, or leaves to Python, computed by numpy.

To compile them takes seconds in every process, and threads of numba may not be used by several threads of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.detector import check_deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from anomalist.detector import Floats, Ints

__all__ = ["abod", "cof", "hbos", "lmdd", "loci", "qmcd", "sod", "sos"]


def abod(module: ModuleType) -> None:
    """Angles between the neighbours of a row, all at once."""

    def weighted_cosines(point: Floats, rows: Floats, near: Ints) -> float:
        """The variance of the cosines, weighted by the distances, between each two of a point's neighbours."""
        apart = rows[near] - point
        apart = apart[(apart != 0).any(axis=1)]
        products = apart @ apart.T
        squares = np.diagonal(products)
        pairs = np.triu_indices(len(apart), 1)
        return float(np.var(products[pairs] / (squares[pairs[0]] * squares[pairs[1]]))) if len(apart) > 1 else np.nan

    module._calculate_wocs = weighted_cosines  # type: ignore[attr-defined]  # a module of our own


def hbos(module: ModuleType) -> None:
    """Bars of the histograms, a column at a time."""

    def bar_scores(values: Floats, edges: Floats, bars: Floats, count: int, alpha: float, tol: float) -> Floats:
        """The logarithm of the height of the bar that each value is in, or of the lowest where it is far from all."""
        scores = np.empty(values.shape)
        for column in range(values.shape[1]):
            heights, edge, value = np.log2(bars[:, column] + alpha), edges[:, column], values[:, column]
            bar = np.digitize(value, edge, right=True)
            inside = heights[np.clip(bar - 1, 0, count - 1)]
            below = (bar == 0) & (edge[0] - value > (edge[1] - edge[0]) * tol)
            above = (bar == count + 1) & (value - edge[-1] > (edge[-1] - edge[-2]) * tol)
            scores[:, column] = np.where(below | above, heights.min(), inside)
        return scores

    module._calculate_outlier_scores = bar_scores  # type: ignore[attr-defined]  # a module of our own


def qmcd(module: ModuleType) -> None:
    """The discrepancy, a block of rows at a time."""

    def discrepancy(data: Floats, asked: Floats) -> Floats:
        """How much each asked row adds to the wrap-around discrepancy of the data."""
        found = np.empty(len(asked))
        step = max(1, 2_000_000 // len(data))
        for start in range(0, len(asked), step):
            check_deadline()
            # distances wrap around at the rim of the training rows: what is beyond it is on it
            rows = np.clip(asked[start : start + step], 0.0, 1.0)
            product = np.ones((len(rows), len(data)))
            for column in range(data.shape[1]):
                apart = np.abs(rows[:, column, None] - data[:, column])
                product *= 1.5 - apart + apart**2
            found[start : start + step] = product.sum(axis=1)
        return np.asarray(found / len(data) ** 2 - (4 / 3) ** data.shape[1])

    module._wrap_around_discrepancy = discrepancy  # type: ignore[attr-defined]  # a module of our own


def sod(module: ModuleType) -> None:
    """Neighbours that rows share, as a product of matrices."""

    def shared_neighbours(near: Ints, count: int) -> Ints:
        """For each row the rows that share most neighbours with it."""
        member = np.zeros((len(near), len(near)), dtype=np.int64)
        np.put_along_axis(member, near, 1, axis=1)
        shared = member @ member.T
        np.fill_diagonal(shared, len(near) + 1)
        return np.argsort(-shared, axis=1, kind="stable")[:, 1 : count + 1]

    def distances(self: Any, values: Floats) -> Floats:
        """How far each row is from its neighbours, in the columns in which they differ less than in all."""
        near = values[self._snn(values)]
        centre, spread = near.mean(axis=1), near.var(axis=1)
        telling = spread < self.alpha * spread.sum(axis=1, keepdims=True) / values.shape[1]
        squares = (telling * (values - centre) ** 2).sum(axis=1)
        return np.asarray(np.sqrt(squares / np.maximum(telling.sum(axis=1), 1)))

    module.SOD._sod = distances
    module._snn_imp = shared_neighbours  # type: ignore[attr-defined]  # a module of our own


def cof(module: ModuleType) -> None:
    """Chains of neighbours, those of all rows at once."""

    def factors(self: Any, values: Floats) -> Floats:
        count = self.n_neighbors_
        distances = module.distance_matrix(values, values)
        chain = np.argsort(distances, axis=1)[:, : count + 1]
        links = distances[chain[:, 1:, None], chain[:, None, :count]]
        links[:, np.triu(np.ones((count, count), dtype=bool), 1)] = np.inf  # a link starts at what the chain has so far
        weight = 2.0 * (count - np.arange(count)) / ((count + 1) * count)
        length = links.min(axis=2) @ weight
        return np.asarray(np.nan_to_num(length * count / length[chain[:, 1:]].sum(axis=1)))

    module.COF._cof_fast = factors


def sos(module: ModuleType) -> None:
    """The bandwidths that give each row its perplexity, found for all rows at once."""

    def affinities(self: Any, distances: Floats) -> Floats:
        others = ~np.eye(len(distances), dtype=bool)
        wanted = np.log(self.perplexity)
        beta, low, high = np.ones(len(distances)), np.full(len(distances), -np.inf), np.full(len(distances), np.inf)
        found = np.where(others, np.exp(-distances), 0.0)
        for _ in range(5000):
            total = found.sum(axis=1)
            apart = np.log(total) + beta * (distances * found).sum(axis=1) / total - wanted
            open_ = ~(np.abs(apart) <= self.eps)
            if not open_.any():
                break
            check_deadline()
            wide, narrow = open_ & (apart > 0), open_ & (apart <= 0)
            low[wide], high[narrow] = beta[wide], beta[narrow]
            middle = (np.nan_to_num(low) + np.nan_to_num(high)) / 2
            doubled = np.where(np.isinf(high), beta * 2, middle)
            halved = np.where(np.isinf(low), beta / 2, middle)
            beta = np.where(wide, doubled, np.where(narrow, halved, np.where(open_, beta / 10, beta)))
            found = np.where(others, np.exp(-distances * beta[:, None]), 0.0)
        return found

    module.SOS._d2a = affinities


def loci(module: ModuleType) -> None:
    """All radii of a row at once; new rows are asked about one by one, each as the last of those that it is beside."""

    def scores(self: Any, values: Floats, rows: range | None = None) -> Floats:
        """How much emptier than around its neighbours it is around each row, at the first radius that tells."""
        distances = module.squareform(module.pdist(values))
        reach = distances.max() / self.alpha
        ordered = np.sort(distances, axis=1)
        found = []
        for row in rows or range(len(values)):
            check_deadline()
            near = distances[row][(distances[row] > 0) & (distances[row] <= reach)]
            radii = np.sort(np.concatenate([near, near / self.alpha]))
            counts = np.array([np.searchsorted(each, radii * self.alpha) for each in ordered])
            inside = distances[row][:, None] <= radii
            mean = (counts * inside).sum(axis=0) / inside.sum(axis=0)
            spread = np.sqrt(((counts - mean) ** 2 * inside).sum(axis=0) / inside.sum(axis=0)) / mean
            emptier = 1 - counts[row] / mean
            enough = mean >= 20
            telling = np.flatnonzero(enough & (emptier > self.k * spread))[:1]
            last = telling if telling.size else np.flatnonzero(enough)[-1:]
            found.append(float(emptier[last[0]] / spread[last[0]]) if last.size else 0.0)
        return np.asarray(found)

    def decision_function(self: Any, values: Floats) -> Floats:
        return scores(self, values, range(len(values) - 1, len(values)))

    module.LOCI._calculate_decision_score = scores
    module.LOCI.decision_function = decision_function


def lmdd(module: ModuleType) -> None:
    """How much each row adds to the spread of those before it, for all at once."""

    def added(self: Any, values: Floats) -> Floats:
        check_deadline()
        spread = _SPREADS[self.dis_measure]
        count, width = values.shape
        steps = np.diff(
            spread(np.broadcast_to(values.ravel(), (count, count * width)), width * np.arange(1, count + 1))
        )
        found = np.zeros(count)
        most = int(np.argmax(steps)) + 1  # the row that adds most
        if steps[most - 1] > 0:
            found[most] = steps[most - 1]
            others = values[most + 1 :]
            before = np.broadcast_to(values[: most + 1].ravel(), (len(others), (most + 1) * width))
            without = np.concatenate([before[:, : most * width], others], axis=1)
            beside = np.concatenate([before, others], axis=1)
            less = spread(without, np.full(len(others), without.shape[1]))
            less = less - spread(beside, np.full(len(others), beside.shape[1]))
            found[most + 1 :] = np.where(less >= 0, less + steps[most - 1], 0.0)
        return found

    module.LMDD._LMDD__dis = added
    # a generator, of which PyOD takes only the seed, is not saved
    module.LMDD.random_state_ = property(lambda self: np.random.RandomState(self.random_state), lambda *_: None)


def _deviations(rows: Floats, counts: Ints) -> Floats:
    """How far from their mean the first so many numbers of each row are; 0 for those behind."""
    first = np.arange(rows.shape[1]) < counts[:, None]
    mean = (rows * first).sum(axis=1) / counts
    return np.asarray((rows - mean[:, None]) * first)


def _quartile_range(rows: Floats, counts: Ints) -> Floats:
    ordered = np.sort(np.where(np.arange(rows.shape[1]) < counts[:, None], rows, np.inf), axis=1)
    each = np.arange(len(rows))

    def quantile(share: float) -> Floats:
        place = share * (counts - 1)
        low = np.floor(place).astype(int)
        lower, upper = ordered[each, low], ordered[each, np.minimum(low + 1, counts - 1)]
        return np.asarray(lower + (upper - lower) * (place - low))

    return quantile(0.75) - quantile(0.25)


_SPREADS: Mapping[str, Callable[[Floats, Ints], Floats]] = {
    "aad": lambda rows, counts: np.abs(_deviations(rows, counts)).sum(axis=1) / counts,
    "var": lambda rows, counts: (_deviations(rows, counts) ** 2).sum(axis=1) / counts,
    "iqr": _quartile_range,
}
"""The measures of LMDD: each of the first so many numbers of each row."""
