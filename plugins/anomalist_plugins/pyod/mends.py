"""Functions of PyOD that are replaced.

Some score a row by the rows beside it, or by chance, though their method does not ask for it. Others are loops that
PyOD lets numba compile, which takes seconds in every process; here they are computed by numpy.

Each mend changes a module of ours (`anomalist_plugins.pyod.library`); that of an imported PyOD stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.detector import check_deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from anomalist.detector import Floats, Ints

__all__ = ["MENDS"]


def _rod(module: ModuleType) -> None:
    """ROD divides by the spread of the rows that it scores; here by that of the training rows."""

    def mad(costs: Floats, median: tuple[float, float] | None = None) -> tuple[Floats, tuple[float, float]]:
        # PyOD hands back, as it is, what is returned as the median: it holds the spread, too
        if median is None:
            middle = float(np.nanmedian(costs))
            spread = float(np.median(np.abs(costs - middle)))
            median = (middle, spread or float(np.finfo(np.float64).tiny))
        middle, spread = median
        return np.ravel(0.6745 * np.abs(costs - middle) / spread), median

    module.mad = mad  # type: ignore[attr-defined]  # a module of our own


def _vae(module: ModuleType) -> None:
    """VAE draws a code for each row that it scores; here it takes the mean of the codes."""
    model: Any = module.VAEModel
    drawn: Callable[..., Any] = model.reparameterize

    def reparameterize(self: Any, mu: Any, logvar: Any) -> Any:
        return drawn(self, mu, logvar) if self.training else mu

    model.reparameterize = reparameterize


def _dif(module: ModuleType) -> None:
    """DIF scales what its networks give by the rows that it scores; here by the training rows."""
    import torch

    def representation(self: Any, net: Any, values: Floats) -> Floats:
        with torch.no_grad():
            found = net(torch.as_tensor(values).float().to(self.device)).cpu().numpy().astype(np.float64)
        number = next((i for i, other in enumerate(self.net_lst) if other is net), None)
        if number is None:  # it is being fitted, and its network not in the list yet
            if not self.net_lst:
                self.scales_ = []
            spread = found.std(axis=0)
            self.scales_.append([found.mean(axis=0), np.where(spread > 0, spread, 1.0)])
            number = -1
        mean, spread = self.scales_[number]
        return np.asarray(np.tanh((found - mean) / spread), dtype=np.float32)

    module.DIF._deep_representation = representation


def _abod(module: ModuleType) -> None:
    def weighted_cosines(point: Floats, rows: Floats, near: Ints) -> float:
        """The variance of the cosines, weighted by the distances, between each two of a point's neighbours."""
        apart = rows[near] - point
        apart = apart[(apart != 0).any(axis=1)]
        products = apart @ apart.T
        squares = np.diagonal(products)
        pairs = np.triu_indices(len(apart), 1)
        return float(np.var(products[pairs] / (squares[pairs[0]] * squares[pairs[1]]))) if len(apart) > 1 else np.nan

    module._calculate_wocs = weighted_cosines  # type: ignore[attr-defined]  # a module of our own


def _hbos(module: ModuleType) -> None:
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


def _qmcd(module: ModuleType) -> None:
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


def _sod(module: ModuleType) -> None:
    def shared_neighbours(near: Ints, count: int) -> Ints:
        """For each row the rows that share most neighbours with it."""
        member = np.zeros((len(near), len(near)), dtype=np.int64)
        np.put_along_axis(member, near, 1, axis=1)
        shared = member @ member.T
        np.fill_diagonal(shared, len(near) + 1)
        return np.argsort(-shared, axis=1, kind="stable")[:, 1 : count + 1]

    module._snn_imp = shared_neighbours  # type: ignore[attr-defined]  # a module of our own


MENDS: Mapping[str, Callable[[ModuleType], None]] = {
    "pyod.models.abod": _abod,
    "pyod.models.dif": _dif,
    "pyod.models.hbos": _hbos,
    "pyod.models.qmcd": _qmcd,
    "pyod.models.rod": _rod,
    "pyod.models.sod": _sod,
    "pyod.models.vae": _vae,
}
"""By the module that is mended when it has been read."""
