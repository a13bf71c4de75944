"""Drift: how far later rows lie from a summary of earlier ones, and how likely that is by chance.

How far is measured by the population stability index and by the largest distance between the two distribution
functions; how likely, by the test that belongs to the kind of value. Size and likelihood answer two questions: among a
million rows any difference is certain, and among fifty almost any is chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy import stats

from anomalist.data.summary import Levels, Numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.detector import Floats, Ints

__all__ = [
    "FEWEST",
    "Change",
    "compare",
    "compare_levels",
    "compare_numbers",
    "compare_shares",
    "far_apart",
    "holm",
    "psi",
]

FEWEST = 10.0
"""From fewer independent rows than this nothing is concluded."""

_DECILES = np.arange(0.1, 0.95, 0.1)
_HEAVY = 0.05
_EXPECTED = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How far the values of a column lie from those before.

    Attributes:
        psi: The population stability index; None where there is nothing to compare.
        ks: The largest distance between the two distribution functions, 0 to 1; None for what is no number.
        p: How likely a change as large is by chance; None where too little is known to tell.
        said: What changed most, for people.
    """

    psi: float | None = None
    ks: float | None = None
    p: float | None = None
    said: str = ""


def compare(before: Numbers | Levels, values: Floats | pl.Series) -> Change:
    """Compare numbers, or levels as text, none of them missing, with a summary of such.

    Raises:
        TypeError: The values are not of the kind of the summary.
    """
    if isinstance(before, Numbers) and isinstance(values, np.ndarray):
        return compare_numbers(before, values)
    if isinstance(before, Levels) and isinstance(values, pl.Series):
        return compare_levels(before, values)
    raise TypeError(f"{type(values).__name__} cannot be compared with {type(before).__name__}")


def compare_numbers(before: Numbers, values: Floats, *, allowed: float = 0.0) -> Change:
    """Compare numbers, none of them NaN, with a summary, by the two-sample test of Kolmogorov and Smirnov.

    The distance of the distribution functions is taken at the knots of the summary, where both are exact; it is never
    larger than the true one. Where some distance is `allowed`, the chance is that of one so far beyond it: by the
    triangle inequality, that chance is never too small.
    """
    if not before.rows or not values.size:
        return Change()
    below, upto = before.at(values)
    shares = np.stack([before.below, before.upto]) / before.rows
    ks = float(np.abs(shares - np.stack([below, upto]) / values.size).max())
    here, there = before.rows / before.memory, values.size / before.memory
    beyond = math.sqrt(here * there / (here + there)) * max(0.0, ks - allowed)
    return Change(
        psi=psi(*_bins(before, below, upto, values.size)),
        ks=ks,
        p=float(stats.kstwobign.sf(beyond)) if min(here, there) >= FEWEST else None,
        said=f"median {before.quantile(0.5):.4g} -> {np.median(values):.4g}",
    )


def compare_levels(before: Levels, text: pl.Series) -> Change:
    """Compare values as text, none of them missing, with a summary, by a chi-squared test.

    Levels that are rare in both sides together are taken as one: what is rare in one side alone would be so by chance.
    Where rows have a memory the statistic is divided by it (the correction of Rao and Scott 1984 for a design effect).
    """
    if not before.rows or not len(text):
        return Change()
    names, here, there = before.beside(text)
    said = ""
    if names is not None:
        moved = there / len(text) - here / before.rows
        most = int(np.argmax(np.abs(moved)))
        said = f"{names[most]!r} {here[most] / before.rows:.1%} -> {there[most] / len(text):.1%}"
    known = before.counts.size
    bins = here, there
    if here.size > known:  # the new levels are one bin
        bins = here[: known + 1], np.append(there[:known], there[known:].sum())
    return Change(
        psi=psi(*bins),
        p=_homogeneity(here / before.memory, there / before.memory),
        said=said,
    )


def compare_shares(hits: int, rows: int, hits_now: int, rows_now: int, *, memory: float = 1.0) -> float | None:
    """How likely two shares so far apart are by chance, by Fisher's exact test; None where too little is known."""
    scaled = [math.floor(number / memory) for number in (hits, rows - hits, hits_now, rows_now - hits_now)]
    if min(scaled[0] + scaled[1], scaled[2] + scaled[3]) < FEWEST:
        return None
    return float(stats.fisher_exact([scaled[:2], scaled[2:]]).pvalue)


def far_apart(share: float, other: float) -> float:
    """How far apart two shares are, by Cohen's h: 0.2 is a small difference, 0.5 a medium one (Cohen 1988).

    >>> round(far_apart(0.0, 0.01), 2), round(far_apart(0.5, 0.6), 2)
    (0.2, 0.2)
    """
    return 2.0 * abs(math.asin(math.sqrt(share)) - math.asin(math.sqrt(other)))


def psi(before: Ints, now: Ints) -> float:
    """The population stability index of counts in the same bins: below 0.1 little, above 0.25 much (Siddiqi 2006).

    Half a row is added to each bin, so that an empty one does not make it infinite.

    >>> round(psi(np.array([500, 500]), np.array([50, 50])), 3), round(psi(np.array([500, 500]), np.array([30, 70])), 2)
    (0.0, 0.17)
    """
    first, second = before + 0.5, now + 0.5
    first, second = first / first.sum(), second / second.sum()
    return float(((second - first) * np.log(second / first)).sum())


def holm(chances: Sequence[float | None]) -> list[float | None]:
    """Chances of several tests, corrected for their number by the procedure of Holm (1979); None stays None.

    Whatever the tests have to do with each other: where nothing has changed, the least of them is below a level with no
    more than that probability.

    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    tests = sorted((chance, place) for place, chance in enumerate(chances) if chance is not None)
    corrected: list[float | None] = [None] * len(chances)
    least = 0.0
    for done, (chance, place) in enumerate(tests):
        least = max(least, min(1.0, chance * (len(tests) - done)))
        corrected[place] = least
    return corrected


def _bins(before: Numbers, below: Ints, upto: Ints, rows: int) -> tuple[Ints, Ints]:
    """Counts before and now between the deciles of before; a number that many rows share has a bin for itself."""
    chosen = np.unique(np.searchsorted(before.upto, _DECILES * before.rows))
    cuts = {(int(before.upto[i]), int(upto[i])) for i in chosen}
    heavy = [i for i in chosen if before.upto[i] - before.below[i] >= _HEAVY * before.rows]
    cuts |= {(int(before.below[i]), int(below[i])) for i in heavy}
    ends = np.array([(0, 0), *sorted(cuts), (before.rows, rows)])
    counts = np.diff(ends, axis=0)
    kept = counts.any(axis=1)
    return counts[kept, 0], counts[kept, 1]


def _homogeneity(here: Floats, there: Floats) -> float | None:
    """The chi-squared test that two rows of counts come from the same shares."""
    both, smaller = here + there, min(here.sum(), there.sum())
    if smaller < FEWEST:
        return None
    expected = both * (smaller / both.sum())
    rare = expected < _EXPECTED
    if rare.any() and expected[rare].sum() < _EXPECTED and not rare.all():
        rare[np.argmin(np.where(rare, np.inf, expected))] = True
    table = np.stack([np.append(row[~rare], row[rare].sum()) for row in (here, there)])
    table = table[:, table.any(axis=0)]
    if table.shape[1] < 2:
        return 1.0
    fitted = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(stats.chi2.sf(((table - fitted) ** 2 / fitted).sum(), table.shape[1] - 1))
