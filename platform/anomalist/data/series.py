"""What kind of series ordered rows are: how long a window should be, and whether they are a series at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anomalist.data.ordering import cut, entity_codes, steps, typical_steps

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.data.ordering import Segments
    from anomalist.detector import Floats

__all__ = ["SeriesCheck", "check_series", "window_length"]

FALLBACK = 64  # where the rows show no period
SHORTEST, LONGEST = 32, 128  # what a period is clipped to
NARROW, WIDE = 2, 20  # above so many columns a window has at most 64 steps, and 32: it has enough numbers already
LISTENED = 8  # the longest segments, whose autocorrelation is looked at
HEARD = 10_000  # the most rows of each
LAGS = 4, 1024  # a peak below the first is noise, and above the second too long to matter after clipping
PEAK = 0.2  # a lower peak of the autocorrelation is no period
PART = 4  # a window is at most this part of the typical segment, so that most rows lie in full windows
LEAST = 4  # the shortest window

ENOUGH = 32  # a shorter stretch of rows is no series
TIES = 0.1  # a larger share of rows at the time of the row before are records of one moment, not a series
REGULAR = 0.5  # a share of steps that are equal, to a tenth
MEMORY, STRONG_MEMORY = 0.15, 0.5  # lag-1 autocorrelation that regular and irregular rows need
CHANCE = 3.0  # and in either case so many times what chance gives


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesCheck:
    """Whether rows with a time are a series, and why.

    Attributes:
        is_series: Whether neighbouring rows tell about each other, so that windows say more than rows.
        reason: One sentence with the figures that decided.
    """

    is_series: bool
    reason: str


def check_series(data: Dataset) -> SeriesCheck:
    """Tell a series (sensors, metrics) from records that merely have a time (transactions, log lines).

    Rows are a series if they come in stretches of at least 32 rows without a gap, at most a tenth of them share their
    time with the row before, and they remember: the absolute autocorrelation of at least one column from one row to the
    next is at least 0.15 where at least half of the steps are equal, and 0.5 where they are not, and in either case at
    least three times its standard error.

    Args:
        data: Encoded rows, values of shape (rows, columns).
    """
    if data.time is None:
        return SeriesCheck(is_series=False, reason="the rows have no time")
    known = entity_codes(data)
    segments = cut(data, known, typical_steps(data, known, 1))
    typical = _typical(segments)
    if typical < ENOUGH:
        return SeriesCheck(
            is_series=False, reason=f"the typical row lies in a stretch of {typical} rows, fewer than {ENOUGH}"
        )
    step = steps(data)
    ties = float((step <= 0).mean())
    if ties > TIES:
        return SeriesCheck(is_series=False, reason=f"{ties:.0%} of the rows have the time of the row before")
    usual = float(np.median(step[step > 0]))
    regular = float((np.abs(step - usual) <= usual / 10).mean())
    needed = max(MEMORY if regular >= REGULAR else STRONG_MEMORY, CHANCE / len(data) ** 0.5)
    memory = _memory(data, segments)
    return SeriesCheck(
        is_series=memory >= needed,
        reason=f"{regular:.0%} of the time steps are equal, and the autocorrelation of neighbouring rows is "
        f"{memory:.2f} where {needed:.2f} is needed",
    )


def _memory(data: Dataset, segments: Segments) -> float:
    """The largest absolute lag-1 autocorrelation of a column, over neighbours within segments."""
    calm = _calm(data.values[segments.order])
    level = np.add.reduceat(calm, segments.starts, axis=0) / segments.sizes[:, None]
    calm -= np.repeat(level, segments.sizes, axis=0)  # that one entity lies above another is no memory
    inside = np.ones(len(calm) - 1, dtype=bool)
    inside[segments.starts[1:] - 1] = False
    power = (calm**2).mean(axis=0)
    varied = power > 0
    if not varied.any():
        return 0.0
    return float(np.abs((calm[1:] * calm[:-1])[inside].mean(axis=0)[varied] / power[varied]).max())


def _typical(segments: Segments) -> int:
    """The rows of the segment that the typical row lies in: the median over rows."""
    ranked = np.sort(segments.sizes)
    return int(ranked[np.searchsorted(np.cumsum(ranked), ranked.sum() / 2)])


def window_length(values: Floats, segments: Segments) -> int:
    """The window length for ordered rows: from their period, their number of columns and the length of their segments.

    Args:
        values: The rows, shape (rows, columns), in the order in which they came.
        segments: How they are ordered and cut.
    """
    width = values.shape[1]
    cap = LONGEST if width <= NARROW else 64 if width <= WIDE else 32
    length = min(max(_period(values, segments) or FALLBACK, SHORTEST), cap)
    return max(min(length, _typical(segments) // PART), LEAST)


def _period(values: Floats, segments: Segments) -> int | None:
    """The lag of the highest peak of the autocorrelation, averaged over columns and the longest segments."""
    total, weight = np.zeros(LAGS[1] + 1), 0
    for segment in segments.longest(LISTENED):
        start = int(segments.starts[segment])
        rows = segments.order[start : start + min(int(segments.sizes[segment]), HEARD)]
        if len(rows) < 2 * LAGS[0]:
            break
        curve = _autocorrelation(values[rows])
        total[: len(curve)] += len(rows) * curve
        weight += len(rows)
    curve = total / max(weight, 1)
    inner = curve[1:-1]
    peaks = 1 + np.flatnonzero((inner > curve[:-2]) & (inner >= curve[2:]) & (inner > PEAK))
    peaks = peaks[peaks >= LAGS[0]]
    return int(peaks[np.argmax(curve[peaks])]) if peaks.size else None


def _autocorrelation(values: Floats) -> Floats:
    """The mean autocorrelation of the columns that vary, by lag, up to half the rows; shape (lags,)."""
    lags = min(len(values) // 2, LAGS[1]) + 1
    calm = _calm(values)
    calm -= calm.mean(axis=0)
    size = 1 << (2 * len(calm) - 1).bit_length()
    curves = np.fft.irfft(np.abs(np.fft.rfft(calm, size, axis=0)) ** 2, size, axis=0)[:lags]
    varied = curves[0] > 0
    return (curves[:, varied] / curves[0, varied]).mean(axis=1) if varied.any() else np.zeros(lags)


def _calm(values: Floats) -> Floats:
    """The columns clipped to all but their outer hundredths, float64: one spike must not hide the rhythm."""
    low, high = np.quantile(values, (0.01, 0.99), axis=0)
    return np.clip(values, low, high).astype(np.float64)
