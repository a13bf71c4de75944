"""Views: the evidence of rows as a stacker's kernels want it, on the scale of the rows as they come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.special import ndtr, ndtri

if TYPE_CHECKING:
    from anomalist.detector import Floats, State
    from anomalist.ensemble.stack import Evidence

__all__ = ["Scale", "View", "Views"]

_CLIP = 6.0  # standard deviations: one gross outlier must not be all that a linear kernel sees
_KNOTS = 256
_FAR = 1e-4  # ranks are taken at their word up to one row in ten thousand


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scale:
    """Mean and standard deviation of columns, each of shape (columns,)."""

    mean: Floats
    deviation: Floats

    @classmethod
    def fit(cls, values: Floats) -> Self:
        """Measure them; a constant column has the deviation 1."""
        deviation = values.std(axis=0)
        return cls(mean=values.mean(axis=0), deviation=np.where(deviation > 1e-9, deviation, 1.0))

    def __call__(self, values: Floats) -> Floats:
        """Standardise values of shape (rows, columns)."""
        scaled: Floats = (values - self.mean) / self.deviation
        return scaled


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """Some rows as kernels see them.

    Attributes:
        consensus: Bits, shape (rows,).
        slope: The consensus, standardised, shape (rows,).
        members: Surprises, standardised, shape (rows, members).
        columns: Encoded columns, standardised and clipped, shape (rows, columns).
        ranks: Encoded columns as normal scores of their ranks, shape (rows, columns).
    """

    consensus: Floats
    slope: Floats
    members: Floats
    columns: Floats
    ranks: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Views:
    """Turns evidence into views; fitted on rows as they come.

    Attributes:
        consensus: Scale of the consensus.
        members: Scale of the surprises.
        columns: Scale of the encoded columns.
        knots: Values of each encoded column, ascending; one array a column.
        normals: The normal score of each knot, likewise.
    """

    consensus: Scale
    members: Scale
    columns: Scale
    knots: tuple[Floats, ...]
    normals: tuple[Floats, ...]

    @classmethod
    def fit(cls, rows: Evidence) -> Self:
        """Measure the scales and the ranks of rows as they come."""
        columns = np.asarray(rows.columns, dtype=np.float64)
        pairs = [_normal_scores(column) for column in columns.T]
        return cls(
            consensus=Scale.fit(rows.consensus[:, None]),
            members=Scale.fit(np.asarray(rows.surprises, dtype=np.float64)),
            columns=Scale.fit(columns),
            knots=tuple(knots for knots, _ in pairs),
            normals=tuple(normals for _, normals in pairs),
        )

    def __call__(self, rows: Evidence) -> View:
        """See rows."""
        columns = np.asarray(rows.columns, dtype=np.float64)
        ranks = np.empty(columns.shape)
        for index, (knots, normals) in enumerate(zip(self.knots, self.normals, strict=True)):
            ranks[:, index] = np.interp(columns[:, index], knots, normals)
        return View(
            consensus=rows.consensus,
            slope=self.consensus(rows.consensus[:, None])[:, 0],
            members=self.members(np.asarray(rows.surprises, dtype=np.float64)),
            columns=np.clip(self.columns(columns), -_CLIP, _CLIP),
            ranks=ranks,
        )

    def state(self) -> State:
        """Arrays that `from_state` needs."""
        scales = {"consensus": self.consensus, "members": self.members, "columns": self.columns}
        return {
            **{name: np.stack([scale.mean, scale.deviation]) for name, scale in scales.items()},
            "lengths": np.array([knots.size for knots in self.knots], dtype=np.int64),
            "knots": np.concatenate([*self.knots, np.empty(0)]),
            "normals": np.concatenate([*self.normals, np.empty(0)]),
        }

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The views that `state` was taken from."""
        scales = {
            name: Scale(mean=state[name][0], deviation=state[name][1]) for name in ("consensus", "members", "columns")
        }
        ends = np.cumsum(state["lengths"])[:-1]
        knots, normals = (np.split(state[name], ends) if len(state["lengths"]) else [] for name in ("knots", "normals"))
        return cls(**scales, knots=tuple(knots), normals=tuple(normals))


def _normal_scores(column: Floats) -> tuple[Floats, Floats]:
    """Some values of a column and the normal scores of their mean ranks; all values where there are few."""
    values, counts = np.unique(column, return_counts=True)
    share = (np.cumsum(counts) - 0.5 * counts) / column.size
    if values.size > _KNOTS:  # evenly by normal score: closer by rank towards both ends
        evenly = ndtr(np.linspace(ndtri(_FAR), -ndtri(_FAR), _KNOTS))
        chosen = np.unique([0, *np.searchsorted(share, evenly).clip(0, values.size - 1), values.size - 1])
        values, share = values[chosen], share[chosen]
    return values, ndtri(np.clip(share, _FAR, 1.0 - _FAR))
