"""Columns read as an earlier table wrote them: each value by itself, so that a row reads the same alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from anomalist.data.dates import DIGITS, EPOCHS, read_dates, seconds
from anomalist.data.keys import as_text
from anomalist.data.numerals import PLAIN, read_numbers, without_missing
from anomalist.data.roles import Role
from anomalist.data.words import cut, first_row, suggest
from anomalist.errors import SchemaMismatchError

if TYPE_CHECKING:
    from anomalist.data.conventions import Convention, Reading
    from anomalist.data.table import Table

__all__ = ["column_like", "from_epoch", "read_kept", "read_truth"]

_STRICT = frozenset({Role.NUMERIC, Role.DATETIME, Role.TIME})
_EARLIEST = 1e7
"""Seconds since 1970: a smaller number in place of a date is no date but a mistake."""


def column_like(table: Table, name: str, reading: Reading) -> pl.Series:
    """A column of a table, typed as it was in the earlier table of that reading.

    Raises:
        SchemaMismatchError: It is missing, holds values of another kind, or was read by another convention.
    """
    if name not in table.frame.columns:
        hint = suggest(name, table.frame.columns)
        raise SchemaMismatchError(f"{table.source}: column {name!r} is missing; the model was fitted with it{hint}")
    series = table.frame.get_column(name)
    kept, found = reading.conventions[name], table.conventions[name]
    if series.dtype == pl.String and found == kept:
        return series
    if series.dtype != pl.String and series.null_count() < len(series) and not kept.agrees(found):
        raise SchemaMismatchError(
            f"{table.source}: column {name!r} was read as {found.described}, and the model was fitted on"
            f" {kept.described}: read these rows with the reading of the encoder as `like`"
        )
    return read_kept(series, kept, role=reading.roles[name], source=table.source)


def read_kept(series: pl.Series, kept: Convention, *, role: Role | None, source: str) -> pl.Series:
    """Type a column of plain values as the column of that convention was.

    A number, a date or a time must be written as it was there. In a column of any other role each value is a level or a
    text, whatever it is: those that are not written so stay the text that they are.

    Args:
        series: The column, as `plain` gives it.
        kept: The convention.
        role: The role of the column.
        source: What an error calls the rows.

    Raises:
        SchemaMismatchError: A value is not written so; the message names its row.
    """
    if role not in _STRICT:
        return _as_levels(series, kept)
    if kept.kind == "date":
        if role == Role.NUMERIC and series.dtype.is_numeric():  # seconds already
            return series.cast(pl.Float64)
        dates = _as_dates(series, kept, source)
        return pl.Series(series.name, seconds(dates)).fill_nan(None) if role == Role.NUMERIC else dates
    return _as_numbers(series, kept, source)


def read_truth(text: pl.Series) -> pl.Series:
    """The words true and false as Boolean, null for anything else."""
    words = text.str.strip_chars().str.to_lowercase()
    known = words.is_in(["true", "false"]).fill_null(value=False)
    return (words == "true").zip_with(known, pl.Series([None], dtype=pl.Boolean))


def from_epoch(series: pl.Series, unit: float) -> pl.Series:
    """Numbers that count from 1970, in units of so many seconds, as times."""
    return (series.cast(pl.Float64) * (unit * 1e6)).round().cast(pl.Int64, strict=False).cast(pl.Datetime("us"))


def _as_numbers(series: pl.Series, kept: Convention, source: str) -> pl.Series:
    """Int64 or Float64, as it was."""
    if series.dtype == pl.String:
        numbers = read_numbers(series, form=kept.form or PLAIN, unit=kept.unit, whole=kept.whole)
        _refuse(series, numbers.bad, kept, source)
        return numbers.values
    if series.dtype.is_temporal():
        _refuse(series, series.is_not_null(), kept, source)
    if series.dtype == pl.Boolean:
        series = series.cast(pl.Int64)
    return series if series.dtype.is_integer() and kept.whole else series.cast(pl.Float64)


def _as_dates(series: pl.Series, kept: Convention, source: str) -> pl.Series:
    """Date, or Datetime in microseconds."""
    if series.dtype.is_temporal():
        return series
    values, bad = series, series.is_not_null()
    counts = kept.form == DIGITS or kept.form in EPOCHS
    if series.dtype == pl.String and counts:
        numbers = read_numbers(series, form=PLAIN, whole=True)
        values, bad = _counted(numbers.values, kept, numbers.bad)
    elif series.dtype == pl.String:
        dates = read_dates(series, kept.form)
        values, bad = dates.values, dates.bad
    elif series.dtype.is_numeric():
        values, bad = _counted(series, kept, pl.repeat(False, len(series), eager=True))
    _refuse(series, bad, kept, source)
    return values if values.dtype.is_temporal() else values.cast(pl.Datetime("us"))


def _counted(numbers: pl.Series, kept: Convention, bad: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Numbers as dates, and which are none; where dates were no numbers, each says by its size in which unit it is."""
    if kept.form == DIGITS:
        whole = numbers.cast(pl.Int64, strict=False)
        days = whole.cast(pl.String).str.to_date(DIGITS, strict=False)
        return days, bad | (numbers.is_not_null() & days.is_null())
    if kept.form in EPOCHS:
        return from_epoch(numbers, EPOCHS[kept.form]), bad
    size = numbers.cast(pl.Float64).abs()
    micros = pl.Series(numbers.name, [None] * len(numbers), dtype=pl.Datetime("us"))
    for unit, most in zip(EPOCHS.values(), (1e11, 1e14, 1e17, float("inf")), strict=True):
        micros = micros.zip_with(micros.is_not_null() | (size >= most), from_epoch(numbers, unit))
    return micros, bad | (size < _EARLIEST).fill_null(value=False) | (numbers.is_not_null() & micros.is_null())


def _as_levels(series: pl.Series, kept: Convention) -> pl.Series:
    """What fits the convention typed where all does; else all as text, what fits in the way that levels are compared.

    Digits are compared as the number that they are, truth values as 0 and 1.
    """
    if series.dtype != pl.String:
        integers = kept.kind == "number" and not kept.whole and series.dtype.is_integer()
        return series.cast(pl.Float64) if integers else series
    text = without_missing(series)
    if kept.kind == "text":
        return text
    if kept.kind == "number":
        numbers = read_numbers(series, form=kept.form or PLAIN, unit=kept.unit, whole=kept.whole)
        values, missing = numbers.values, ~numbers.bad & numbers.values.is_null()
    elif kept.kind == "date":
        dates = read_dates(series, kept.form)
        values, missing = _whole_days(dates.values) if kept.whole else dates.values, ~dates.bad & dates.values.is_null()
    else:
        values, missing = read_truth(text), text.is_null()
    if (values.is_not_null() | missing).all():
        return values
    known = as_text(values)
    return known.zip_with(values.is_not_null() | missing, text)


def _whole_days(dates: pl.Series) -> pl.Series:
    """Dates without a time of day, null where they have one."""
    days = dates.cast(pl.Date)
    return days.zip_with((days.cast(dates.dtype) == dates).fill_null(value=False), pl.Series([None], dtype=pl.Date))


def _refuse(series: pl.Series, bad: pl.Series, kept: Convention, source: str) -> None:
    """Refuse the first value that is not what the convention says."""
    if not bad.any():
        return
    row = first_row(bad)
    value = series[row - 1]
    got = cut(value) if isinstance(value, str) else str(value)
    others = f" (nor are {int(bad.sum()) - 1:,} more)" if bad.sum() > 1 else ""
    what = "a number" if kept.kind == "number" else "a date or time"
    raise SchemaMismatchError(
        f"{source}: row {row}, column {series.name!r}: {got} is not {what}{others}:"
        f" the model was fitted on {kept.described}"
    )
