"""Labels as users write them to 0 (normal) and 1 (anomaly)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anomalist.data.keys import as_text
from anomalist.data.roles import truth
from anomalist.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection

    from anomalist.detector import Ints

__all__ = ["guess_positive", "guessed_label", "label_notes", "read_labels"]


def read_labels(series: pl.Series, *, source: str, positive: Collection[str] | None = None) -> Ints:
    """Labels as 0 and 1, int64, shape (rows,).

    0 and 1, true and false, yes and no are understood; of two other values the rarer one is the anomaly.

    Args:
        series: The label column, of any type.
        source: What an error calls the data.
        positive: The values that mean an anomaly, as text; found when not given.

    Raises:
        DataError: A label is missing, or which value means an anomaly cannot be told.
    """
    where = f"{source}: label column {series.name!r}"
    text = as_text(series)
    if text.null_count():
        row = int(text.is_null().arg_true()[0]) + 1
        raise DataError(
            f"{where} has no value in row {row} (in {text.null_count()} of {len(text)}): fill or drop these rows"
        )
    if positive is None:
        positive = {guess_positive(series, source=source)}
    else:
        positive = {str(value) for value in positive}
        unknown = positive - set(text.unique().to_list())
        if unknown == positive:
            shown = ", ".join(map(repr, sorted(text.unique().to_list())[:6]))
            raise DataError(f"{where} never holds {min(positive)!r}; its values are {shown}")
    labels: Ints = text.is_in(list(positive)).cast(pl.Int64).to_numpy().astype(np.int64)
    return labels


def guess_positive(series: pl.Series, *, source: str) -> str:
    """The value that means an anomaly, as text.

    Raises:
        DataError: It cannot be told: more than two values, or two that are equally frequent.
    """
    return _meaning(series, source)[0]


def guessed_label(series: pl.Series) -> str | None:
    """The value that is taken for the anomaly where nothing but its rarity tells; None where nothing is guessed."""
    try:
        value, guessed = _meaning(series, "")
    except DataError:
        return None
    return value if guessed else None


def _meaning(series: pl.Series, source: str) -> tuple[str, bool]:
    """The value that means an anomaly, and whether only its rarity tells."""
    where = f"{source}: label column {series.name!r}"
    counts = as_text(series.drop_nulls()).alias("level").value_counts(sort=True, name="rows")
    levels: list[str] = counts.get_column("level").to_list()
    if set(levels) <= {"0", "1"}:
        return "1", False
    if (pair := truth(levels)) is not None:
        return next(level for level, value in pair.items() if value), False
    if len(levels) == 1 and levels[0].strip().lower() in {"true", "yes", "false", "no", "t", "f", "y", "n"}:
        word = levels[0]
        return (word if word.strip().lower() in {"true", "yes", "t", "y"} else "true"), False
    sizes = counts.get_column("rows").to_list()
    if len(levels) != 2 or sizes[0] == sizes[1]:
        shown = ", ".join(map(repr, levels[:6])) + (", ..." if len(levels) > 6 else "")
        what = "equally frequent values" if len(levels) == 2 else "values" if len(levels) != 1 else "value"
        raise DataError(f"{where} has {len(levels)} {what} ({shown}): name those that mean an anomaly as positive")
    return levels[1], True


def label_notes(series: pl.Series, guessed: str | None) -> tuple[str, ...]:
    """Say which value was taken for the anomaly by its rarity, if one was."""
    if guessed is None:
        return ()
    return (
        f"label column {series.name!r}: {guessed!r}, the rarer of two values, is the anomaly: positive can say else",
    )
