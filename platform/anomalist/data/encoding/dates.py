"""Dates: the hour, the weekday and the season, each as a point on a circle.

How long ago a date was is left out on purpose: every later row would look more anomalous than the one before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import polars as pl

from anomalist.data.dates import to_naive
from anomalist.data.encoding.rarity import gap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.detector import Floats, Ints

__all__ = ["DateCoder"]

_CYCLES = {"hour": 1440, "weekday": 7, "season": 366}  # how many steps each circle has
_YEAR = 365 * 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DateCoder:
    """A sine and a cosine for each cycle that the training dates run through, and a column for missing dates.

    The season is used where the training dates span a year: a model fitted on spring must not flag the whole summer.
    """

    kind: ClassVar[str] = "date"

    name: str
    cycles: tuple[str, ...]
    gap: float
    middle: str
    center: tuple[float, ...]

    @classmethod
    def fit(cls, series: pl.Series) -> Self | None:
        """Fit on a column of dates; None where all dates are alike in hour, weekday and season."""
        dates = to_naive(series).drop_nulls()
        if dates.is_empty():
            return None
        span = int(dates.cast(pl.Int64).max()) - int(dates.cast(pl.Int64).min())  # type: ignore[arg-type]  # not empty
        varied = {cycle: _step(dates, cycle).std() > 0 for cycle in _CYCLES}
        varied["season"] = varied["season"] and span >= _YEAR
        cycles = tuple(cycle for cycle, used in varied.items() if used)
        if not cycles:
            return None
        points = np.concatenate([_circle(_step(dates, cycle), cycle, len(cycles)) for cycle in cycles], axis=1)
        middle = dates.sort()[len(dates) // 2].isoformat(sep=" ")
        return cls(
            name=series.name,
            cycles=cycles,
            gap=gap(series.null_count(), len(series)),
            middle=middle.removesuffix(" 00:00:00"),
            center=tuple(float(value) for value in np.median(points, axis=0)),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """`name:hour sin`, `name:hour cos`, and so on."""
        parts = [f"{self.name}:{cycle} {part}" for cycle in self.cycles for part in ("sin", "cos")]
        return (*parts, f"{self.name}:missing") if self.gap else tuple(parts)

    @property
    def baseline(self) -> tuple[float, ...]:
        """The middle of the training points."""
        return (*self.center, 0.0) if self.gap else self.center

    @property
    def typical(self) -> str:
        """The median date."""
        return self.middle

    def write(self, series: pl.Series, out: Floats) -> None:
        """Place each date on its circles; a missing one in their middle."""
        dates = to_naive(series)
        missing = dates.is_null().to_numpy()
        dates = dates.fill_null(strategy="zero")
        for i, cycle in enumerate(self.cycles):
            out[:, 2 * i : 2 * i + 2] = _circle(_step(dates, cycle), cycle, len(self.cycles))
        if missing.any():
            out[missing, : len(self.center)] = self.center
        if self.gap:
            out[:, -1] = missing * self.gap

    def state(self) -> tuple[dict[str, Any], dict[str, Floats]]:
        """Plain values only."""
        plain = {"name": self.name, "cycles": list(self.cycles), "gap": self.gap, "middle": self.middle}
        return {**plain, "center": list(self.center)}, {}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Self:  # noqa: ARG003 (the protocol's)
        """Restore a fitted coder."""
        return cls(
            name=state["name"],
            cycles=tuple(state["cycles"]),
            gap=float(state["gap"]),
            middle=state["middle"],
            center=tuple(float(value) for value in state["center"]),
        )


def _step(dates: pl.Series, cycle: str) -> Ints:
    """Where each date stands on the circle, as a whole number of steps."""
    if cycle == "hour":
        step = dates.dt.hour().cast(pl.Int64) * 60 + dates.dt.minute()
    elif cycle == "weekday":
        step = dates.dt.weekday().cast(pl.Int64) - 1
    else:
        step = dates.dt.ordinal_day().cast(pl.Int64) - 1
    numbers: Ints = step.to_numpy()
    return numbers


def _circle(step: Ints, cycle: str, cycles: int) -> Floats:
    """Sine and cosine, shape (rows, 2), from a table; all circles together weigh as much as one number."""
    angles = 2.0 * np.pi * np.arange(_CYCLES[cycle]) / _CYCLES[cycle]
    table = np.column_stack([np.sin(angles), np.cos(angles)]) / np.sqrt(cycles)
    points: Floats = table[step]
    return points
