"""What each column is for: found from its values and its name, and overridable by the user."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import polars as pl

from anomalist.data.words import suggest
from anomalist.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["BOOLEANS", "FEATURES", "Role", "earlier_roles", "find_role", "given_roles", "truth"]


class Role(StrEnum):
    """What a column is for."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    TEXT = "text"
    IDENTIFIER = "identifier"
    CONSTANT = "constant"
    LABEL = "label"
    IGNORED = "ignored"
    KEY = "key"
    TIME = "time"
    ENTITY = "entity"


FEATURES = frozenset({Role.NUMERIC, Role.CATEGORICAL, Role.BOOLEAN, Role.DATETIME, Role.TEXT})
"""The roles whose columns are encoded for the detectors."""

BOOLEANS: Mapping[str, str] = {"true": "false", "yes": "no", "t": "f", "y": "n", "1": "0", "on": "off"}
"""Words that mean yes, each with the word that means no."""

_SOLE = frozenset({Role.KEY, Role.TIME, Role.ENTITY, Role.LABEL})
_IDENTIFIER_NAME = re.compile(r"(^|[_\W])(id|ids|uid|uuid|guid|key|no|nr|num|number|index|idx|serial|row)($|[_\W])")
_CODE_NAME = re.compile(
    r"(^|[_\W])(zip|zipcode|zip_code|postcode|postal|plz|code|codes|type|class|category|cat|status|sku|phone|gender|sex)($|[_\W])"
)
_NEARLY_UNIQUE = 0.95
_FEW_ROWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    role: Role
    why: str


def given_roles(
    columns: Iterable[str],
    *,
    source: str,
    key: str | None = None,
    time: str | None = None,
    entity: str | None = None,
    label: str | None = None,
    ignore: Iterable[str] = (),
    roles: Mapping[str, Role | str] | None = None,
) -> dict[str, Role]:
    """The roles that the user gave, checked against the columns that are there.

    Raises:
        DataError: A named column is not there; the message suggests the closest one.
        UsageError: A role is unknown, or a column or a role was given twice.
    """
    names = list(columns)
    found: dict[str, Role] = {}
    single = {Role.KEY: key, Role.TIME: time, Role.ENTITY: entity, Role.LABEL: label}
    wishes = [(name, role) for role, name in single.items() if name is not None]
    wishes += [(name, Role.IGNORED) for name in ignore]
    wishes += [(name, _role(name, role)) for name, role in (roles or {}).items()]
    for name, role in wishes:
        if name not in names:
            raise DataError(f"{source}: there is no column {name!r} to use as {role.value}{suggest(name, names)}")
        if found.setdefault(name, role) != role:
            raise UsageError(f"column {name!r} cannot be both {found[name].value} and {role.value}: choose one")
    for role in _SOLE:
        holders = [name for name, given in found.items() if given == role]
        if len(holders) > 1:
            raise UsageError(f"only one column can be the {role.value}, got {' and '.join(map(repr, holders))}")
    return found


def earlier_roles(columns: Iterable[str], *, given: Mapping[str, Role], like: Mapping[str, Role]) -> dict[str, Role]:
    """The roles of an earlier table, for columns about which the user says nothing and for roles that nobody has."""
    taken = _SOLE.intersection(given.values())
    here = set(columns) - set(given)
    return {name: role for name, role in like.items() if name in here and role not in taken}


def find_role(name: str, series: pl.Series) -> tuple[Role, str]:
    """The role of one column and why, in a few words, from its values and its name."""
    present = series.drop_nulls()
    if present.is_empty():
        return Role.CONSTANT, "every value is missing" if len(series) else "there are no rows"
    if present.min() == present.max():
        if len(present) == len(series):
            return Role.CONSTANT, f"every value is {present[0]!r}"
        return Role.NUMERIC if series.dtype.is_numeric() else Role.CATEGORICAL, f"{present[0]!r} or missing"
    if series.dtype == pl.Boolean:
        return Role.BOOLEAN, "true or false"
    if series.dtype.is_temporal():
        return Role.DATETIME, "dates"
    if series.dtype.is_float():
        return Role.NUMERIC, "numbers with decimals"
    find = _of_integers if series.dtype.is_integer() else _of_text
    found = find(name, present, present.n_unique())
    return found.role, found.why


def truth(levels: Iterable[str]) -> dict[str, int] | None:
    """Which of two words means yes (1) and which no (0); None where the words are not such a pair.

    >>> truth(["No", "YES"])
    {'No': 0, 'YES': 1}
    >>> truth(["red", "blue"]) is None
    True
    """
    words = {level.strip().lower(): level for level in levels}
    for yes, no in BOOLEANS.items():
        if words.keys() == {yes, no}:
            return {words[no]: 0, words[yes]: 1}
    return None


def _role(name: str, role: Role | str) -> Role:
    try:
        return Role(role)
    except ValueError:
        known = ", ".join(item.value for item in Role)
        raise UsageError(f"column {name!r}: there is no role {role!r}; the roles are {known}") from None


def _of_integers(name: str, present: pl.Series, distinct: int) -> _Found:
    if distinct == 2 and present.min() == 0 and present.max() == 1:
        return _Found(role=Role.BOOLEAN, why="0 or 1")
    words = _words(name)
    if len(present) >= _FEW_ROWS and distinct >= _NEARLY_UNIQUE * len(present):
        steps = present.diff().drop_nulls()
        if distinct == len(present) and ((steps > 0).all() or (steps < 0).all()):
            return _Found(role=Role.IDENTIFIER, why="whole numbers that run in one direction, no two alike")
        lowest, highest = present.min(), present.max()
        if isinstance(lowest, int) and isinstance(highest, int) and highest - lowest < 1.1 * len(present):
            return _Found(role=Role.IDENTIFIER, why="a numbering of the rows")
        if _IDENTIFIER_NAME.search(words) or _CODE_NAME.search(words):
            return _Found(role=Role.IDENTIFIER, why="nearly unique whole numbers under the name of an identifier")
    if _CODE_NAME.search(words):
        return _Found(role=Role.CATEGORICAL, why=f"whole numbers under the name of a code, {distinct} different")
    return _Found(role=Role.NUMERIC, why="whole numbers")


def _of_text(name: str, present: pl.Series, distinct: int) -> _Found:
    if distinct == 2 and (pair := truth(present.unique().to_list())) is not None:
        return _Found(role=Role.BOOLEAN, why=" or ".join(sorted(pair, key=lambda word: pair[word])))
    share = distinct / len(present)
    words = float(present.str.count_matches(r"\S+").cast(pl.Float64).sum()) / len(present)
    length = float(present.str.len_chars().cast(pl.Float64).sum()) / len(present)
    if share >= 0.5 and distinct > 2 and words >= 2 and (words >= 4 or length >= 40):
        return _Found(role=Role.TEXT, why=f"{words:.0f} words a value on average, {distinct} different")
    if share >= _NEARLY_UNIQUE and (len(present) >= _FEW_ROWS or share == 1.0) and distinct > 2:
        return _Found(role=Role.IDENTIFIER, why=f"nearly every value is different ({distinct} of {len(present)})")
    if share >= 0.5 and len(present) >= _FEW_ROWS and _IDENTIFIER_NAME.search(_words(name)):
        return _Found(role=Role.IDENTIFIER, why=f"most values are different ({distinct} of {len(present)})")
    return _Found(role=Role.CATEGORICAL, why=f"{distinct} different words")


def _words(name: str) -> str:
    """The name in lower case with camel case taken apart: `CustomerID` becomes `customer_id`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
