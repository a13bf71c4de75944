"""What a window looks like, in ten numbers a channel, so that detectors of rows can work on series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from anomalist.detector import Floats

__all__ = ["STATISTICS", "describe"]

STATISTICS = ("mean", "std", "min", "max", "median", "iqr", "trend", "step", "jump", "turn")
"""Their names, in order.

`mean`, `std`, `min`, `max`, `median` and `iqr` (the middle half's range) are of the values; `trend` is the slope of the
least-squares line over the whole window; `step` and `jump` are the mean and the largest absolute difference of
neighbours; `turn` is the mean absolute second difference.
"""


def describe(windows: Floats) -> Floats:
    """The statistics of each window, shape (windows, columns x 10), float32; a column's ten lie side by side.

    Args:
        windows: float32, shape (windows, length, columns), length at least 1.
    """
    count, length, width = windows.shape
    out = np.empty((count, width, len(STATISTICS)), dtype=np.float32)
    ranked = np.sort(windows, axis=1)
    out[..., 0] = windows.mean(axis=1)
    out[..., 1] = windows.std(axis=1)
    out[..., 2] = ranked[:, 0]
    out[..., 3] = ranked[:, -1]
    out[..., 4] = (ranked[:, (length - 1) // 2] + ranked[:, length // 2]) / 2
    out[..., 5] = ranked[:, (3 * (length - 1)) // 4] - ranked[:, (length - 1) // 4]
    clock = np.arange(length, dtype=np.float32) - (length - 1) / 2
    out[..., 6] = np.einsum("wld,l->wd", windows, clock / max(float(clock @ clock), 1.0) * length)
    step = np.abs(np.diff(windows, axis=1)) if length > 1 else np.zeros_like(windows)
    out[..., 7] = step.mean(axis=1)
    out[..., 8] = step.max(axis=1)
    bend = np.abs(np.diff(windows, n=2, axis=1)) if length > 2 else np.zeros_like(windows)
    out[..., 9] = bend.mean(axis=1)
    return out.reshape(count, width * len(STATISTICS))
