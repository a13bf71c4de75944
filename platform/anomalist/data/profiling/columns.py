"""What one column is like, and what to worry about in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from anomalist.data.dates import to_naive
from anomalist.data.encoding.codes import code_counts
from anomalist.data.keys import as_text
from anomalist.data.numerals import parse_numbers
from anomalist.data.profiling.mixtures import mixture
from anomalist.data.quantiles import quantiles
from anomalist.data.roles import Role
from anomalist.data.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.detector import Floats

__all__ = ["ColumnProfile", "profile_column"]

_SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_TOP = 5
_FEW_LEVELS = 10
_SENTINELS = frozenset({-1.0, -9.0, -99.0, -999.0, -9999.0, -99999.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0})
_WORDS = frozenset({Role.CATEGORICAL, Role.TEXT, Role.IDENTIFIER})
_LEVELS = frozenset({Role.CATEGORICAL, Role.BOOLEAN, Role.TEXT, Role.LABEL, Role.ENTITY, Role.KEY})


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """One column.

    Attributes:
        name: Its name.
        role: What it is for.
        why: Why it has this role, and whether it looks like a code all the same.
        missing: How many values are missing.
        missing_share: The same as a share of the rows.
        distinct: How many different values there are, missing ones aside.
        quantiles: Of numbers and dates, by share: `0` the smallest, `0.5` the median, `1` the largest finite value.
        top: The most frequent values with their counts, of anything but plain numbers and dates.
        warnings: What to worry about, in sentences without the name.
    """

    name: str
    role: Role
    why: str
    missing: int
    missing_share: float
    distinct: int
    quantiles: Mapping[str, float | str]
    top: tuple[tuple[str, int], ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "role": self.role.value,
            "why": self.why,
            "missing": self.missing,
            "missing_share": self.missing_share,
            "distinct": self.distinct,
            "quantiles": dict(self.quantiles),
            "top": [{"value": value, "rows": rows} for value, rows in self.top],
            "warnings": list(self.warnings),
        }


def profile_column(series: pl.Series, role: Role, why: str) -> ColumnProfile:
    """Describe one column of at least one row."""
    present = series.drop_nulls()
    distinct = present.n_unique()
    missing = len(series) - len(present)
    shares: Mapping[str, float | str] = {}
    top: tuple[tuple[str, int], ...] = ()
    warnings = _of_any(role, present, missing / len(series), distinct)
    if present.dtype.is_temporal() and len(present):
        shares = _of_dates(present)
    elif present.dtype.is_numeric() and role not in _LEVELS and len(present):
        values = present.cast(pl.Float64).to_numpy()
        shares = _of_numbers(values[np.isfinite(values)])
        warnings += _warn_numbers(values) if role == Role.NUMERIC else []
        if role == Role.NUMERIC and code_counts(values) is not None:
            why += "; looks like a code: its frequencies jump"
    elif len(present):
        counts = as_text(present).alias("level").value_counts(sort=True, name="rows").head(_TOP)
        top = tuple((str(value)[:200], int(rows)) for value, rows in counts.iter_rows())
        if role == Role.CATEGORICAL and distinct > 100 and distinct > 0.2 * len(present):
            warnings.append(f"has {distinct} levels for {len(present)} values: most of them are rare")
    return ColumnProfile(
        name=series.name,
        role=role,
        why=why,
        missing=missing,
        missing_share=missing / len(series),
        distinct=distinct,
        quantiles=shares,
        top=top,
        warnings=tuple(warnings),
    )


def _of_any(role: Role, present: pl.Series, missing: float, distinct: int) -> list[str]:
    """What any column can have wrong with it."""
    warnings = []
    if role == Role.CONSTANT:
        warnings.append(
            "says nothing: it has no value at all" if present.is_empty() else "says nothing: it is constant"
        )
    elif missing >= 0.5:
        warnings.append(f"is missing in {100 * missing:.0f} % of the rows")
    mixed = mixture(present) if role in _WORDS else ""
    if role == Role.IDENTIFIER:
        share = 0.0 if mixed else _share_of_numbers(present)
        numbers = f"{100 * share:.0f} % of it are numbers: write all of it like them" if share >= 0.5 else ""
        warnings.append(
            f"is left out as nearly unique, but {mixed or numbers}"
            if mixed or numbers
            else "is nearly unique and is left out; give it another role if it means more than an identifier"
        )
    elif mixed:
        warnings.append(mixed)
    if role in {Role.NUMERIC, Role.CATEGORICAL, Role.BOOLEAN} and distinct > 1 and len(present) >= 1000:
        counts = present.alias("level").value_counts(sort=True, name="rows")
        share = int(counts.get_column("rows")[0]) / len(present)
        if share >= 0.999:
            warnings.append(f"is {counts.to_series(0)[0]!r} in {100 * share:.2f} % of the rows: nearly constant")
    return warnings


def _share_of_numbers(present: pl.Series) -> float:
    """How much of a text column are numbers; 0 where all of it is digits that have to stay text."""
    if present.dtype != pl.String or present.is_empty():
        return 0.0
    numbers = parse_numbers(present)
    return 0.0 if numbers.codes else 1.0 - float(numbers.bad.sum()) / len(present)


def _of_numbers(finite: Floats) -> dict[str, float | str]:
    if not finite.size:
        return {}
    return {f"{share:g}": float(value) for share, value in zip(_SHARES, quantiles(finite, _SHARES), strict=True)}


def _of_dates(present: pl.Series) -> dict[str, float | str]:
    dates = to_naive(present).sort()
    places = [round(share * (len(dates) - 1)) for share in _SHARES]
    return {f"{share:g}": dates[place].isoformat(sep=" ") for share, place in zip(_SHARES, places, strict=True)}


def _warn_numbers(values: Floats) -> list[str]:
    """Infinities, values that stand for missing ones, heavy tails, and ranges of many orders of magnitude."""
    warnings = []
    finite = values[np.isfinite(values)]
    if finite.size < values.size:
        warnings.append(f"holds {counted(values.size - finite.size, 'infinite value')}")
    if finite.size < 20:
        return warnings
    sentinel = _sentinel(finite)
    if sentinel is not None:
        value, rows = sentinel
        warnings.append(f"is {value:g} in {rows} rows, far from all else: does it stand for a missing value?")
        finite = finite[finite != value]
    low, first, middle, third, high = quantiles(finite, (0.01, 0.25, 0.5, 0.75, 0.99))
    if third > first and max(high - middle, middle - low) > 20 * (third - first):
        warnings.append("is very skewed: a few values lie far from the rest")
    positive = finite[finite > 0]
    if positive.size > 0.5 * finite.size:
        low, high = quantiles(positive, (0.01, 0.99))
        orders = math.log10(high) - math.log10(low)
        if orders >= 6:
            warnings.append(f"runs over {orders:.0f} orders of magnitude: are its units mixed?")
    return warnings


def _sentinel(finite: Floats) -> tuple[float, int] | None:
    """The smallest or largest value, where it is frequent and lies further out than all others lie apart."""
    levels, rows = np.unique(finite, return_counts=True)
    if levels.size < _FEW_LEVELS:
        return None
    for end, rest in ((0, levels[1:]), (-1, levels[:-1])):
        value, count = float(levels[end]), int(rows[end])
        width = float(rest[-1]) - float(rest[0])
        gap = min(abs(float(rest[0]) - value), abs(float(rest[-1]) - value))
        usual = value in _SENTINELS and abs(value) > 50
        often = max(3, 0.001 * finite.size) if usual else max(10, 0.01 * finite.size)
        if count >= often and gap > (0.5 if usual else 1.0) * width > 0:
            return value, count
        if value == -1.0 and count >= max(3, 0.005 * finite.size) and float(rest[0]) >= 0.0 and width > 20:
            return value, count
    return None
