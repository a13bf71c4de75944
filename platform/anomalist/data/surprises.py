"""What new rows hold that the training rows did not, and that the encoding passes over in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from anomalist.data.dates import to_naive
from anomalist.data.encoding.category import CategoryCoder
from anomalist.data.keys import as_text
from anomalist.data.words import counted, cut, first_row

if TYPE_CHECKING:
    from anomalist.data.encode import Encoder
    from anomalist.data.encoding.coder import Coder
    from anomalist.data.encoding.order import EntityCoder
    from anomalist.data.table import Table

__all__ = ["only_value", "surprises"]


def surprises(encoder: Encoder, table: Table) -> tuple[str, ...]:
    """One line for each column whose values in these rows are not of the kind that the encoder has learned about.

    Args:
        encoder: The fitted encoder.
        table: The rows, which it encodes without an error.
    """
    coders = {coder.name: coder for coder in encoder.coders}
    wide = encoder.widened(table)
    found = [*encoder.notes(table)]
    for name in encoder.roles:
        if name in coders:
            said = _of_used(coders[name], encoder.column(table, name))
        elif encoder.entity is not None and name == encoder.entity.name:
            said = _of_entity(encoder.entity, encoder.column(table, name))
        elif name in encoder.constants and name in wide.frame.columns:
            said = _of_constant(encoder.constants[name], wide.frame.get_column(name))
        else:
            continue
        found += [f"column {name!r}: {said}"] if said else []
    return tuple(found)


def only_value(series: pl.Series) -> tuple[str | None, ...]:
    """The one value of a column as text, None where it is missing throughout; nothing where there are several."""
    levels = _plain_text(series).unique()
    return (levels[0],) if len(levels) == 1 else ()


def _of_used(coder: Coder, series: pl.Series) -> str:
    if isinstance(coder, CategoryCoder):
        return _of_levels(coder, series)
    missing = series.is_null()
    if not missing.any() or f"{coder.name}:missing" in coder.columns:
        return ""
    row = first_row(missing)
    taken = f"{coder.typical:g}" if isinstance(coder.typical, float) else coder.typical
    return (
        f"{counted(int(missing.sum()), 'value')} missing where training had none, first in row {row}:"
        f" taken as the usual {taken}"
    )


def _of_levels(coder: CategoryCoder, series: pl.Series) -> str:
    unseen = coder.unseen(series)
    if not unseen.any():
        return ""
    rows, row = int(unseen.sum()), first_row(unseen)
    value = "a missing value" if series[row - 1] is None else cut(series[row - 1])
    if rows == len(series) and (types := _other_type(coder, series)):
        return f"none of its values was there in training, first {value} in row {row}: {types}"
    levels = counted(_plain_text(series.filter(unseen)).n_unique(), "level")
    return f"{levels} never seen in training in {counted(rows, 'row')}, first {value} in row {row}"


def _of_entity(coder: EntityCoder, series: pl.Series) -> str:
    unseen = coder.unseen(series)
    if not unseen.any():
        return ""
    names = series.filter(unseen).n_unique()
    entities = "1 entity" if names == 1 else f"{names:,} entities"
    row = first_row(unseen)
    rows = counted(int(unseen.sum()), "row")
    return f"{entities} never seen in training in {rows}, first {cut(series[row - 1])} in row {row}"


def _of_constant(constant: str | None, series: pl.Series) -> str:
    other = ~_plain_text(series).eq_missing(pl.Series([constant], dtype=pl.String))
    if not other.any():
        return ""
    row = first_row(other)
    was = "missing throughout" if constant is None else f"{constant!r} throughout"
    value = "missing" if series[row - 1] is None else cut(series[row - 1])
    return (
        f"{was} in training and something else in {counted(int(other.sum()), 'row')}, first {value} in row {row}:"
        " it is not looked at"
    )


def _other_type(coder: CategoryCoder, series: pl.Series) -> str:
    """Say so where the values are of another type than the levels of training."""
    got = _type(series)
    levels = pl.Series([level for level in coder.levels if not level.startswith("\0")], dtype=pl.String)
    numbers = levels.cast(pl.Float64, strict=False).null_count() == 0
    was = "truth values" if coder.boolean and set(levels) <= {"0", "1"} else "numbers" if numbers else "text"
    return f"they are {got}, where training had {was}" if got != was else ""


def _type(series: pl.Series) -> str:
    if series.dtype.is_temporal():
        return "dates"
    if series.dtype == pl.Boolean:
        return "truth values"
    return "numbers" if series.dtype.is_numeric() else "text"


def _plain_text(series: pl.Series) -> pl.Series:
    """Values as text, dates alike with and without a time of day."""
    return as_text(to_naive(series) if series.dtype.is_temporal() else series)
