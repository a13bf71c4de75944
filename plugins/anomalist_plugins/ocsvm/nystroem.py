"""The one-class support vector machine for many rows: a low-rank kernel and a linear solver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from anomalist.detector import check_deadline

if TYPE_CHECKING:
    from anomalist.detector import Floats
    from anomalist_plugins.ocsvm.kernels import Kernel

_SMALLEST_EIGENVALUE = 1e-8
_SMOOTHING = 0.005
_BLOCK_ROWS = 256


def fit_nystroem(values: Floats, anchors: Floats, kernel: Kernel, nu: float, tol: float) -> tuple[Floats, float]:
    """Weights of the anchors and the offset of a one-class SVM on `values`, shapes (anchors,) and scalar.

    Rows become features in the span of the anchors (Williams & Seeger 2001), where the machine is linear. Its weights
    are folded back on the anchors, so scoring is the same weighted kernel sum as in the exact machine.
    """
    spectrum, axes = np.linalg.eigh(kernel.matrix(anchors, anchors))
    kept = spectrum > _SMALLEST_EIGENVALUE * spectrum[-1]
    project = axes[:, kept] / np.sqrt(spectrum[kept])
    similar = np.empty((len(values), len(anchors)))
    for start in range(0, len(values), _BLOCK_ROWS):  # in the cache, and with no second matrix of this size
        check_deadline()
        similar[start : start + _BLOCK_ROWS] = kernel.matrix(values[start : start + _BLOCK_ROWS], anchors)
    direction, offset = fit_linear(similar, project, nu, tol)
    return project @ direction, offset


def fit_linear(similar: Floats, project: Floats, nu: float, tol: float) -> tuple[Floats, float]:
    """Solve the linear one-class SVM: min 1/2 |w|^2 - rho + mean(max(0, rho - x w)) / nu (Schoelkopf et al. 2001).

    The features x are `similar @ project`, which is never formed: that product would cost more than all the steps. The
    hinge is rounded over a small part of the spread of the rows, which makes the problem smooth for L-BFGS. It starts
    from the mean row, which is the solution at nu = 1.
    """
    rows, columns = len(similar), project.shape[1]
    start = similar.mean(axis=0) @ project
    scale = max(float(np.linalg.norm(start)) ** 2, np.finfo(np.float64).tiny)
    along = similar @ (project @ start)
    round_over = max(_SMOOTHING * float(along.std()), 1e-6 * scale)

    def loss(point: Floats) -> tuple[float, Floats]:
        check_deadline()
        weights, offset = point[:columns], point[columns]
        short = offset - similar @ (project @ weights)
        inside = np.clip(short, 0.0, round_over)
        hinge = inside * (short - 0.5 * inside) / round_over
        hinge[short <= 0] = 0.0
        slope = inside / (round_over * nu * rows)
        value = 0.5 * weights @ weights - offset + hinge.mean() / nu
        return float(value) / scale, np.append(weights - (slope @ similar) @ project, slope.sum() - 1.0) / scale

    first = np.append(start, np.quantile(along, nu))
    found = minimize(
        loss, first, jac=True, method="L-BFGS-B", options={"maxiter": 500, "gtol": tol * 0.01, "ftol": tol * 1e-8}
    )
    weights = found.x[:columns]
    return weights, float(np.quantile(similar @ (project @ weights), nu))
