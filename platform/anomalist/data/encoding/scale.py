"""The scale of numbers: how far a value lies from the median, in robust deviations, with extremes compressed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from anomalist.data.quantiles import quantiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.detector import Floats

__all__ = ["Scale"]

_IQR = 1.349  # the interquartile range of a normal distribution of standard deviation 1
_FARTHEST = 1e6
_HUGE = 2.0**1000  # from spreads of this size on, differences are taken of quarters: they could be too large


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A fitted scale: `(value - center) / spread`, in full up to `cap` deviations, by its logarithm beyond.

    One value a million deviations away must not outweigh all else in a distance, and still lie beyond all others.

    Attributes:
        center: The median of the training values.
        spread: Their interquartile range divided by 1.349, at most the largest number there is; where that is 0 their
            standard deviation with the outermost thousandths drawn in; 1 where all values are equal.
        cap: Where the logarithm takes over; the curve and its slope are continuous there.
    """

    center: float
    spread: float
    cap: float

    @classmethod
    def fit(cls, values: Floats, *, cap: float) -> Self:
        """Fit on finite values, shape (rows,); at least one row."""
        lowest, low, center, high, highest = quantiles(values, (0.001, 0.25, 0.5, 0.75, 0.999))
        least = 1e-12 * max(abs(center), 1e-200)  # differences below this are rounding
        spread = high / _IQR - low / _IQR
        if spread <= least:
            spread = _deviation(np.clip(values, lowest, highest))
        if spread <= least:
            spread = _deviation(values)
        return cls(center=center, spread=min(spread, sys.float_info.max) if spread > least else 1.0, cap=cap)

    def apply(self, values: Floats) -> Floats:
        """Scaled values, float64, shape (rows,); an infinity lands at the far end, NaN stays."""
        part = 0.25 if self.spread > _HUGE else 1.0
        with np.errstate(over="ignore"):  # what is too large for a difference lies beyond the farthest
            scaled = (values * part - self.center * part) / (self.spread * part)
        np.clip(scaled, -_FARTHEST, _FARTHEST, out=scaled)
        far = np.abs(scaled) > self.cap
        if far.any():
            beyond = scaled[far]
            scaled[far] = np.copysign(self.cap + np.log1p(np.abs(beyond) - self.cap), beyond)
        return scaled

    def state(self) -> dict[str, float]:
        """What `from_state` needs."""
        return {"center": self.center, "spread": self.spread, "cap": self.cap}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Restore a fitted scale."""
        return cls(center=float(state["center"]), spread=float(state["spread"]), cap=float(state["cap"]))


def _deviation(values: Floats) -> float:
    """The standard deviation, of values of any size."""
    largest = float(np.abs(values).max())
    return largest * float(np.std(values / largest)) if largest > 0.0 else 0.0
