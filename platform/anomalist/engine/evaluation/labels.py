"""Labels: what is known of the rows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from anomalist.data.labels import guessed_label, label_notes, read_labels
from anomalist.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection

    from anomalist.data.table import Table
    from anomalist.detector import Ints

__all__ = ["Labels"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labels:
    """The rows whose label is known.

    Attributes:
        rows: Their numbers, shape (k,).
        values: 1 for an anomaly, 0 for a normal row, shape (k,).
        where: What an error calls them: the table and the column.
        guessed: The value that was taken for the anomaly as it is the rarer of two; None where nothing was guessed.
        notes: The line that says so.
    """

    rows: Ints
    values: Ints
    where: str = "the labels"
    guessed: str | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, table: Table, positive: Collection[str] | None = None, *, column: str | None = None) -> Self:
        """Read the label column of a table, or another column as labels; rows without a label are left out.

        Raises:
            DataError: There is no such column, no label in it, or which value means an anomaly cannot be told.
        """
        name = column or table.label
        if name is None:
            raise DataError(f"{table.source}: no column was named as the label; name one as the label")
        if name not in table.frame.columns:
            raise DataError(f"{table.source}: there is no column {name!r} to take labels from")
        series = table.frame.get_column(name)
        known = np.flatnonzero(series.is_not_null().to_numpy())
        if not known.size:
            raise DataError(f"{table.source}: label column {name!r} holds no value")
        values = read_labels(series.gather(known), source=table.source, positive=positive)
        guessed = guessed_label(series) if positive is None else None
        where = f"{table.source}: label column {name!r}"
        return cls(rows=known, values=values, where=where, guessed=guessed, notes=label_notes(series, guessed))

    @property
    def of_both_kinds(self) -> bool:
        """Whether there are anomalies and normal rows."""
        return 0 < int(self.values.sum()) < self.values.size

    def check_clean(self) -> None:
        """Refuse labels that belie rows said to be normal.

        Raises:
            DataError: A row is an anomaly.
        """
        if self.values.any():
            raise DataError(
                f"{self.where}: rows said to be clean must be normal, got {int(self.values.sum()):,} anomalies among "
                f"{self.values.size:,} labels; leave those rows out, or do not say --clean (in retrain: say --no-clean)"
            )

    def check_both_kinds(self) -> None:
        """Refuse labels that say nothing: no quality can be measured and no threshold learned from one kind of row.

        Raises:
            DataError: There are no anomalies, or no normal rows.
        """
        if not self.of_both_kinds:
            raise DataError(
                f"{self.where}: both anomalies and normal rows are needed, got {int(self.values.sum()):,} anomalies "
                f"among {self.values.size:,} labels; name the values that mean an anomaly as positive"
            )
