"""How messages about data are worded."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

__all__ = ["counted", "cut", "first_row", "suggest"]


def counted(number: int, noun: str) -> str:
    """A number and its noun.

    >>> counted(1, "gap"), counted(2000, "infinite value")
    ('1 gap', '2,000 infinite values')
    """
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def cut(value: object) -> str:
    """A value as an error message shows it: quoted, and not too long."""
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "...'"


def first_row(mask: pl.Series) -> int:
    """The number of the first true row, counted from 1."""
    return int(mask.arg_true()[0]) + 1


def suggest(name: str, names: Iterable[str]) -> str:
    """The end of an error message: the closest name that exists, or the first few.

    >>> suggest("ammount", ["amount", "date"])
    "; did you mean 'amount'?"
    """
    known = list(names)
    folded = {item.casefold(): item for item in reversed(known)}
    close = get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    if close:
        return f"; did you mean {folded[close[0]]!r}?"
    shown = ", ".join(map(repr, known[:8])) + (", ..." if len(known) > 8 else "")
    return f"; the columns are {shown}"
