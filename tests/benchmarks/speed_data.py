"""Labelled rows for the benchmarks: correlated clusters, and the four kinds of anomalies that ADBench tells apart.

The kinds (Han et al., ADBench, NeurIPS 2022): local ones lie near a cluster but wider than its rows, global ones
anywhere in the range, clustered ones together in a place of their own, and dependency ones have usual values in each
column that do not go together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CLUSTERS = 4
SHARE = 0.05
KINDS = ("local", "global", "clustered", "dependency")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Standardised rows to fit, float32, shape (rows, columns), as many others to score, and the labels of those."""

    fit: np.ndarray
    score: np.ndarray
    labels: np.ndarray


def make_rows(rows: int, columns: int, *, seed: int = 0) -> Rows:
    """Draw rows to fit and as many others to score; a share of both are anomalies, of every kind alike."""
    rng = np.random.default_rng(seed)
    world = _World.draw(columns, rng)
    train, _ = world.table(rows, rng)
    test, labels = world.table(rows, rng)
    centre, spread = train.mean(axis=0, dtype=np.float64), train.std(axis=0, dtype=np.float64)
    for table in (train, test):
        table -= centre.astype(np.float32)
        table /= spread.astype(np.float32)
    return Rows(fit=train, score=test, labels=labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """Where the clusters lie and how their columns go together."""

    centres: np.ndarray  # (clusters, columns)
    mixing: np.ndarray  # (clusters, factors, columns)
    weights: np.ndarray  # (clusters,)

    @classmethod
    def draw(cls, columns: int, rng: np.random.Generator) -> _World:
        factors = max(1, columns // 4)
        return cls(
            centres=rng.normal(scale=2.0, size=(CLUSTERS, columns)).astype(np.float32),
            mixing=(rng.normal(size=(CLUSTERS, factors, columns)) / np.sqrt(factors)).astype(np.float32),
            weights=rng.dirichlet(np.full(CLUSTERS, 5.0)),
        )

    def table(self, rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Rows in random order, and 1 for each anomaly."""
        each = max(1, round(SHARE * rows / len(KINDS)))
        usual = self.usual(rows - each * len(KINDS), rng)
        parts = [usual, *(getattr(self, f"_{kind}")(each, usual, rng) for kind in KINDS)]
        order = rng.permutation(rows)
        return np.concatenate(parts)[order], (order >= len(usual)).astype(int)

    def usual(self, rows: int, rng: np.random.Generator, *, width: float = 1.0) -> np.ndarray:
        """Rows of the clusters; `width` times as far from the centres as usual."""
        cluster = rng.choice(CLUSTERS, size=rows, p=self.weights)
        values = np.empty((rows, self.centres.shape[1]), dtype=np.float32)
        for index in range(CLUSTERS):
            own = np.flatnonzero(cluster == index)
            factors = rng.standard_normal((len(own), self.mixing.shape[1]), dtype=np.float32)
            noise = rng.standard_normal((len(own), values.shape[1]), dtype=np.float32)
            values[own] = self.centres[index] + width * (factors @ self.mixing[index] + 0.3 * noise)
        return values

    def _local(self, rows: int, usual: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return self.usual(rows, rng, width=2.0)

    def _global(self, rows: int, usual: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        low, high = usual.min(axis=0), usual.max(axis=0)
        return rng.uniform(low, high, size=(rows, usual.shape[1])).astype(np.float32)

    def _clustered(self, rows: int, usual: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        place = 1.5 * self.centres[0] + self.centres[1]
        return place + 0.3 * rng.standard_normal((rows, usual.shape[1]), dtype=np.float32)

    def _dependency(self, rows: int, usual: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        sources = rng.integers(len(usual), size=(rows, usual.shape[1]))
        return np.take_along_axis(usual, sources, axis=0)
