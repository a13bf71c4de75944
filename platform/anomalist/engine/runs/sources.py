"""Sources: how a table was read, kept with its run, so that it can be read again in the same way."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from anomalist.config import hide_password
from anomalist.data.conventions import Reading
from anomalist.data.readers import read_table
from anomalist.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.data.table import Table
    from anomalist.plugins.registry import Registry
    from anomalist.store.rows import RunRow

__all__ = ["Source", "read_again"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where rows are and what their columns are for; plain values.

    Attributes:
        location: A path or a database URL; None where it cannot be read again, as a frame from memory.
        format: The format, where the ending of the file does not say.
        query: A table or SQL query, of a database.
        key: The column that names each row.
        time: The column that orders the rows.
        entity: The column that says which series a row belongs to.
        label: The column of known labels.
        ignore: Columns to leave out.
        roles: Roles of single columns, instead of those found.
        like: How the rows of the model were read that these were read for: its roles hold where nothing else is said,
            and its numbers and dates are written as they were there.
    """

    location: str | None = None
    format: str | None = None
    query: str | None = None
    key: str | None = None
    time: str | None = None
    entity: str | None = None
    label: str | None = None
    ignore: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    like: Reading = field(default_factory=Reading)

    @property
    def columns(self) -> dict[str, Any]:
        """What the columns are for, as keyword arguments."""
        names = ("key", "time", "entity", "label", "ignore", "roles", "like")
        return {name: getattr(self, name) for name in names}

    def read(self, registry: Registry) -> Table:
        """Read the table.

        Raises:
            DataError: It cannot be read.
        """
        if self.location is None:
            raise UsageError(
                "the rows of this run came from memory or from a database with a password; "
                "name the file that holds them with --data, or in Python give them again as data="
            )
        return read_table(
            self.location,
            format=self.format,
            query=self.query,
            readers=registry.reader_functions(),
            **self.columns,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the store: paths made absolute, and no location that holds a password."""
        location = self.location
        if location is not None and "://" not in location:
            location = str(Path(location).absolute())
        elif location is not None and hide_password(location) != location:
            location = None
        return {**asdict(self), "location": location, "ignore": list(self.ignore), "like": self.like.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The source that `to_dict` described."""
        like = Reading.from_dict(values.get("like", {}))
        return cls(**{**values, "ignore": tuple(values.get("ignore", ())), "like": like})


def read_again(run: RunRow, registry: Registry, *, data: str | None = None, label: str | None = None) -> Table:
    """Read the rows of a run again, from where it had them or from `data`.

    `label` names a column of labels that came later: the rows are those of the run where they are without it.

    Raises:
        DataError: The rows are not those of the run.
        UsageError: The run does not know where its rows are.
    """
    source = Source.from_dict(run.params.get("origin", {}))
    source = source if data is None else replace(source, location=data)
    later = label is not None and label not in run.dataset.columns
    try:
        table = (replace(source, label=label) if later else source).read(registry)
    except DataError as error:
        if data is not None:
            raise
        raise DataError(f"{error}; name the file that holds the rows of run {run.id} with --data") from None
    before = replace(table, frame=table.frame.drop(label)) if later and label is not None else table
    if before.fingerprint != run.dataset.fingerprint:
        raise DataError(
            f"{table.source}: its rows are not those of run {run.id}"
            + ("; name the file that it was with --data" if data is None else "")
        )
    return table
