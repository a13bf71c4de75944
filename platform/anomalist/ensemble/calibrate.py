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
_STRAIGHT_BITS = 16.0  # so far the tail is exponential; beyond, only the logarithm of more bits counts
_BEND = 4.0
_FARTHEST = 1e300
_FINEST_UNIT = 1e-200


def level(surprise: Floats) -> Floats:
    """Turn surprise in bits, any shape, into 1 - 2^-surprise: 0 is ordinary, 0.999 is one row in a thousand."""
    shown: Floats = -np.expm1(-math.log(2.0) * np.asarray(surprise, dtype=np.float64))
    return shown


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibrator:
    """A strictly increasing map from raw scores to surprise, the same for one row as for many.

    The body interpolates the empirical tail probability of the training scores. Above it goes on as an exponential tail
    whose scale is the median excess of the scores above: one gross outlier in training does not squash the rest. In the
    end the tail bends into a logarithm, so that it never saturates, never ties, and no detector with an explosive unit
    outvotes the rest.

    Attributes:
        knots: Raw scores, strictly increasing, shape (k,).
        bits: Surprise at each knot, strictly increasing, shape (k,).
        slope: Bits of the tail for each unit of raw score.
        reach: Bits that the tail has at the last knot, before it bends.
        limit: Bits from which on it bends.
    """

    knots: Floats
    bits: Floats
    slope: float
    reach: float
    limit: float

    @classmethod
    def fit(cls, scores: Floats, *, body: float = 1.0) -> Self:
        """Fit on the raw scores of training rows, shape (rows,).

        Args:
            scores: Finite numbers.
            body: The share of the scores, from the lowest up, whose ranks are taken at their word. With 1 the tail
                begins past the highest score; with less it also tells the training scores above apart by how far out
                they are, and not by their rank alone.

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
        knots, bits = values[chosen], -np.log2((above + 0.5 * counts[chosen] + 0.5) / (ordered.size + 1.0))
        start = ordered[int(min(body, 1.0 - _TAIL_SHARE) * (ordered.size - 1))]
        slope = 1.0 / (_tail_scale(ordered, start, unit) * math.log(2.0))
        if body >= 1.0 or knots[-1] <= start:
            return cls(knots=knots, bits=bits, slope=slope, reach=float(bits[-1]), limit=float(bits[-1]) + _BEND)
        inside = knots <= start
        tail = -math.log2(float((ordered > start).mean())) + np.minimum((knots - start) * slope, _FARTHEST)
        bits = np.where(inside, bits, _bent(tail, _STRAIGHT_BITS))
        return cls(knots=knots, bits=bits, slope=slope, reach=float(tail[-1]), limit=_STRAIGHT_BITS)

    def surprise(self, scores: Floats) -> Floats:
        """Map raw scores, any shape, to surprise in bits, float64, the same shape, always positive.

        Raises:
            DetectorError: A score is not finite.
        """
        raw = np.asarray(scores, dtype=np.float64)
        if not np.isfinite(raw).all():
            raise DetectorError("a score is not finite; a detector must give every row a finite number")
        with np.errstate(over="ignore"):
            past = np.minimum(np.maximum(raw - self.knots[-1], 0.0) * self.slope, _FARTHEST)
            short = np.minimum(np.maximum(self.knots[0] - raw, 0.0) * (self.slope / self.bits[0]), _FARTHEST)
        beyond = _bent(self.reach + past, self.limit)
        result: Floats = np.where(past > 0, beyond, np.interp(raw, self.knots, self.bits)) / (1.0 + short)
        return result

    def state(self) -> State:
        """Arrays and plain values that `from_state` needs."""
        return {
            "knots": self.knots,
            "bits": self.bits,
            "slope": self.slope,
            "reach": self.reach,
            "limit": self.limit,
        }

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The calibrator that `state` was taken from."""
        return cls(
            knots=state["knots"],
            bits=state["bits"],
            slope=float(state["slope"]),
            reach=float(state["reach"]),
            limit=float(state["limit"]),
        )


def _bent(bits: Floats, limit: float) -> Floats:
    """Bits as they are up to a limit; beyond it, smoothly, a logarithm."""
    more = np.maximum(bits - limit, 0.0)
    bent: Floats = np.minimum(bits, limit) + _BEND * np.log1p(more / _BEND)
    return bent


def _scale(ordered: Floats) -> float:
    """A positive number of the order of the scores' spread, or of their size where they have none."""
    low, high = np.quantile(ordered, (0.05, 0.95))
    spread: float = float(high - low if high > low else ordered[-1] - ordered[0])
    return spread if spread > _FINEST_UNIT else max(1.0, abs(float(ordered[-1])))


def _tail_scale(ordered: Floats, start: float, unit: float) -> float:
    """The scale of an exponential tail from its median excess over the start: robust against one gross outlier."""
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
