"""Table: rows as the user has them, with a role for each column and a key for each row."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

import polars as pl

from anomalist.data.conventions import Reading
from anomalist.data.frames import as_polars
from anomalist.data.keys import as_text, content_keys, hash_rows
from anomalist.data.labels import read_labels
from anomalist.data.roles import FEATURES, Role, earlier_roles, find_role, given_roles
from anomalist.data.tidy import tidy
from anomalist.data.words import counted, first_row
from anomalist.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from anomalist.data.conventions import Convention
    from anomalist.detector import Bools, Ints

__all__ = ["Role", "Table"]

T = TypeVar("T")

_AS_THEY_ARE = frozenset({Role.KEY, Role.LABEL, Role.IGNORED})
_KINDS: Mapping[Role, tuple[str, ...]] = {
    Role.NUMERIC: ("number", "date"),
    Role.DATETIME: ("date",),
    Role.TIME: ("number", "date"),
    Role.ENTITY: ("number", "date", "truth", "text"),
    Role.BOOLEAN: ("number", "date", "truth", "text"),
}
_SAID = {True: "as you said", False: "as in the rows of the model"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Rows as the user has them.

    Attributes:
        frame: The rows as read, all source columns, each of one plain type; what is missing is null, never NaN.
        roles: What each column is for, in source order.
        keys: A String for each row, no two alike: the key column, else a hash of the row's content.
        source: How the user would name it: a file name, a database URL without its password, or `frame`.
        notes: One line for each repair or surprise worth telling.
        why: For each column, why it has its role.
        conventions: For each column, how its values are written.
    """

    frame: pl.DataFrame
    roles: Mapping[str, Role]
    keys: pl.Series
    source: str
    notes: tuple[str, ...]
    why: Mapping[str, str]
    conventions: Mapping[str, Convention]
    _known: dict[object, Any] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def from_frame(
        cls,
        frame: pl.DataFrame | pd.DataFrame,
        *,
        source: str = "frame",
        key: str | None = None,
        time: str | None = None,
        entity: str | None = None,
        label: str | None = None,
        ignore: Iterable[str] = (),
        roles: Mapping[str, Role | str] | None = None,
        like: Reading | None = None,
        notes: Sequence[str] = (),
    ) -> Self:
        """Type the columns of a polars or pandas frame, find their roles and give each row its key.

        Args:
            frame: The rows; the index of a pandas frame is left out.
            source: How errors and notes name the data.
            key: The column that names each row.
            time: The column that orders the rows.
            entity: The column that says which series a row belongs to.
            label: The column that says which rows are known anomalies; it is never a feature.
            ignore: Columns to leave out.
            roles: Roles of single columns, instead of those found.
            like: The `reading` of an earlier table or of a fitted encoder: its roles hold where nothing else is said,
                and its numbers and dates are written as they were there.
            notes: What the reader has to say already.

        Raises:
            DataError: The data cannot be used; the message names the row or the column.
            SchemaMismatchError: A number or a date is not written as in the earlier table.
            UsageError: A role is unknown or contradicts another.
        """
        rows = as_polars(frame, source)
        if not rows.width:
            raise DataError(f"{source}: there are no columns")
        if not rows.height:
            raise DataError(f"{source}: it has {counted(rows.width, 'column')} and no rows")
        asked = given_roles(
            rows.columns,
            source=source,
            key=key,
            time=time,
            entity=entity,
            label=label,
            ignore=ignore,
            roles=roles,
        )
        like = like or Reading()
        given = earlier_roles(rows.columns, given=asked, like=like.roles) | asked
        rows, repairs, conventions = tidy(rows, source=source, roles=given, kept=_kept(rows.columns, asked, like))
        found = {name: find_role(name, rows.get_column(name)) for name in rows.columns if name not in given}
        every = {name: given.get(name) or found[name][0] for name in rows.columns}
        said = {key, time, entity, label, *ignore, *(roles or {})}
        table = cls(
            frame=rows,
            roles=every,
            keys=_keys(rows, every, source),
            source=source,
            notes=(*notes, *repairs),
            why={name: found[name][1] if name in found else _SAID[name in said] for name in rows.columns},
            conventions=conventions,
        )
        _check_given(table, roles or {})
        return table

    def __len__(self) -> int:
        return int(self.frame.height)

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that detectors see, once encoded."""
        return tuple(name for name, role in self.roles.items() if role in FEATURES)

    @property
    def key(self) -> str | None:
        """The column that names each row, if one does."""
        return self._of(Role.KEY)

    @property
    def time(self) -> str | None:
        """The column that orders the rows, if one does."""
        return self._of(Role.TIME)

    @property
    def entity(self) -> str | None:
        """The column that says which series a row belongs to, if one does."""
        return self._of(Role.ENTITY)

    @property
    def label(self) -> str | None:
        """The column of known labels, if there is one."""
        return self._of(Role.LABEL)

    @property
    def reading(self) -> Reading:
        """What is known of the columns: give it as `like` where more such rows are read."""
        return Reading(roles=dict(self.roles), conventions=dict(self.conventions))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the content, in hexadecimal: names and values in row order, whatever the file format was."""
        return self.remembered("fingerprint", self._hashed)

    def remembered(self, key: object, work_out: Callable[[], T]) -> T:
        """What `work_out` gives, worked out once for each key: the rows never change."""
        if key not in self._known:
            self._known[key] = work_out()
        found: T = self._known[key]
        return found

    def take(self, rows: Ints | Bools | slice) -> Self:
        """The given rows, in the given order, with the keys they have here; row numbers, a mask or a slice."""
        if isinstance(rows, slice):
            return replace(self, frame=self.frame[rows], keys=self.keys[rows])
        chosen = pl.Series(rows)
        if chosen.dtype == pl.Boolean:
            return replace(self, frame=self.frame.filter(chosen), keys=self.keys.filter(chosen))
        return replace(self, frame=self.frame[rows], keys=self.keys.gather(chosen.cast(pl.Int64)))

    def labels(self, positive: Collection[str] | None = None) -> Ints:
        """The labels as 0 (normal) and 1 (anomaly), shape (rows,); `positive` names the values that mean an anomaly.

        Raises:
            DataError: There is no label column, a label is missing, or which value means an anomaly cannot be told.
        """
        if self.label is None:
            raise DataError(f"{self.source}: no column was named as the label; say which one it is")
        return read_labels(self.frame.get_column(self.label), source=self.source, positive=positive)

    def values(self, row: int) -> dict[str, Any]:
        """One row as plain JSON values: text, numbers, truth values, None; dates as ISO 8601; infinities as text."""
        return next(self.several([row]))

    def several(self, rows: Ints | Sequence[int]) -> Iterator[dict[str, Any]]:
        """The same of each of some rows, in the given order: a fraction of the cost of asking row by row."""
        for row in self.frame[rows].iter_rows(named=True):
            yield {name: _as_json(value) for name, value in row.items()}

    def _hashed(self) -> str:
        digest = hashlib.sha256(json.dumps([sorted(self.frame.columns), len(self)]).encode())
        digest.update(hash_rows(self.frame, self.frame.columns).astype("<u8").tobytes())
        return digest.hexdigest()

    def _of(self, role: Role) -> str | None:
        return next((name for name, held in self.roles.items() if held == role), None)


def _kept(columns: Sequence[str], asked: Mapping[str, Role], like: Reading) -> dict[str, Convention]:
    """The conventions of an earlier table that hold here: not where the user asks for something else of a column."""
    kept = {}
    for name in columns:
        role = asked.get(name)
        known = like.roles.get(name) not in _AS_THEY_ARE if role is None else name in like.conventions
        if name in like.conventions and known and (role is None or like.conventions[name].kind in _KINDS.get(role, ())):
            kept[name] = like.conventions[name]
    return kept


def _keys(frame: pl.DataFrame, roles: Mapping[str, Role], source: str) -> pl.Series:
    """The key column as text, else a hash of what is neither label nor ignored: found roles must not move a key.

    Raises:
        DataError: A key is missing, or two rows have the same one.
    """
    name = next((name for name, role in roles.items() if role == Role.KEY), None)
    if name is None:
        return content_keys(frame, [name for name, role in roles.items() if role not in {Role.LABEL, Role.IGNORED}])
    keys = as_text(frame.get_column(name)).rename("key")
    gone = keys.is_null() | (keys.str.strip_chars() == "")
    if gone.any():
        raise DataError(
            f"{source}: key column {name!r} is empty in row {first_row(gone)} (in {gone.sum()} of {len(keys)})"
        )
    if keys.n_unique() < len(keys):
        twice = keys.filter(keys.is_duplicated())[0]
        rows = [int(row) + 1 for row in (keys == twice).arg_true()]
        shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
        raise DataError(
            f"{source}: key {twice!r} in column {name!r} stands in rows {shown}: a key must name one row; take out the "
            "rows that repeat others, or name no key: then a hash of its content names each row"
        )
    return keys


def _check_given(table: Table, said: Mapping[str, Role | str]) -> None:
    """Refuse a time with gaps in it, and a boolean of more than two values where the user said that it is one."""
    if table.time is not None:
        series = table.frame.get_column(table.time)
        if series.dtype == pl.Boolean or not (series.dtype.is_numeric() or series.dtype.is_temporal()):
            raise DataError(f"{table.source}: time column {table.time!r} holds neither dates nor numbers")
        gone = series.is_null() | (~series.is_finite() if series.dtype.is_float() else pl.Series([False]))
        if gone.any():
            raise DataError(f"{table.source}: time column {table.time!r} has no value in row {first_row(gone)}")
    for name, role in said.items():
        series = table.frame.get_column(name)
        if role == Role.BOOLEAN and (distinct := series.drop_nulls().n_unique()) > 2:
            raise DataError(f"{table.source}: column {name!r} cannot be boolean: it holds {distinct} different values")


def _as_json(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, (str, int, bool)) else value.isoformat()
