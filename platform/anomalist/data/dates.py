"""Text and numbers that mean dates: the common ways of writing them, and seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product

import numpy as np
import polars as pl

from anomalist.data.numerals import MISSING_IN_NUMBERS

__all__ = [
    "DIGITS",
    "EPOCHS",
    "Dates",
    "day_of",
    "epoch_unit",
    "example",
    "looks_like_dates",
    "parse_dates",
    "read_dates",
    "seconds",
    "to_naive",
]

DIGITS = "%Y%m%d"
"""The form of whole numbers like 20241231."""

EPOCHS = {"seconds": 1.0, "milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}
"""The forms of numbers that count from 1970: how many seconds each unit has."""

_LOOK = (
    r"^\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{1,2}/\d{1,2}/\d{2}"
    r"|\d{1,2}[- ][A-Za-z]{3,9}[-, ]+\d{4}|[A-Za-z]{3,9} \d{1,2},? \d{4})(\D.*)?$"
)
_MISSING = [*MISSING_IN_NUMBERS, "0000-00-00", "0000-00-00 00:00:00"]
_DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%m/%d/%y"),
    *("%d/%m/%y", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y"),
)
_HOURS = ("", " %H:%M:%S%.f", " %H:%M", " %I:%M:%S %p", " %I:%M %p", " %H:%M:%S%.f%#z", " %H:%M%#z")
_SWAPPED = {"%m/%d/%Y": "%d/%m/%Y", "%m/%d/%y": "%d/%m/%y", "%d-%m-%Y": "%m-%d-%Y"}
_SAMPLE = 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dates:
    """What parsing a text column as dates gave.

    Attributes:
        values: Date, or Datetime in microseconds (UTC where the text named a zone), null where missing or not a date.
        bad: Marks the values that are there and are not dates.
        form: The format that they are written in; None for ISO 8601 of any length.
        note: What had to be decided, empty when nothing had.
    """

    values: pl.Series
    bad: pl.Series
    form: str | None = None
    note: str = ""


def looks_like_dates(text: pl.Series) -> bool:
    """Whether most of the first values have the shape of a date."""
    sample = text.drop_nulls().head(_SAMPLE)
    sample = sample.filter(~sample.str.strip_chars().str.to_lowercase().is_in(_MISSING))
    return len(sample) > 0 and bool((sample.str.contains(_LOOK).sum() or 0) >= 0.5 * len(sample))


def parse_dates(text: pl.Series) -> Dates:
    """Parse a text column as dates in the one format that reads the most of its values."""
    clean = _clean(text)
    levels = clean.drop_nulls().unique(maintain_order=True)
    sample = levels.head(_SAMPLE)
    formats = [day + hour for day, hour in product(_DAYS, _HOURS)]
    ranked = sorted(formats, key=lambda item: _read(sample, item).null_count())  # stable: earlier formats win ties
    best, values = ranked[0], _read(levels, ranked[0])
    for rival in ranked[1:3]:
        other = _read(levels, rival)
        if other.null_count() < values.null_count():
            best, values = rival, other
    note = _ambiguity(levels, best) if not values.null_count() else ""
    if "z" in best:
        note = "times with a zone converted to UTC"
    return replace(_read_all(clean, best), note=note)


def read_dates(text: pl.Series, form: str | None) -> Dates:
    """Read a text column as dates of a known format, each value by itself; without a format as ISO 8601 dates."""
    clean = _clean(text)
    if form is not None:
        return _read_all(clean, form)
    values = pl.Series(text.name, [None] * len(text), dtype=pl.Datetime("us"))
    for hours in _HOURS:
        if "%p" not in hours:
            read = to_naive(_read(clean, _DAYS[0] + hours))
            values = values.zip_with(values.is_not_null(), read)
    return Dates(values=values, bad=clean.is_not_null() & values.is_null())


def day_of(form: str | None) -> str:
    """The part of a format that says the day."""
    return _DAYS[0] if form is None else form.split(" %H", maxsplit=1)[0].split(" %I", maxsplit=1)[0]


def example(form: str | None) -> str:
    """The last day of 2024 in a format, at a quarter past two in the afternoon where it has hours.

    >>> example("%d.%m.%Y %H:%M"), example(None)
    ('31.12.2024 14:15', '2024-12-31')
    """
    moment = datetime(2024, 12, 31, 14, 15, tzinfo=UTC)
    if form in EPOCHS:
        return f"{int(moment.timestamp()) * round(1 / EPOCHS[form])}, {form} since 1970"
    return moment.strftime((form or _DAYS[0]).replace("%.f", "").replace("%#z", "%z"))


def to_naive(series: pl.Series) -> pl.Series:
    """A Date or Datetime column without its zone (as UTC), in microseconds; a time of day on the first day of 1970."""
    if series.dtype == pl.Time:
        series = (series.cast(pl.Int64) // 1000).cast(pl.Datetime("us"))
    if isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone is not None:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return series.cast(pl.Datetime("us"))


def epoch_unit(series: pl.Series) -> float:
    """Seconds in one unit of a numeric time: 1 unless its size says milli-, micro- or nanoseconds since 1970."""
    largest = series.cast(pl.Float64).abs().max()
    size = float(largest) if isinstance(largest, float) else 0.0
    return 1.0 if size < 1e11 else 1e-3 if size < 1e14 else 1e-6 if size < 1e17 else 1e-9


def seconds(series: pl.Series, unit: float = 1.0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Seconds as float64, since 1970 for dates, NaN where missing; numbers are multiplied by `unit`."""
    if series.dtype.is_temporal():
        return to_naive(series).dt.timestamp("us").cast(pl.Float64).fill_null(np.nan).to_numpy() * 1e-6
    return series.cast(pl.Float64).fill_null(np.nan).to_numpy() * unit


def _clean(text: pl.Series) -> pl.Series:
    """The values as the formats know them, and null where a word says that they are missing."""
    clean = text.str.strip_chars()
    tokens = clean.str.to_lowercase().is_in(_MISSING).fill_null(value=False)
    clean = clean.zip_with(~tokens, pl.Series([None], dtype=pl.String))
    return clean.str.replace(r"(\d)[Tt](\d)", "${1} ${2}").str.replace(r"\s*(Z|UTC|GMT)$", "+00:00")


def _read_all(clean: pl.Series, form: str) -> Dates:
    """Read in one format; midnight is often written as a bare date."""
    parsed = _read(clean, form)
    if parsed.dtype != pl.Date and parsed.null_count() > clean.null_count():
        parsed = parsed.zip_with(parsed.is_not_null(), to_naive(_read(clean, day_of(form))))
    return Dates(values=parsed, bad=clean.is_not_null() & parsed.is_null(), form=form)


def _read(text: pl.Series, form: str) -> pl.Series:
    if "%H" not in form and "%I" not in form:
        return text.str.to_date(form, strict=False)
    return to_naive(text.str.to_datetime(form, time_unit="us", strict=False))


def _ambiguity(levels: pl.Series, best: str) -> str:
    """Say so where day and month could be the other way round in every value."""
    swapped = next((best.replace(a, b) for a, b in _SWAPPED.items() if best.startswith(a)), None)
    if swapped is None or _read(levels, swapped).null_count():
        return ""
    order = "month first" if best.startswith("%m") else "day first"
    return f"dates like {levels[0]!r} read with the {order}; no value says which it is"
