"""Calibrator: a detector's raw score to surprise, in bits, and to a level between 0 and 1.

The surprise of a score is minus the binary logarithm of the share of training scores at least as high: 1 bit is the
median, 10 bits is one training row in 1,024. Detectors with unlike units become comparable (Kriegel, Kroeger, Schubert
and Zimek 2011, "Interpreting and unifying outlier scores", give the idea of a common probabilistic scale).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from anomalist.errors import DetectorError

if TYPE_CHECKING:
    from anomalist.detector import Floats, Ints, State

__all__ = ["Calibrator", "level"]

_KNOTS = 512
_FINEST_STEP = 1e-7  # of the scale of the scores: closer knots would turn rounding errors into bits
_TAIL_SHARE = 0.1
_STRAIGHT_BITS = 4.0
_FARTHEST = 1e300
_FINEST_UNIT = 1e-200


def level(surprise: Floats) -> Floats:
    """Turn surprise in bits, any shape, into 1 - 2^-surprise: 0 is ordinary, 0.999 is one row in a thousand."""
    shown: Floats = -np.expm1(-math.log(2.0) * np.asarray(surprise, dtype=np.float64))
    return shown


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibrator:
    """A strictly increasing map from raw scores to surprise, the same for one row as for many.

    Between training scores it interpolates their empirical tail probability. Past the highest it goes on as an
    exponential tail whose scale is fitted to the top tenth of the training scores; after a few bits the tail bends into
    a logarithm, so that it never saturates, never ties, and no detector with an explosive unit outvotes the rest.
    Since the body is made of ranks, a single gross outlier in training does not squash the rest.

    Attributes:
        knots: Raw scores, strictly increasing, shape (k,).
        bits: Surprise at each knot, strictly increasing, shape (k,).
        slope: Bits for each unit of raw score just above the last knot and just below the first.
    """

    knots: Floats
    bits: Floats
    slope: float

    @classmethod
    def fit(cls, scores: Floats) -> Self:
        """Fit on the raw scores of training rows, shape (rows,).

        Raises:
            DetectorError: There are no scores, or one is not finite.
        """
        ordered = np.sort(np.asarray(scores, dtype=np.float64))
        if ordered.ndim != 1 or not ordered.size:
            raise DetectorError(f"scores of shape {ordered.shape} cannot be calibrated; one number a row is needed")
        if not np.isfinite(ordered).all():
            raise DetectorError("a score is not finite; a detector must give every row a finite number")
        unit = _scale(ordered)
        values, first, counts = np.unique(ordered, return_index=True, return_counts=True)
        chosen = _spread(values, first, ordered.size, _FINEST_STEP * unit)
        above = ordered.size - first[chosen] - counts[chosen]
        tail = (above + 0.5 * counts[chosen] + 0.5) / (ordered.size + 1.0)
        return cls(knots=values[chosen], bits=-np.log2(tail), slope=1.0 / (_tail_scale(ordered, unit) * math.log(2.0)))

    def surprise(self, scores: Floats) -> Floats:
        """Map raw scores, any shape, to surprise in bits, float64, the same shape, always positive.

        Raises:
            DetectorError: A score is not finite.
        """
        raw = np.asarray(scores, dtype=np.float64)
        if not np.isfinite(raw).all():
            raise DetectorError("a score is not finite; a detector must give every row a finite number")
        inside = np.interp(raw, self.knots, self.bits)
        with np.errstate(over="ignore"):
            past = np.minimum(np.maximum(raw - self.knots[-1], 0.0) * self.slope, _FARTHEST)
            short = np.minimum(np.maximum(self.knots[0] - raw, 0.0) * (self.slope / self.bits[0]), _FARTHEST)
        bent = past - _STRAIGHT_BITS
        beyond = np.where(bent > 0, _STRAIGHT_BITS * (1 + np.log1p(np.maximum(bent, 0) / _STRAIGHT_BITS)), past)
        result: Floats = (inside + beyond) / (1.0 + short)
        return result

    def state(self) -> State:
        """Arrays and plain values that `from_state` needs."""
        return {"knots": self.knots, "bits": self.bits, "slope": self.slope}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The calibrator that `state` was taken from."""
        return cls(knots=state["knots"], bits=state["bits"], slope=float(state["slope"]))


def _scale(ordered: Floats) -> float:
    """A positive number of the order of the scores' spread, or of their size where they have none."""
    low, high = np.quantile(ordered, (0.05, 0.95))
    spread: float = float(high - low if high > low else ordered[-1] - ordered[0])
    return spread if spread > _FINEST_UNIT else max(1.0, abs(float(ordered[-1])))


def _tail_scale(ordered: Floats, unit: float) -> float:
    """The scale of an exponential tail, from the median excess of the top tenth: robust against one gross outlier."""
    start = ordered[int((1.0 - _TAIL_SHARE) * (ordered.size - 1))]
    excess = ordered[ordered > start] - start
    median = float(np.median(excess)) if excess.size else 0.0
    return max(median / math.log(2.0), 1e-3 * unit)


def _spread(values: Floats, first: Ints, rows: int, step: float) -> list[int]:
    """Choose the distinct values that become knots: all of few; of many, evenly by rank and closer towards the top."""
    chosen = np.arange(values.size)
    if values.size > _KNOTS:
        evenly = np.linspace(0, rows - 1, _KNOTS // 2)
        towards_top = rows - np.geomspace(1, rows, _KNOTS // 2)
        ranks = np.unique(np.concatenate([evenly, towards_top]).astype(np.int64))
        chosen = np.unique(np.searchsorted(first, ranks, side="right") - 1)
    kept = [int(chosen[0])]
    for index in chosen[1:]:
        if values[index] - values[kept[-1]] > step:
            kept.append(int(index))
    return kept
