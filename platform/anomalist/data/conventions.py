"""How the values of each column are written, so that later rows are read as the first ones were."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from anomalist.data.dates import day_of, example
from anomalist.data.numerals import PLAIN
from anomalist.data.roles import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

__all__ = ["Convention", "Reading"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """How the values of one column are written.

    A single value does not always say: `1,234` is a number of four digits or one with decimals, `02/01/2024` a day in
    January or in February. All values of the training rows together do.

    Attributes:
        kind: What the values are read as.
        form: How they are written; None where they came with their type, not as text. Of numbers it is an example, such
            as `1.234,5`; of dates a format, such as `%d/%m/%Y`, or the unit in which numbers count from 1970.
        unit: The sign that every number bears, such as `%` or `$`.
        whole: Whether all numbers are whole, or all dates without a time of day.
    """

    kind: Literal["text", "number", "truth", "date"]
    form: str | None = None
    unit: str = ""
    whole: bool = False

    @classmethod
    def of(cls, series: pl.Series) -> Self:
        """That of values which came with their type."""
        if series.dtype.is_numeric():
            return cls(kind="number", whole=series.dtype.is_integer())
        if series.dtype.is_temporal():
            return cls(kind="date", whole=str(series.dtype) == "Date")
        return cls(kind="truth" if str(series.dtype) == "Boolean" else "text")

    @property
    def described(self) -> str:
        """The convention in a few words, with an example.

        >>> Convention(kind="number", form="1.234,5", unit="€").described
        "numbers written like 1.234,5 with '€'"
        >>> Convention(kind="date", form="%d/%m/%Y").described
        'dates written like 31/12/2024'
        """
        if self.kind == "number":
            written = f"numbers written like {self.form or PLAIN}"
            return f"{written} with {self.unit!r}" if self.unit else written
        if self.kind == "date":
            return f"dates written like {example(self.form)}"
        return "the words true and false" if self.kind == "truth" else "text"

    def agrees(self, other: Convention) -> bool:
        """Whether values read by the other convention are those that this one would read; plain digits always are."""
        if other.form is None or (other.kind == "number" and other.form == PLAIN and other.whole and not other.unit):
            return True
        if self.kind != other.kind or self.unit != other.unit:
            return False
        if self.kind == "date":
            return day_of(self.form) == day_of(other.form)
        return self.kind != "number" or (self.form or PLAIN) == other.form


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is known of the columns of a table: what each is for, and how its values are written.

    Give that of a fitted encoder to `read_table` or `Table.from_frame` as `like`, and a row reads the same alone as
    among all those that the encoder was fitted on.

    Attributes:
        roles: The role of each column.
        conventions: The convention of each column.
    """

    roles: Mapping[str, Role] = field(default_factory=dict)
    conventions: Mapping[str, Convention] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "roles": {name: role.value for name, role in self.roles.items()},
            "conventions": {name: asdict(convention) for name, convention in self.conventions.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The reading that `to_dict` described; an empty one from an empty mapping."""
        return cls(
            roles={name: Role(role) for name, role in values.get("roles", {}).items()},
            conventions={name: Convention(**plain) for name, plain in values.get("conventions", {}).items()},
        )
