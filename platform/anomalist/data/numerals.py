"""Text that means numbers: missing tokens, thousands separators, decimal commas, currency and percent signs."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from anomalist.data.words import counted

__all__ = ["MISSING_IN_NUMBERS", "MISSING_IN_TEXT", "Numbers", "parse_numbers", "without_missing"]

_PUNCTUATION = ("", "?", "-", "--", "---", ".", "..")
_WORDS = (
    "na",
    "n/a",
    "n.a.",
    "nan",
    "nat",
    "null",
    "(null)",
    "\\n",
    "none",
    "nil",
    "missing",
    "unknown",
    "not available",
)
_SPREADSHEET = ("#n/a", "<na>", "#value!", "#div/0!", "#ref!")
MISSING_IN_NUMBERS = frozenset({*_PUNCTUATION, *_WORDS, *_SPREADSHEET})
"""Lower-case words that stand for a missing value in a column that otherwise holds numbers or dates."""

MISSING_IN_TEXT = frozenset(["", "?", "NA", "N/A", "#N/A", "n/a", "NaN", "nan", "NULL", "null", "\\N", "<NA>"])
"""Words that stand for a missing value in a column of text; `None`, `-` or `unknown` may well be values there."""

_UNITS = ("%", "$", "€", "£", "¥", "₹", "USD", "EUR", "GBP", "CHF", "JPY")
_CODE = r"^0\d+$"
_TOO_LONG = r"^[-+]?\d{19,}$"
_THOUSANDS = r"^[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?$"
_ZERO_COMMA = r"^[-+]?0,"
_SPACE = r"[ \x{a0}\x{202f}']"
_SPACED = rf"^[-+]?(\d{{1,3}}({_SPACE}\d{{3}})+|\d+)([.,]\d+)?$"
_DECIMAL_COMMA = r"^[-+]?(\d{1,3}(\.\d{3})+|\d+)?(,\d+)?$"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers:
    """What parsing a text column as numbers gave.

    Attributes:
        values: Int64 or Float64, null where missing or not a number.
        bad: Marks the values that are there and are not numbers.
        codes: Whether the values are digits that must stay text, since a number would lose leading zeros or digits.
        note: What was repaired, empty when nothing was.
    """

    values: pl.Series
    bad: pl.Series
    codes: bool = False
    note: str = ""


def without_missing(text: pl.Series) -> pl.Series:
    """The text column with the missing tokens of text columns made null; the column itself where there are none."""
    tokens = text.str.strip_chars().is_in(list(MISSING_IN_TEXT)).fill_null(value=False)
    return text.zip_with(~tokens, pl.Series([None], dtype=pl.String)) if tokens.any() else text


def parse_numbers(text: pl.Series) -> Numbers:
    """Parse a text column as numbers; separators and signs are removed only where the whole column agrees on them."""
    plain = text.cast(pl.Float64, strict=False)
    bad = text.is_not_null() & plain.is_null()
    if not bad.any():
        return _finish(text, plain, bad)
    clean = text.str.strip_chars()
    tokens = clean.str.to_lowercase().is_in(list(MISSING_IN_NUMBERS)).fill_null(value=False)
    clean = clean.zip_with(~tokens, pl.Series([None], dtype=pl.String))
    plain = clean.cast(pl.Float64, strict=False)
    bad = clean.is_not_null() & plain.is_null()
    said = sorted(set(text.filter(tokens).str.strip_chars().unique().to_list()) - {""})
    note = f"{', '.join(map(repr, said[:4]))} read as missing ({counted(int(tokens.sum()), 'row')})" if said else ""
    if not bad.any():
        return _finish(clean, plain, bad, note)
    repaired, repair = _repair(clean)
    if repaired is None:
        return Numbers(values=plain, bad=bad, note=note)
    whole = repaired.cast(pl.Float64, strict=False)
    return _finish(repaired, whole, repaired.is_not_null() & whole.is_null(), "; ".join(filter(None, [repair, note])))


def _finish(text: pl.Series, plain: pl.Series, bad: pl.Series, note: str = "") -> Numbers:
    """Whole numbers become Int64; digits that a number cannot hold are reported as codes."""
    plain = plain.fill_nan(None)
    if (plain != plain.round()).any():
        return Numbers(values=plain, bad=bad, note=note)
    if text.str.contains(_CODE).any() or text.str.contains(_TOO_LONG).any():
        return Numbers(values=plain, bad=bad, codes=True)
    whole = text.cast(pl.Int64, strict=False)
    values = whole if whole.null_count() == text.null_count() else plain
    return Numbers(values=values, bad=bad, note=note)


def _repair(text: pl.Series) -> tuple[pl.Series | None, str]:
    """Remove the signs and separators that every value agrees on; None where they do not agree."""
    said = []
    unit = next((sign for sign in _UNITS if text.str.contains(sign, literal=True).all()), None)
    if unit is not None:
        text = text.str.replace(unit, "", literal=True).str.strip_chars()
        text = text.str.replace(r"^\((.*)\)$", "-${1}").str.replace(r"^([-+])\s+", "${1}")
        said.append(f"{unit!r} removed")
    if text.cast(pl.Float64, strict=False).null_count() == text.null_count():
        return text, "; ".join(said)
    if _all(text, _THOUSANDS) and not text.str.contains(_ZERO_COMMA).any():
        return text.str.replace_all(",", "", literal=True), "; ".join([*said, "thousands separators ',' removed"])
    if _all(text, _SPACED) and text.str.contains(_SPACE).any():
        text = text.str.replace_all(_SPACE, "")
        return text.str.replace(",", ".", literal=True), "; ".join([*said, "thousands separators removed"])
    if _all(text, _DECIMAL_COMMA):
        text = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        return text, "; ".join([*said, "decimal commas read as points"])
    return None, ""


def _all(text: pl.Series, pattern: str) -> bool:
    return bool(text.str.contains(pattern).all())
