"""Encoder: from a Table to the float32 matrix that detectors see, fitted once and stored with the model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from anomalist.data.conventions import Reading
from anomalist.data.dataset import Dataset
from anomalist.data.encoding.category import CategoryCoder
from anomalist.data.encoding.codes import CodeCoder
from anomalist.data.encoding.dates import DateCoder
from anomalist.data.encoding.numeric import NumericCoder
from anomalist.data.encoding.order import EntityCoder, TimeCoder
from anomalist.data.encoding.text import TextCoder
from anomalist.data.features import Features
from anomalist.data.kept import column_like
from anomalist.data.roles import FEATURES, Role
from anomalist.data.surprises import only_value, surprises
from anomalist.detector import check_parameter
from anomalist.errors import DataError, ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from anomalist.data.encoding.coder import Coder
    from anomalist.data.maker import BuildMaker, Maker
    from anomalist.data.table import Table
    from anomalist.detector import Floats, State

__all__ = ["Encoder"]

_CODERS: Mapping[str, type[Coder]] = {
    coder.kind: coder for coder in (NumericCoder, CodeCoder, CategoryCoder, DateCoder, TextCoder)
}
_FORMAT = 2
_WITH_FEATURES = 3
"""The same with makers of features, which a version that knows nothing of them must not pass over."""
_WITH_CODES = 4
"""The same with columns of codes, and perhaps makers of features."""
_FORMATS = (_FORMAT, _WITH_FEATURES, _WITH_CODES)

_LEFT_OUT = {
    Role.KEY: "it names the row",
    Role.TIME: "it orders the rows",
    Role.ENTITY: "it says which series a row belongs to",
    Role.LABEL: "it is the label",
    Role.IGNORED: "you left it out",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoder:
    """The fitted encoding of a table, by column name.

    Attributes:
        coders: One for each source column that is used, in source order.
        reading: The role of every source column fitted on, and how its values were written: give it to `read_table` as
            `like` when rows are to be scored.
        left_out: For each source column that is not used, why.
        constants: The one value of each source column that was left out because it held nothing else, as text; None
            where it was missing throughout.
        time: How the time is read; None where the rows have none.
        entity: How the entity is read; None where there is only one.
        features: What makes columns of the rows before they are encoded; their columns are source columns like those of
            the user, but no part of `reading`.
        columns: The name of each encoded column.
        origins: The source column of each encoded column.
        baseline: An encoded typical row, float32, shape (columns,).
        typical: For each source column that is used, a typical value for people.
    """

    coders: tuple[Coder, ...]
    reading: Reading
    left_out: Mapping[str, str]
    constants: Mapping[str, str | None]
    time: TimeCoder | None
    entity: EntityCoder | None
    features: Features = field(default_factory=Features)
    columns: tuple[str, ...] = field(init=False)
    origins: tuple[str, ...] = field(init=False)
    baseline: Floats = field(init=False)
    typical: Mapping[str, str | float | bool] = field(init=False)

    def __post_init__(self) -> None:
        columns = tuple(column for coder in self.coders for column in coder.columns)
        baseline = np.array([value for coder in self.coders for value in coder.baseline], dtype=np.float32)
        baseline.flags.writeable = False
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "origins", tuple(coder.name for coder in self.coders for _ in coder.columns))
        object.__setattr__(self, "baseline", baseline)
        object.__setattr__(self, "typical", {coder.name: coder.typical for coder in self.coders})

    @property
    def roles(self) -> Mapping[str, Role]:
        """The role of every source column fitted on, those that are made among them."""
        return {**self.reading.roles, **self.features.reading.roles}

    @classmethod
    def fit(
        cls,
        table: Table,
        *,
        features: Sequence[Maker] = (),
        cap: float = 10.0,
        max_levels: int = 20,
        max_columns: int = 4096,
    ) -> Self:
        """Learn how to encode from the rows of a table.

        Args:
            table: The training rows.
            features: What makes more columns of them; fitted first.
            cap: How many robust deviations from the median a number counts in full; beyond, it counts logarithmically.
            max_levels: A category with at most so many levels has a column for each.
            max_columns: No more encoded columns than this: the widest categories lose their columns of levels first.

        Raises:
            DataError: No column is left to encode, or more than `max_columns` are.
            ParameterError: An argument is out of its range.
            PluginError: A maker of features failed.
        """
        check_parameter(cap > 0, "cap", cap, "a number above 0")
        check_parameter(max_levels >= 0, "max_levels", max_levels, "a whole number of at least 0")
        check_parameter(max_columns >= 1, "max_columns", max_columns, "a whole number of at least 1")
        reading, makers = table.reading, Features.fit(features, table)
        table = makers.widened(table, reading)
        left_out: dict[str, str] = {}
        coders: list[Coder] = []
        for name, role in table.roles.items():
            coder = _fit_coder(table.frame.get_column(name), role, cap, max_levels) if role in FEATURES else None
            if coder is not None:
                coders.append(coder)
            elif role in FEATURES:
                left_out[name] = "its values are all missing, or alike in hour, weekday and season"
            else:
                left_out[name] = _LEFT_OUT.get(role) or f"{role.value}: {table.why[name]}"
        if not coders:
            reasons = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:3])
            raise DataError(f"{table.source}: no column is left to look for anomalies in ({reasons}); give one a role")
        frame = table.frame
        unused = [name for name in left_out if table.roles[name] not in _LEFT_OUT]
        return cls(
            coders=_narrow(coders, max_columns, table.source),
            reading=reading,
            left_out=left_out,
            constants={name: value for name in unused for value in only_value(frame.get_column(name))},
            time=TimeCoder.fit(frame.get_column(table.time)) if table.time is not None else None,
            entity=EntityCoder.fit(frame.get_column(table.entity)) if table.entity is not None else None,
            features=makers,
        )

    def widened(self, table: Table) -> Table:
        """A table with the columns that the features make of its rows; the table itself where there are no features.

        Raises:
            PluginError: A maker of features failed.
            DataError: A maker cannot use the rows, or the table has a column that it makes.
        """
        return self.features.widened(table, self.reading)

    def notes(self, table: Table) -> tuple[str, ...]:
        """What is to be said of the columns that the features make of these rows, one line each."""
        return self.widened(table).notes[len(table.notes) :]

    def encode(self, table: Table, *, made: pl.DataFrame | None = None) -> Dataset:
        """Encode rows by column name, whatever roles were found in them.

        A row encodes the same alone and among many, unless features look at the rows around it.

        Args:
            table: The rows.
            made: What the features made of them at another time, where these rows are without those around them.

        Raises:
            SchemaMismatchError: A column is missing, holds values of another kind, or was read by another convention;
                the message names it and the row.
            PluginError: A maker of features failed.
        """
        wide = self.widened(table) if made is None else self.features.joined(table, made)
        values = np.empty((len(table), len(self.columns)), dtype=np.float32)
        first = 0
        for coder in self.coders:
            last = first + len(coder.columns)
            coder.write(self._column(wide, coder.name), values[:, first:last])
            first = last
        time = None if self.time is None else self.time.read(self._column(wide, self.time.name), source=table.source)
        entity = None if self.entity is None else self.entity.read(self._column(wide, self.entity.name))
        return Dataset(values=values, columns=self.columns, origins=self.origins, time=time, entity=entity)

    def extra_columns(self, table: Table) -> tuple[str, ...]:
        """The columns of a table that were not there in training: they are not looked at."""
        return tuple(name for name in table.frame.columns if name not in self.roles)

    def surprises(self, table: Table) -> tuple[str, ...]:
        """What the encoding of these rows hides from whoever reads the scores: one line a column, for people."""
        return surprises(self, table)

    def column(self, table: Table, name: str) -> pl.Series:
        """A column of a table, typed as it was in the rows fitted on; one that is made of the rows among them.

        Raises:
            SchemaMismatchError: It is missing, holds values of another kind, or was read by another convention.
            PluginError: A maker of features failed.
        """
        return self._column(self.widened(table) if name in self.features.names else table, name)

    def _column(self, wide: Table, name: str) -> pl.Series:
        reading = self.features.reading if name in self.features.names else self.reading
        return column_like(wide, name, reading)

    def state(self) -> State:
        """Plain JSON values, and the arrays of the coders under `coder.<number>.<name>`."""
        plain: list[dict[str, Any]] = []
        arrays: dict[str, Floats] = {}
        for i, coder in enumerate(self.coders):
            values, found = coder.state()
            plain.append({"kind": coder.kind, **values})
            arrays |= {f"coder.{i}.{name}": array for name, array in found.items()}
        makers = {"features": self.features.state()} if self.features.makers else {}
        codes = any(isinstance(coder, CodeCoder) for coder in self.coders)
        return {
            "format": _WITH_CODES if codes else _WITH_FEATURES if makers else _FORMAT,
            "coders": plain,
            **self.reading.to_dict(),
            "left_out": dict(self.left_out),
            "constants": dict(self.constants),
            "time": self.time.state() if self.time is not None else None,
            "entity": self.entity.state() if self.entity is not None else None,
            **makers,
            **arrays,
        }

    @classmethod
    def from_state(cls, state: State, build: BuildMaker | None = None) -> Self:
        """Restore a fitted encoder; `build` makes the makers of its features, where it has some.

        Raises:
            ModelFileError: The state was not written by `state`, or by a version that this one does not understand.
            PluginError: A maker of features is not installed, or cannot read its state.
        """
        try:
            if state["format"] not in _FORMATS:
                known = ", ".join(map(str, _FORMATS))
                raise ModelFileError(f"the encoder is of format {state['format']!r}; this version reads {known}")
            features = state.get("features")
            if features is not None and build is None:
                raise ModelFileError("the encoder has features, and nothing to build their makers with")
            return cls(
                coders=tuple(_restore(i, plain, state) for i, plain in enumerate(state["coders"])),
                reading=Reading.from_dict({"roles": state["roles"], "conventions": state["conventions"]}),
                left_out=dict(state["left_out"]),
                constants=dict(state["constants"]),
                time=TimeCoder.from_state(state["time"]) if state["time"] is not None else None,
                entity=EntityCoder.from_state(state["entity"]) if state["entity"] is not None else None,
                features=Features.from_state(features, build) if features is not None and build else Features(),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"the encoder of the model cannot be read: {error!r}") from error


def _fit_coder(series: pl.Series, role: Role, cap: float, max_levels: int) -> Coder | None:
    if role == Role.NUMERIC:
        return CodeCoder.fit(series, cap=cap) or NumericCoder.fit(series, cap=cap)
    if role == Role.DATETIME:
        return DateCoder.fit(series)
    if series.null_count() == len(series):
        return None
    if role == Role.TEXT:
        return TextCoder.fit(series, cap=cap)
    return CategoryCoder.fit(series, max_levels=max_levels, boolean=role == Role.BOOLEAN)


def _narrow(coders: list[Coder], limit: int, source: str) -> tuple[Coder, ...]:
    """Take the columns of levels from the widest categories, then the rarity from codes, until the rest fits."""
    width = sum(len(coder.columns) for coder in coders)
    categories = [i for i, coder in enumerate(coders) if isinstance(coder, CategoryCoder)]
    for i in sorted(categories, key=lambda i: -len(coders[i].columns)):
        coder = coders[i]
        if width > limit and isinstance(coder, CategoryCoder):
            width -= coder.shown
            coders[i] = replace(coder, shown=0)
    for i, coder in enumerate(coders):
        if width > limit and isinstance(coder, CodeCoder):
            width -= 1
            coders[i] = coder.number
    if width > limit:
        raise DataError(f"{source}: {width} encoded columns are more than {limit}: ignore some, or raise the limit")
    return tuple(coders)


def _restore(i: int, plain: Mapping[str, Any], state: State) -> Coder:
    prefix = f"coder.{i}."
    arrays = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    return _CODERS[plain["kind"]].from_state(plain, arrays)
