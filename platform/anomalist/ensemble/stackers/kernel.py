"""Kernel: how alike rows are in the eyes of the Gaussian process, seen through a handful of rows that were observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anomalist.ensemble.stackers.relevance import squared_distances

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anomalist.detector import Floats
    from anomalist.ensemble.stack import Evidence
    from anomalist.ensemble.stackers.views import View, Views

__all__ = ["Kernel"]

_BLOCK = 8_192
_JITTER = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kernel:
    """The covariance of rows with the observed rows, bound to them.

    Attributes:
        constant: Variance of the level.
        slope: Variance of the weight of the consensus.
        members: Variance of what the members' surprises add.
        columns: Variance of what the columns add.
        local: Variance of what neighbourhoods add.
        scale: The squared distance that a neighbourhood reaches.
        views: How rows are seen.
        rows: The observed rows, as they were.
        seen: The same as kernels see them.
        relevant: How much each column counts in a distance, shape (columns,), summing to 1.
    """

    constant: float
    slope: float
    members: float
    columns: float
    local: float
    scale: float
    views: Views
    rows: Evidence
    seen: View
    relevant: Floats

    def blocks(self, rows: Evidence) -> Iterator[tuple[slice, View]]:
        """Rows as kernels see them, not too many at once."""
        for first in range(0, len(rows), _BLOCK):
            part = slice(first, min(first + _BLOCK, len(rows)))
            yield part, self.views(rows.take(part))

    def of_its_rows(self) -> Floats:
        """The covariance of the observed rows, a little more than positive semidefinite."""
        covariance = self.with_its_rows(self.seen)
        covariance.flat[:: len(self.rows) + 1] += _JITTER
        return covariance

    def with_its_rows(self, view: View) -> Floats:
        """Covariances, shape (rows, observed)."""
        members, columns = (max(self.seen.members.shape[1], 1), max(self.seen.columns.shape[1], 1))
        covariance: Floats = self.constant + self.slope * np.outer(view.slope, self.seen.slope)
        covariance += (self.members / members) * (view.members @ self.seen.members.T)
        covariance += (self.columns / columns) * (view.columns @ self.seen.columns.T)
        covariance += self._local(self._distances(view))
        return covariance

    def variance(self, view: View) -> Floats:
        """Prior variance, shape (rows,)."""
        linear = self.slope * view.slope**2 + self.members * (view.members**2).mean(axis=1)
        if view.columns.shape[1]:
            linear += self.columns * (view.columns**2).mean(axis=1)
        total: Floats = self.constant + linear + self.local
        return total

    def linear_weights(self, alpha: Floats) -> tuple[Floats, Floats]:
        """The weights that the linear kernels give each member and each column."""
        of_members = self.members * (alpha @ self.seen.members) / max(self.seen.members.shape[1], 1)
        of_columns = self.columns * (alpha @ self.seen.columns) / max(self.seen.columns.shape[1], 1)
        return of_members, of_columns

    def local_parts(self, view: View, alpha: Floats) -> Floats:
        """By how much the local part falls when one column is put at its median, shape (rows, columns)."""
        distances = self._distances(view)
        whole = self._local(distances) @ alpha
        parts = np.empty(view.ranks.shape)
        for index, relevant in enumerate(self.relevant):
            theirs = self.seen.ranks[:, index]
            change = theirs**2 - (view.ranks[:, index, None] - theirs) ** 2
            parts[:, index] = whole - self._local(np.maximum(distances + relevant * change, 0.0)) @ alpha
        return parts

    def _distances(self, view: View) -> Floats:
        weights = np.sqrt(self.relevant)
        return squared_distances(view.ranks * weights, self.seen.ranks * weights)

    def _local(self, distances: Floats) -> Floats:
        near: Floats = self.local * np.exp(distances * (-0.5 / self.scale))
        return near
