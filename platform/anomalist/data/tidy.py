"""Raw columns to typed ones: text that means numbers, dates or truth values is read as such over the whole column."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from anomalist.data.dates import epoch_unit, looks_like_dates, parse_dates, seconds, to_naive
from anomalist.data.numerals import parse_numbers, without_missing
from anomalist.data.roles import Role
from anomalist.data.words import counted, cut
from anomalist.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["first_row", "from_objects", "plain", "tidy", "tidy_column", "to_dates", "to_numbers", "to_time"]

_NEARLY_ALL = 0.95
_ENOUGH = 20
_AS_TEXT = frozenset({Role.KEY, Role.TEXT, Role.CATEGORICAL, Role.IDENTIFIER, Role.IGNORED})


def tidy(frame: pl.DataFrame, *, source: str, given: Mapping[str, Role]) -> tuple[pl.DataFrame, list[str]]:
    """Type every column of a frame; returns the frame and one note for each repair.

    Raises:
        DataError: A column is nearly all numbers or dates but for a few values, or cannot be what the user said it is.
    """
    columns, notes = [], []
    for series in frame.iter_columns():
        typed, note = tidy_column(series, source=source, role=given.get(series.name))
        columns.append(typed)
        notes += [f"column {series.name!r}: {note}"] if note else []
    return pl.DataFrame(columns), notes


def tidy_column(series: pl.Series, *, source: str, role: Role | None) -> tuple[pl.Series, str]:
    """Type one column; returns it and a note, empty where nothing was repaired."""
    series, note = plain(series)
    found = ""
    if role == Role.NUMERIC:
        series, found = _numbers(series, source)
    elif role in {Role.DATETIME, Role.TIME}:
        series, found = _dates(series, source, counting=role == Role.TIME)
    elif series.dtype == pl.String:
        series, found = (without_missing(series), "") if role in _AS_TEXT else _from_text(series, source=source)
    return series, "; ".join(filter(None, [note, found, _infinities(series)]))


def to_numbers(series: pl.Series, *, source: str) -> pl.Series:
    """A column as Int64 or Float64.

    Raises:
        DataError: A value is not a number; the message names its row.
    """
    return _numbers(series, source)[0]


def to_dates(series: pl.Series, *, source: str) -> pl.Series:
    """A column as dates; numbers count from 1970 in the unit that their size says, or `YYYYMMDD` where all look so.

    Raises:
        DataError: A value is not a date; the message names its row.
    """
    return _dates(series, source, counting=False)[0]


def to_time(series: pl.Series, *, source: str) -> pl.Series:
    """A column as dates, or as numbers where it holds numbers: a time may simply count.

    Raises:
        DataError: A value is neither; the message names its row.
    """
    return _dates(series, source, counting=True)[0]


def _numbers(series: pl.Series, source: str) -> tuple[pl.Series, str]:
    """A column as numbers, and what was repaired."""
    if series.dtype == pl.String:
        numbers = parse_numbers(series)
        _refuse(series, numbers.bad, source, "a number")
        return numbers.values, numbers.note
    if series.dtype == pl.Boolean:
        return series.cast(pl.Int64), ""
    if series.dtype.is_temporal():
        return pl.Series(series.name, seconds(series)).fill_nan(None), "dates as seconds since 1970"
    return series.cast(pl.Float64) if series.dtype == pl.Null else series, ""


def _dates(series: pl.Series, source: str, *, counting: bool) -> tuple[pl.Series, str]:
    """A column as dates, or as numbers where it counts, and what had to be decided."""
    if series.dtype.is_temporal():
        return series, ""
    if series.dtype == pl.String:
        numbers = parse_numbers(series)
        if numbers.bad.any():
            dates = parse_dates(series)
            _refuse(series, dates.bad, source, "a date or time")
            return dates.values, dates.note
        series = numbers.values
    if series.dtype.is_integer() and len(series) and series.is_between(19000101, 21001231).all():
        days = series.cast(pl.String).str.to_date("%Y%m%d", strict=False)
        if days.null_count() == series.null_count():
            return days, "numbers like 20201231 read as dates"
    if counting:
        return series, ""
    if not series.dtype.is_numeric():
        return series.cast(pl.Datetime("us"), strict=False), ""
    unit = epoch_unit(series)
    micros = (series.cast(pl.Float64) * (unit * 1e6)).round().cast(pl.Int64, strict=False)
    return micros.cast(pl.Datetime("us")), f"numbers read as dates, in units of {unit:g} seconds since 1970"


def from_objects(name: str, values: list[Any]) -> pl.Series:
    """A column from Python objects; lists, dicts and types that cannot be one type become text."""
    try:
        series = pl.Series(name, values, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        series = pl.Series(name, [None], dtype=pl.Object)
    if series.dtype.is_nested() or series.dtype == pl.Object:  # polars would drop the keys that the first dicts lack
        return pl.Series(name, [None if value is None else _as_text(value) for value in values], dtype=pl.String)
    return series


def first_row(mask: pl.Series) -> int:
    """The number of the first true row, counted from 1."""
    return int(mask.arg_true()[0]) + 1


def plain(series: pl.Series) -> tuple[pl.Series, str]:
    """One of the types that the rest knows: String, Boolean, Int64, Float64, dates; nested values as JSON text."""
    kind = series.dtype
    if isinstance(kind, pl.Datetime):
        return to_naive(series), "times with a zone converted to UTC" if kind.time_zone else ""
    if isinstance(kind, (pl.Categorical, pl.Enum)):
        return series.cast(pl.String), ""
    if isinstance(kind, pl.Duration):
        return series.dt.total_microseconds().cast(pl.Float64) * 1e-6, "durations as seconds"
    if kind.is_decimal() or kind.is_float():
        series = series.cast(pl.Float64)
        return series.fill_nan(None) if series.is_nan().any() else series, ""
    if kind.is_integer():
        whole = series.cast(pl.Int64, strict=False)
        return (whole if whole.null_count() == series.null_count() else series.cast(pl.String)), ""
    if kind.is_nested() or kind in (pl.Object, pl.Binary):
        values = [None if value is None else _as_text(value) for value in series.to_list()]
        return pl.Series(series.name, values, dtype=pl.String), "nested or binary values kept as text"
    return series, ""


def _as_text(value: Any) -> str:
    """Any value as text; lists and dicts as JSON."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)


def _from_text(series: pl.Series, *, source: str) -> tuple[pl.Series, str]:
    """What a text column holds: numbers, dates, truth values, or text."""
    present = len(series) - series.null_count()
    numbers = parse_numbers(series)
    wrong = int(numbers.bad.sum())
    if numbers.values.null_count() == len(series) and not wrong:
        return numbers.values.cast(pl.Float64), numbers.note
    if not wrong and not numbers.codes:
        return numbers.values, numbers.note
    if looks_like_dates(series):
        dates = parse_dates(series)
        if not dates.bad.any():
            return dates.values, dates.note
        _refuse_few(series, dates.bad, source, "dates")
    text = without_missing(series)
    right = present - wrong if not numbers.codes else 0
    if right and numbers.values.n_unique() > _ENOUGH:
        _refuse_few(series, numbers.bad, source, "numbers")
        if right >= 0.5 * present:
            row = first_row(numbers.bad)
            share = f"{100 * right / present:.0f} %"
            return text, f"{share} of the values are numbers, but row {row} holds {cut(series[row - 1])}: kept as text"
    if text.drop_nulls()[:1].str.strip_chars().str.to_lowercase().is_in(["true", "false"]).any():
        words = text.str.strip_chars().str.to_lowercase()
        if words.is_in(["true", "false"]).all():
            return words == "true", ""
    return text, "digits that a number would change (leading zeros, or too long): kept as text" if numbers.codes else ""


def _refuse(series: pl.Series, bad: pl.Series, source: str, what: str) -> None:
    if bad.any():
        row = first_row(bad)
        got = cut(series[row - 1])
        raise DataError(f"{source}: row {row}, column {series.name!r}: {got} is not {what}; correct it")


def _refuse_few(series: pl.Series, bad: pl.Series, source: str, what: str) -> None:
    """Refuse a column that is nearly all numbers or dates: reading the rest as missing would hide a mistake."""
    present = len(series) - series.null_count()
    wrong = int(bad.sum())
    if wrong <= (1 - _NEARLY_ALL) * present and present - wrong >= _ENOUGH:
        row = first_row(bad)
        others = f" and {wrong - 1} more" if wrong > 1 else ""
        raise DataError(
            f"{source}: row {row}, column {series.name!r}: {cut(series[row - 1])}{others} among {present - wrong}"
            f" {what}; correct or empty it, or give the column the role categorical"
        )


def _infinities(series: pl.Series) -> str:
    if not series.dtype.is_float():
        return ""
    infinite = series.is_infinite().fill_null(value=False)
    if not infinite.any():
        return ""
    found = counted(int(infinite.sum()), "infinite value")
    return f"{found}, first in row {first_row(infinite)}: taken as the most extreme"
