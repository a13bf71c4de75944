"""Where PyOD scores a row by the rows beside it, by chance, or not at all, though its method can: what is done instead.

Each mend changes a module of ours (`anomalist_plugins.pyod.library`); that of an imported PyOD stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist_plugins.pyod import loops, series

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from anomalist.detector import Floats

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


def _pca(module: ModuleType) -> None:
    """PCA divides by the variance along each component, and columns that say the same leave some without any."""
    theirs: Callable[..., Any] = module.PCA.fit

    def fit(self: Any, values: Floats, y: None = None) -> Any:
        if self.n_components is None:
            spread = values.std(axis=0) if self.standardization else 1.0
            scaled = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
            self.n_components = max(1, int(np.linalg.matrix_rank(scaled)))
        return theirs(self, values, y)

    module.PCA.fit = fit


MENDS: Mapping[str, Callable[[ModuleType], None]] = {
    "pyod.models.abod": loops.abod,
    "pyod.models.cof": loops.cof,
    "pyod.models.dif": _dif,
    "pyod.models.hbos": loops.hbos,
    "pyod.models.lmdd": loops.lmdd,
    "pyod.models.loci": loops.loci,
    "pyod.models.pca": _pca,
    "pyod.models.qmcd": loops.qmcd,
    "pyod.models.rod": _rod,
    "pyod.models.sod": loops.sod,
    "pyod.models.sos": loops.sos,
    "pyod.models.ts_anomaly_transformer": series.anomaly_transformer,
    "pyod.models.ts_kshape": series.kshape,
    "pyod.models.ts_lstm": series.lstm,
    "pyod.models.ts_od": series.flat,
    "pyod.models.ts_sand": series.sand,
    "pyod.models.ts_spectral_residual": series.spectral_residual,
    "pyod.models.vae": _vae,
}
"""By the module that is mended when it has been read."""
