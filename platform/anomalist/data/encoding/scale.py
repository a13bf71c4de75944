"""The scale of numbers: how far a value lies from the median, in robust deviations, with extremes compressed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.detector import Floats

__all__ = ["Scale"]

_LIMIT = 1e6
# Each pair of quantiles, with the width that it has in a normal distribution of standard deviation 1.
_WIDTHS = ((0.25, 0.75, 1.349), (0.10, 0.90, 2.563), (0.05, 0.95, 3.290), (0.01, 0.99, 4.653))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A fitted scale: `(value - center) / spread`, linear up to `cap` deviations and logarithmic beyond.

    Attributes:
        center: The median of the finite training values.
        spread: A robust standard deviation: the interquartile range, or a wider range where that is 0; at last the
            standard deviation, and 1 where all values are equal.
        cap: Where the logarithm takes over; the curve and its slope are continuous there.
    """

    center: float
    spread: float
    cap: float

    @classmethod
    def fit(cls, values: Floats, *, cap: float) -> Self:
        """Fit on finite values, shape (rows,); at least one row."""
        wanted = [0.5, *(share for low, high, _ in _WIDTHS for share in (low, high))]
        center, *ends = (float(end) for end in np.quantile(values, wanted))
        spreads = [
            (high - low) / width for low, high, (_, _, width) in zip(ends[::2], ends[1::2], _WIDTHS, strict=True)
        ]
        with np.errstate(over="ignore"):
            spreads.append(float(np.std(values)))
        smallest = 1e-12 * max(abs(center), 1e-200)
        spread = next((item for item in spreads if np.isfinite(item) and item > smallest), 1.0)
        return cls(center=center, spread=spread, cap=cap)

    def apply(self, values: Floats) -> Floats:
        """Scaled values, float64, shape (rows,); an infinity lands on the far end, NaN stays."""
        with np.errstate(over="ignore"):
            scaled = (values - self.center) / self.spread
        np.clip(scaled, -_LIMIT, _LIMIT, out=scaled)
        far = np.abs(scaled) > self.cap
        if far.any():
            beyond = scaled[far]
            scaled[far] = np.copysign(self.cap * (1.0 + np.log(np.abs(beyond) / self.cap)), beyond)
        return scaled

    def state(self) -> dict[str, float]:
        """What `from_state` needs."""
        return {"center": self.center, "spread": self.spread, "cap": self.cap}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Restore a fitted scale."""
        return cls(center=float(state["center"]), spread=float(state["spread"]), cap=float(state["cap"]))
