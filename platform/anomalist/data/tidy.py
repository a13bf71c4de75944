"""Raw columns to typed ones: text that means numbers, dates or truth values is read as such over the whole column."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from anomalist.data.conventions import Convention
from anomalist.data.dates import DIGITS, EPOCHS, epoch_unit, looks_like_dates, parse_dates, seconds, to_naive
from anomalist.data.kept import from_epoch, read_kept, read_truth
from anomalist.data.keys import as_text
from anomalist.data.numerals import PLAIN, parse_numbers, without_missing
from anomalist.data.roles import Role
from anomalist.data.words import counted, cut, first_row
from anomalist.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.data.dates import Dates
    from anomalist.data.numerals import Numbers

__all__ = ["Tidy", "from_objects", "plain", "tidy", "tidy_column"]

_NEARLY_ALL = 0.95
_ENOUGH = 20
_AS_TEXT = frozenset({Role.KEY, Role.TEXT, Role.CATEGORICAL, Role.IDENTIFIER, Role.IGNORED})
_TEXT = Convention(kind="text", form="")
_TRUTH = Convention(kind="truth", form="")


class Tidy(NamedTuple):
    """A typed column, a note that is empty where nothing was repaired, and how its values are written."""

    values: pl.Series
    note: str
    convention: Convention


def tidy(
    frame: pl.DataFrame, *, source: str, roles: Mapping[str, Role], kept: Mapping[str, Convention]
) -> tuple[pl.DataFrame, list[str], dict[str, Convention]]:
    """Type every column of a frame.

    Args:
        frame: The rows.
        source: What errors call them.
        roles: Those that are known already.
        kept: How the columns of an earlier table were written: those here are read in the same way.

    Returns:
        The frame, one note for each repair, and how each column is written.

    Raises:
        DataError: A column is nearly all numbers or dates but for a few values, or cannot be what the user said it is.
        SchemaMismatchError: A value is not written as in the earlier table.
    """
    columns = {
        series.name: tidy_column(series, source=source, role=roles.get(series.name), kept=kept.get(series.name))
        for series in frame.iter_columns()
    }
    notes = [f"column {name!r}: {column.note}" for name, column in columns.items() if column.note]
    conventions = {name: column.convention for name, column in columns.items()}
    return pl.DataFrame([column.values for column in columns.values()]), notes, conventions


def tidy_column(series: pl.Series, *, source: str, role: Role | None, kept: Convention | None = None) -> Tidy:
    """Type one column, as an earlier one where that is given."""
    series, note = plain(series)
    if kept is not None:
        values, found, convention = read_kept(series, kept, role=role, source=source), "", kept
    elif role == Role.NUMERIC:
        values, found, convention = _numbers(series, source)
    elif role in {Role.DATETIME, Role.TIME}:
        values, found, convention = _dates(series, source, counting=role == Role.TIME)
    elif series.dtype != pl.String:
        values, found, convention = series, "", Convention.of(series)
    elif role in _AS_TEXT:
        values, found, convention = without_missing(series), "", _TEXT
    else:
        values, found, convention = _from_text(series, source=source)
    return Tidy(values, "; ".join(filter(None, [note, found, _infinities(values)])), convention)


def _numbers(series: pl.Series, source: str) -> Tidy:
    """A column as numbers, and what was repaired."""
    if series.dtype == pl.String:
        numbers = parse_numbers(series)
        _refuse(series, numbers.bad, source, "a number")
        return _of_numbers(numbers)
    if series.dtype.is_temporal():
        note = "dates as seconds since 1970"
        return Tidy(pl.Series(series.name, seconds(series)).fill_nan(None), note, Convention.of(series))
    if series.dtype == pl.Boolean:
        series = series.cast(pl.Int64)
    series = series.cast(pl.Float64) if series.dtype == pl.Null else series
    return Tidy(series, "", Convention.of(series))


def _of_numbers(numbers: Numbers) -> Tidy:
    whole = numbers.values.dtype.is_integer()
    form = Convention(kind="number", form=numbers.form, unit=numbers.unit, whole=whole)
    return Tidy(numbers.values, numbers.note, form)


def _dates(series: pl.Series, source: str, *, counting: bool) -> Tidy:
    """A column as dates, or as numbers where it counts, and what had to be decided."""
    written = None
    if series.dtype == pl.String:
        numbers = parse_numbers(series)
        if numbers.bad.any() or (not counting and (numbers.form != PLAIN or numbers.unit)):
            dates = parse_dates(series)
            _refuse(series, dates.bad, source, "a date or time")
            return _of_dates(dates)
        series, written = numbers.values, _of_numbers(numbers).convention
    if series.dtype.is_integer() and len(series) and series.is_between(19000101, 21001231).all():
        days = series.cast(pl.String).str.to_date(DIGITS, strict=False)
        if days.null_count() == series.null_count():
            return Tidy(days, "numbers like 20201231 read as dates", Convention(kind="date", form=DIGITS, whole=True))
    if counting or series.dtype.is_temporal():
        return Tidy(series, "", written or Convention.of(series))
    if series.dtype == pl.Boolean:
        raise DataError(f"{source}: column {series.name!r} holds truth values, which are no dates: leave it its role")
    if not series.dtype.is_numeric():
        return Tidy(series.cast(pl.Datetime("us")), "", Convention(kind="date"))
    unit = epoch_unit(series)
    form = next(name for name, size in EPOCHS.items() if size == unit)
    note = f"numbers read as dates, in {form} since 1970"
    return Tidy(from_epoch(series, unit), note, Convention(kind="date", form=form))


def _of_dates(dates: Dates) -> Tidy:
    return Tidy(dates.values, dates.note, Convention(kind="date", form=dates.form, whole=dates.values.dtype == pl.Date))


def from_objects(name: str, values: list[Any]) -> pl.Series:
    """A column from Python objects; lists, dicts and types that cannot be one become text, each value by itself."""
    try:
        series = pl.Series(name, values, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        series = pl.Series(name, [None], dtype=pl.Object)
    if series.dtype.is_nested():  # polars would drop the keys that the first dicts lack
        return pl.Series(name, [None if value is None else _as_text(value) for value in values], dtype=pl.String)
    return _from_mixed(name, values) if series.dtype == pl.Object else series


def _from_mixed(name: str, values: list[Any]) -> pl.Series:
    """Each value as the text that it has in a column of its own type: a row must read the same alone."""
    places: dict[type, list[int]] = defaultdict(list)
    for place, value in enumerate(values):
        if value is not None:
            places[type(value)].append(place)
    text: list[str | None] = [None] * len(values)
    for kind, rows in places.items():
        alike = [values[row] for row in rows]
        try:
            column = pl.Series(name, alike, strict=True)
            known = not (column.dtype.is_nested() or column.dtype == pl.Object)
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            known = False
        told = as_text(plain(column)[0]).to_list() if known and kind is not str else list(map(_as_text, alike))
        for row, value in zip(rows, told, strict=True):
            text[row] = value
    return pl.Series(name, text, dtype=pl.String)


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


def _from_text(series: pl.Series, *, source: str) -> Tidy:
    """What a text column holds: numbers, dates, truth values, or text."""
    present = len(series) - series.null_count()
    numbers = parse_numbers(series)
    wrong = int(numbers.bad.sum())
    if numbers.values.null_count() == len(series) and not wrong:
        return Tidy(numbers.values.cast(pl.Float64), numbers.note, Convention(kind="number", form=PLAIN))
    if not wrong and not numbers.codes:
        return _of_numbers(numbers)
    if looks_like_dates(series):
        dates = parse_dates(series)
        if not dates.bad.any():
            return _of_dates(dates)
        _refuse_few(series, dates.bad, source, "dates")
    text = without_missing(series)
    right = present - wrong if not numbers.codes else 0
    if right and numbers.values.n_unique() > _ENOUGH:
        _refuse_few(series, numbers.bad, source, "numbers")
        if right >= 0.5 * present:
            row = first_row(numbers.bad)
            share = f"{100 * right / present:.0f} %"
            note = f"{share} of the values are numbers, but row {row} holds {cut(series[row - 1])}: kept as text"
            return Tidy(text, note, _TEXT)
    if read_truth(text.drop_nulls()[:1]).is_not_null().any():
        truth = read_truth(text)
        if truth.null_count() == text.null_count():
            return Tidy(truth, "", _TRUTH)
    note = "digits that a number would change (leading zeros, or too long): kept as text" if numbers.codes else ""
    return Tidy(text, note, _TEXT)


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
    if not np.isinf(series.to_numpy()).any():
        return ""
    infinite = series.is_infinite().fill_null(value=False)
    found = counted(int(infinite.sum()), "infinite value")
    return f"{found}, first in row {first_row(infinite)}: taken as the most extreme"
