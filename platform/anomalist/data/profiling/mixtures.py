"""Columns of text that would be dates or numbers, were all of them written in one form."""

from __future__ import annotations

import polars as pl

from anomalist.data.dates import looks_like_dates, parse_dates
from anomalist.data.numerals import could_be_numbers, parse_numbers
from anomalist.data.words import cut

__all__ = ["mixture"]

_NEARLY_ALL = 0.95
_SAMPLE = 1000
_MOST = 4
_SIGNS = r"[\d\s.,'+-]"


def mixture(present: pl.Series) -> str:
    """Which forms of dates or of numbers a column mixes, as a sentence without its name; empty where it mixes none.

    Args:
        present: The values of the column that are not missing.
    """
    if present.dtype != pl.String or present.is_empty():
        return ""
    if looks_like_dates(present):
        return _said("dates", _forms_of_dates(present), len(present))
    sample = present.head(_SAMPLE)
    if could_be_numbers(sample).sum() >= _NEARLY_ALL * len(sample) and parse_numbers(present).bad.any():
        return _said("numbers", _forms_of_numbers(present), len(present))
    return ""


def _said(what: str, forms: list[pl.Series], rows: int) -> str:
    """The two most frequent forms, each by its first value."""
    if len(forms) < 2 or sum(map(len, forms)) < _NEARLY_ALL * rows:
        return ""
    first, second, *_ = sorted(forms, key=len, reverse=True)
    return (
        f"holds {what} in more than one form, like {cut(first[0])} in {len(first):,} values and {cut(second[0])} in "
        f"{len(second):,}: write all of them in one form"
    )


def _forms_of_dates(present: pl.Series) -> list[pl.Series]:
    """The values that the best format reads, then those of the rest that the best for these reads, and so on."""
    forms: list[pl.Series] = []
    while len(present) and len(forms) < _MOST:
        bad = parse_dates(present).bad
        if bad.all():
            break
        forms.append(present.filter(~bad))
        present = present.filter(bad)
    return forms


def _forms_of_numbers(present: pl.Series) -> list[pl.Series]:
    """The values by the signs that they bear; by their separators where all bear the same."""
    numbers = present.filter(could_be_numbers(present))
    signs = numbers.str.replace_all(_SIGNS, "")
    kinds = signs if signs.n_unique() > 1 else numbers.str.replace_all(r"\d", "")
    return [numbers.filter(kinds == kind) for kind in kinds.unique(maintain_order=True)]
