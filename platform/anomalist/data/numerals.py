"""Text that means numbers: missing tokens, thousands separators, decimal commas, currency and percent signs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from anomalist.data.words import counted

__all__ = [
    "MISSING_IN_NUMBERS",
    "MISSING_IN_TEXT",
    "PLAIN",
    "Numbers",
    "could_be_numbers",
    "parse_numbers",
    "read_numbers",
    "without_missing",
]

PLAIN = "1234.5"
"""The form of numbers without any separator but the decimal point; each form is called by a number written so."""

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
_ZERO_COMMA = r"^[-+]?0,"
_SPACE = r"[ \x{a0}\x{202f}']"
_THOUSANDS, _SPACED, _DECIMAL_COMMA = "1,234.5", "1 234.5", "1.234,5"
_PATTERNS = {
    _THOUSANDS: r"^[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?$",
    _SPACED: rf"^[-+]?(\d{{1,3}}({_SPACE}\d{{3}})+|\d+)([.,]\d+)?$",
    _DECIMAL_COMMA: r"^[-+]?(\d{1,3}(\.\d{3})+|\d+)?(,\d+)?$",
}
_SAID = {
    _THOUSANDS: "thousands separators ',' removed",
    _SPACED: "thousands separators removed",
    _DECIMAL_COMMA: "decimal commas read as points",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers:
    """What parsing a text column as numbers gave.

    Attributes:
        values: Int64 or Float64, null where missing or not a number.
        bad: Marks the values that are there and are not numbers.
        form: How they are written, the name of one of the forms.
        unit: The sign that each of them bears, empty where there is none.
        codes: Whether the values are digits that must stay text, since a number would lose leading zeros or digits.
        note: What was repaired, empty when nothing was.
    """

    values: pl.Series
    bad: pl.Series
    form: str = PLAIN
    unit: str = ""
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
    clean, tokens = _clean(text)
    plain = clean.cast(pl.Float64, strict=False)
    bad = clean.is_not_null() & plain.is_null()
    said = sorted(set(text.filter(tokens).str.strip_chars().unique().to_list()) - {""})
    note = f"{', '.join(map(repr, said[:4]))} read as missing ({counted(int(tokens.sum()), 'row')})" if said else ""
    if not bad.any():
        return _finish(clean, plain, bad, note)
    unit = next((sign for sign in _UNITS if clean.str.contains(sign, literal=True).all()), "")
    bare = _without(clean, unit)
    form = next((form for form in (PLAIN, *_PATTERNS) if _agree(bare, form)), None)
    if form is None:
        return Numbers(values=plain, bad=bad, note=note)
    repaired = _as_plain(bare, form)
    whole = repaired.cast(pl.Float64, strict=False)
    repair = [f"{unit!r} removed" if unit else "", _SAID.get(form, ""), note]
    found = _finish(repaired, whole, repaired.is_not_null() & whole.is_null(), "; ".join(filter(None, repair)))
    return replace(found, form=form, unit=unit)


def could_be_numbers(text: pl.Series) -> pl.Series:
    """Which values are numbers of any form, once a sign of a unit or accounting brackets are taken off.

    None where one of them is digits that have to stay text.
    """
    bare, _ = _clean(text)
    for unit in _UNITS:
        bare = bare.str.replace(unit, "", literal=True)
    bare = _signed(bare.str.strip_chars())
    if bare.str.contains(_CODE).any() or bare.str.contains(_TOO_LONG).any():
        return pl.Series(text.name, [False] * len(text), dtype=pl.Boolean)
    could = _fits(bare, PLAIN)
    for form in _PATTERNS:
        could |= _fits(bare, form)
    return could.fill_null(value=False)


def read_numbers(text: pl.Series, *, form: str, unit: str = "", whole: bool = False) -> Numbers:
    """Read a text column as numbers of a known form, each value by itself; whatever is written otherwise is bad.

    Args:
        text: The column.
        form: The name of a form.
        unit: The sign that each number must bear.
        whole: Give Int64 where all values are whole; else Float64 always.
    """
    clean, _ = _clean(text)
    bare = _without(clean, unit)
    plain = _as_plain(bare, form)
    values = plain.cast(pl.Float64, strict=False)
    fits = values.is_not_null() & _fits(bare, form) & clean.str.contains(unit, literal=True)
    bad = clean.is_not_null() & ~fits.fill_null(value=False)
    plain = plain.zip_with(~bad, _NOTHING)
    integers = plain.cast(pl.Int64, strict=False)
    if whole and integers.null_count() == plain.null_count():
        return Numbers(values=integers, bad=bad, form=form, unit=unit)
    return Numbers(values=values.zip_with(~bad, _NO_NUMBER).fill_nan(None), bad=bad, form=form, unit=unit)


_NOTHING = pl.Series([None], dtype=pl.String)
_NO_NUMBER = pl.Series([None], dtype=pl.Float64)


def _clean(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The values without blanks around them and with the missing tokens made null; and where those stand."""
    clean = text.str.strip_chars()
    tokens = clean.str.to_lowercase().is_in(list(MISSING_IN_NUMBERS)).fill_null(value=False)
    return clean.zip_with(~tokens, _NOTHING), tokens


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


def _without(text: pl.Series, unit: str) -> pl.Series:
    """The values without their unit, the sign in front of them."""
    if not unit:
        return text
    return _signed(text.str.replace(unit, "", literal=True).str.strip_chars())


def _signed(text: pl.Series) -> pl.Series:
    """A loss in brackets as a negative number, and no blanks behind a sign."""
    return text.str.replace(r"^\((.*)\)$", "-${1}").str.replace(r"^([-+])\s+", "${1}")


def _fits(text: pl.Series, form: str) -> pl.Series:
    """Which values may be written in this form: `0,123` has no thousands."""
    if form == PLAIN:
        return text.cast(pl.Float64, strict=False).is_not_null()
    fits = text.str.contains(_PATTERNS[form])
    return fits & ~text.str.contains(_ZERO_COMMA) if form == _THOUSANDS else fits


def _agree(text: pl.Series, form: str) -> bool:
    """Whether every value is written in this form, and one of them shows it."""
    present = text.drop_nulls()
    return bool(_fits(present, form).all()) and (form != _SPACED or bool(present.str.contains(_SPACE).any()))


def _as_plain(text: pl.Series, form: str) -> pl.Series:
    """The values as the plain form writes them."""
    if form == _THOUSANDS:
        return text.str.replace_all(",", "", literal=True)
    if form == _SPACED:
        return text.str.replace_all(_SPACE, "").str.replace(",", ".", literal=True)
    if form == _DECIMAL_COMMA:
        return text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    return text
