"""Rows and windows to try a detector on: small, made up, the same every time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anomalist.data.dataset import Dataset

if TYPE_CHECKING:
    from anomalist.detector import Bools, Floats, Ints, View

__all__ = ["COLUMNS", "Probe", "Samples"]

COLUMNS = 4
_ROWS = 200
_WINDOWS = 100
_LENGTH = 12
_FAR = 8.0  # in standard deviations of a column


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Probe:
    """Rows to score, of which some are far out.

    Attributes:
        data: The rows.
        far: Which are far out, shape (rows,).
    """

    data: Dataset
    far: Bools


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Rows as they come, or windows of them, from a source that has two hidden causes and noise.

    Attributes:
        eats: `rows` or `windows`.
    """

    eats: View = "rows"

    def ordinary(self, rows: int | None = None, columns: int = COLUMNS, *, seed: int = 0) -> Dataset:
        """Rows with nothing odd in them."""
        return Dataset.from_array(self.values(rows, columns, seed=seed))

    def probe(self, columns: int = COLUMNS, *, scale: float = 1.0) -> Probe:
        """Sixty ordinary rows that no detector has seen yet, and twenty of which every column is far out."""
        values, far = self.values(80, columns, seed=1), np.arange(80) >= 60
        sides = np.random.default_rng(2).choice([-1.0, 1.0], size=(20, columns))
        values[60:] += _FAR * (sides if values.ndim == 2 else sides[:, None, :] * self._noise(values[60:].shape))
        return Probe(data=Dataset.from_array(scale * values), far=far)

    def disturbed(self, column: int) -> Dataset:
        """Twelve ordinary rows, of which one column is far out."""
        values = self.values(12, COLUMNS, seed=3)
        noise = np.ones(12) if values.ndim == 2 else self._noise(values[..., column].shape)
        values[..., column] += _FAR * noise
        return Dataset.from_array(values)

    def elsewhere(self) -> Dataset:
        """Rows of another source: other places, other spreads."""
        return Dataset.from_array(5.0 - 3.0 * self.values(None, COLUMNS, seed=4))

    def duplicates(self) -> Dataset:
        """Twenty different rows, each ten times."""
        return Dataset.from_array(
            np.tile(self.values(20, COLUMNS, seed=5), (10, 1) if self.eats == "rows" else (5, 1, 1))
        )

    def constant(self) -> Dataset:
        """Rows of which the second column never changes."""
        values = self.values(None, COLUMNS, seed=0)
        values[..., 1] = 3.0
        return Dataset.from_array(values)

    def take(self, data: Dataset, columns: Ints) -> Dataset:
        """The same rows with some of their columns, in the given order."""
        return Dataset.from_array(data.values[..., columns])

    def values(self, rows: int | None, columns: int, *, seed: int) -> Floats:
        """Numbers of shape (rows, columns), or (windows, length, columns)."""
        rng = np.random.default_rng(seed)
        mixing = np.random.default_rng(99).normal(size=(2, 64))[:, :columns]  # the same source whatever the seed
        if self.eats == "rows":
            causes = rng.normal(size=(rows or _ROWS, 2))
            return np.asarray(0.8 * causes @ mixing + 0.6 * rng.normal(size=(rows or _ROWS, columns)))
        steps = np.arange(_LENGTH) + rng.uniform(0, 24, size=(rows or _WINDOWS, 1))
        waves = np.stack([np.sin(2 * np.pi * steps / 24), np.cos(2 * np.pi * steps / 24)], axis=2)
        return np.asarray(waves @ mixing + 0.1 * rng.normal(size=(*steps.shape, columns)))

    def _noise(self, shape: tuple[int, ...]) -> Floats:
        """Signs that change from step to step."""
        return np.random.default_rng(6).choice([-1.0, 1.0], size=shape)
