"""The data of the demonstration: rare tumours among healthy samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from sklearn.datasets import load_breast_cancer

from anomalist.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_demo_data"]

_RARE = 20


def write_demo_data(path: Path) -> Path:
    """Write the Wisconsin diagnostic breast cancer samples to a CSV file: all benign ones and 20 malignant ones, mixed.

    Raises:
        UsageError: The folder cannot be made or the file cannot be written.
    """
    bunch = load_breast_cancer()
    rng = np.random.default_rng(0)
    malignant = rng.choice(np.flatnonzero(bunch.target == 0), _RARE, replace=False)
    rows = rng.permutation(np.concatenate([np.flatnonzero(bunch.target == 1), malignant]))
    columns: dict[str, object] = {"sample": [f"S{row:04d}" for row in rows]}
    columns |= {name.replace(" ", "_"): bunch.data[rows, i] for i, name in enumerate(bunch.feature_names)}
    columns["diagnosis"] = np.where(bunch.target[rows] == 0, "malignant", "benign")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(columns).write_csv(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror or error}); name another --folder") from None
    return path
