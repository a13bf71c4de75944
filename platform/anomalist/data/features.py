"""Features: columns that plugins make of a table before it is encoded, fitted once and stored with the encoder.

A maker sees the rows as the encoder was fitted on them, without labels and without what the user left out, whatever
table it is given later. What it makes is checked, typed like any other column, and added to the right of the table.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, Self

import polars as pl

from anomalist.data.conventions import Convention, Reading
from anomalist.data.kept import column_like
from anomalist.data.keys import as_text
from anomalist.data.maker import Maker
from anomalist.data.roles import Role, find_role
from anomalist.data.tidy import tidy_column
from anomalist.errors import AnomalistError, DataError, PluginError, SchemaMismatchError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.data.maker import BuildMaker
    from anomalist.data.table import Table
    from anomalist.detector import State

__all__ = ["Features"]

_HIDDEN = frozenset({Role.LABEL, Role.IGNORED})
_ROLES: Mapping[str, Role] = {"number": Role.NUMERIC, "truth": Role.BOOLEAN, "date": Role.DATETIME}
_HOLDS = {"number": "numbers", "truth": "truth values", "date": "dates", "text": "text"}


class _Column(NamedTuple):
    """A made column, and what is known of it."""

    values: pl.Series
    role: Role
    why: str
    convention: Convention
    note: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Features:
    """Fitted makers and the columns that they make; none at all unless the user asked for some.

    Attributes:
        makers: In the order in which the user named them.
        columns: The columns that each of them makes.
        reading: The role of each of these columns, and of what kind it is.
    """

    makers: tuple[Maker, ...] = ()
    columns: tuple[tuple[str, ...], ...] = ()
    reading: Reading = field(default_factory=Reading)

    @property
    def names(self) -> tuple[str, ...]:
        """All columns that are made."""
        return tuple(self.reading.roles)

    @classmethod
    def fit(cls, makers: Sequence[Maker], table: Table) -> Self:
        """Fit makers on the rows of a table. Each sees the columns of the user, not those of another maker.

        Raises:
            PluginError: One of them failed, or made what cannot be used.
            DataError: One of them cannot use the rows, or makes a column that the table has.
            UsageError: Two of them make the same column, or one of them lacks what the user has to say.
        """
        if not makers:
            return cls()
        seen = _as_seen(table, table.reading)
        fitted, found = [], []
        for maker in makers:
            one = maker.fit(_copied(seen))
            fitted.append(one)
            found.append([_typed(series, table.source) for series in one.transform(_copied(seen)).iter_columns()])
        _check_names(fitted, [[column.values.name for column in columns] for columns in found], table)
        every = [column for columns in found for column in columns]
        features = cls(
            makers=tuple(fitted),
            columns=tuple(tuple(column.values.name for column in columns) for columns in found),
            reading=Reading(
                roles={column.values.name: column.role for column in every},
                conventions={column.values.name: column.convention for column in every},
            ),
        )
        table.remembered(features, lambda: _joined(table, every))
        return features

    def widened(self, table: Table, reading: Reading) -> Table:
        """A table with the made columns; of the same table it is worked out once.

        Args:
            table: The rows.
            reading: Of the table that the makers were fitted on.

        Raises:
            PluginError: A maker failed, or made something else than when it was fitted.
            DataError: A maker cannot use the rows, or the table has a column of the same name.
            SchemaMismatchError: A maker failed where columns are missing that there were when it was fitted.
        """
        if not self.makers:
            return table
        return table.remembered(self, lambda: self._widened(table, reading))

    def joined(self, table: Table, made: pl.DataFrame) -> Table:
        """A table with columns that were made of its rows at another time, typed as `reading` says."""
        return _joined(
            table, [self._known(made.get_column(name), self.reading.conventions[name]) for name in self.names]
        )

    def state(self) -> State:
        """What `from_state` needs."""
        makers = [
            {**maker.state(), "columns": list(columns)}
            for maker, columns in zip(self.makers, self.columns, strict=True)
        ]
        return {"makers": makers, **self.reading.to_dict()}

    @classmethod
    def from_state(cls, state: State, build: BuildMaker) -> Self:
        """The fitted makers that `state` was taken from.

        Raises:
            PluginError: A maker is not installed, or cannot read its state.
        """
        return cls(
            makers=tuple(Maker.from_state(maker, build) for maker in state["makers"]),
            columns=tuple(tuple(maker["columns"]) for maker in state["makers"]),
            reading=Reading.from_dict(state),
        )

    def _widened(self, table: Table, reading: Reading) -> Table:
        seen = _as_seen(table, reading)
        every = []
        _check_names(self.makers, self.columns, table)
        for maker, names in zip(self.makers, self.columns, strict=True):
            try:
                made = maker.transform(_copied(seen))
            except AnomalistError as error:
                if missing := [name for name in _visible(reading) if name not in table.frame.columns]:
                    lost = ", ".join(map(repr, missing))
                    raise SchemaMismatchError(
                        f"{error}; {table.source} lacks {lost}, which there was in training"
                    ) from error
                raise
            if set(made.columns) != set(names):
                got, wanted = ", ".join(made.columns), ", ".join(names)
                raise PluginError(
                    f"{maker}: transform must make the columns that it made in training, {wanted}; got {got}"
                )
            for name in names:
                column = _typed(made.get_column(name), table.source)
                kept = self.reading.conventions[name]
                if column.convention.kind != kept.kind and column.values.null_count() < len(table):
                    raise PluginError(
                        f"{maker}: column {name!r} holds {_HOLDS[column.convention.kind]}, and in training it held"
                        f" {_HOLDS[kept.kind]}"
                    )
                every.append(self._known(column.values, column.convention, note=column.note))
        return _joined(table, every)

    def _known(self, values: pl.Series, convention: Convention, *, note: str = "") -> _Column:
        role = self.reading.roles[values.name]
        return _Column(values, role, "as in the rows of the model", convention, note)


def _visible(reading: Reading) -> list[str]:
    """The columns that makers see."""
    return [name for name, role in reading.roles.items() if role not in _HIDDEN]


def _as_seen(table: Table, reading: Reading) -> Table:
    """A table as makers see it: each column with the role and the type that it had in training."""
    names = [name for name in _visible(reading) if name in table.frame.columns]
    return replace(
        table,
        frame=pl.DataFrame([_seen(table, name, reading) for name in names]),
        roles={name: reading.roles[name] for name in names},
        notes=(),
        why={name: table.why[name] for name in names},
        conventions={name: reading.conventions[name] for name in names},
    )


def _copied(table: Table) -> Table:
    """The same for one maker alone, which may write to it."""
    return replace(
        table,
        frame=table.frame.clone(),
        roles=dict(table.roles),
        keys=table.keys.clone(),
        why=dict(table.why),
        conventions=dict(table.conventions),
    )


def _seen(table: Table, name: str, reading: Reading) -> pl.Series:
    series = column_like(table, name, reading)
    return as_text(series) if reading.conventions[name].kind == "text" else series


def _typed(series: pl.Series, source: str) -> _Column:
    """A made column: what it is for follows from its type, since its maker says by that what it is."""
    found = tidy_column(series, source=source, role=Role.CATEGORICAL)
    role, why = find_role(series.name, found.values)
    if role != Role.CONSTANT:
        text = Role.TEXT if role == Role.TEXT else Role.CATEGORICAL
        role = _ROLES.get(found.convention.kind, text)
    return _Column(found.values, role, why, found.convention, found.note)


def _joined(table: Table, columns: Sequence[_Column]) -> Table:
    names = [column.values.name for column in columns]
    return replace(
        table,
        frame=table.frame.hstack([column.values for column in columns]),
        roles={**table.roles, **{name: column.role for name, column in zip(names, columns, strict=True)}},
        why={**table.why, **{name: column.why for name, column in zip(names, columns, strict=True)}},
        conventions={
            **table.conventions,
            **{name: column.convention for name, column in zip(names, columns, strict=True)},
        },
        notes=(
            *table.notes,
            *(f"column {column.values.name!r}: {column.note}" for column in columns if column.note),
        ),
    )


def _check_names(makers: Sequence[Maker], columns: Sequence[Sequence[str]], table: Table) -> None:
    """Refuse a column that is there already."""
    taken: dict[str, Maker] = {}
    for maker, names in zip(makers, columns, strict=True):
        for name in names:
            if name in table.frame.columns:
                raise DataError(f"{maker}: it makes a column {name!r}, and {table.source} has one; rename that")
            if name in taken:
                raise UsageError(f"{maker}: it makes a column {name!r}, and so does {taken[name]}; leave one out")
            taken[name] = maker
