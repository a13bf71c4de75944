"""Aspects: what of a column's values can be compared between earlier and later rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

from anomalist.data.dates import to_naive
from anomalist.data.encoding.category import CategoryCoder
from anomalist.data.encoding.dates import DateCoder
from anomalist.data.encoding.numeric import floats
from anomalist.data.encoding.text import TextCoder
from anomalist.data.keys import as_text, hash_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.data.encoding.coder import Coder
    from anomalist.detector import Floats

__all__ = ["COMMON_WORDS", "Values", "aspects", "common_words", "numbered", "present"]

Values: TypeAlias = "Floats | pl.Series"
"""One a row: numbers, NaN where missing; or levels as text, null where missing."""

COMMON_WORDS = "common words"

_MANY = 100
_DAY = 86_400_000_000
_CYCLES = {"hour": _DAY, "weekday": 7 * _DAY, "season": 366 * _DAY}


def aspects(coder: Coder, series: pl.Series, words: Sequence[str] = ()) -> dict[str, Values]:
    """What is compared of a column, by the name of the aspect.

    Numbers and categories are compared as they are. Dates go on as time goes by, so that only the hour, the day of the
    week and the month are compared, each only over dates that go through it twice: a batch of one day knows nothing of
    weeks. Of a text it is the length and the share of its words that are among `words`.
    """
    if isinstance(coder, CategoryCoder):
        return {"level": as_text(series)}
    if isinstance(coder, DateCoder):
        return _cycles(coder, to_naive(series))
    if isinstance(coder, TextCoder):
        text = as_text(series)
        return {"length": floats(text.str.len_chars()), COMMON_WORDS: _share_of(text, words)}
    return {"value": floats(series)}


def common_words(series: pl.Series) -> tuple[tuple[str, ...], pl.Series]:
    """The 100 words that are in most texts, and which rows are left to see how frequent they are, Boolean.

    The words are those of one half of the texts, and the other half is left: in the texts that they were chosen by they
    are more frequent than they will ever be again.
    """
    text = as_text(series).fill_null("")
    chosen = pl.Series(hash_text(text) % np.uint64(2) == 0)
    words = _words(text.filter(chosen)).list.unique().explode().drop_nulls().alias("word")
    ranked = words.value_counts(name="texts").sort(["texts", "word"], descending=[True, False])
    return tuple(ranked.get_column("word").head(_MANY).to_list()), ~chosen


def present(values: Values) -> Values:
    """Those that are not missing."""
    return values.drop_nulls() if isinstance(values, pl.Series) else values[~np.isnan(values)]


def numbered(values: Values) -> Floats:
    """One number for each value, NaN where missing: a level becomes its place in the alphabet."""
    return floats(values.rank("dense")) if isinstance(values, pl.Series) else values


def _cycles(coder: DateCoder, dates: pl.Series) -> dict[str, Values]:
    known = dates.drop_nulls().cast(pl.Datetime("us")).cast(pl.Int64)
    span = int(known.max()) - int(known.min()) if len(known) else 0  # type: ignore[arg-type]  # not empty
    steps = {"hour": dates.dt.hour, "weekday": dates.dt.weekday, "season": dates.dt.month}
    covered = [cycle for cycle in coder.cycles if span >= 2 * _CYCLES[cycle]]
    return {cycle: steps[cycle]().cast(pl.String) for cycle in covered}


def _share_of(text: pl.Series, words: Sequence[str]) -> Floats:
    """The share of each text's words that are among these, 0 for one without words, NaN for a missing one."""
    found = _words(text).list.eval(pl.element().is_in(list(words)).cast(pl.Float64)).list.mean()
    return floats(found.fill_null(0.0).zip_with(text.is_not_null(), pl.Series([None], dtype=pl.Float64)))


def _words(text: pl.Series) -> pl.Series:
    return text.str.to_lowercase().str.extract_all(r"[\p{L}\p{N}]+")
