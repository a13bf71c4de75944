"""Profile: what a table is like, and what to worry about before looking for anomalies in it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.data.keys import hash_rows
from anomalist.data.labels import guess_positive, guessed_label, label_notes
from anomalist.data.profiling.columns import ColumnProfile, profile_column
from anomalist.data.profiling.leaks import leak
from anomalist.data.profiling.times import TimeProfile, profile_time
from anomalist.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection

    from anomalist.data.table import Table
    from anomalist.detector import Ints

__all__ = ["ColumnProfile", "Profile", "TimeProfile", "profile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a table is like.

    Attributes:
        source: How the user would name the table.
        rows: How many rows it has.
        columns: Each column, in source order.
        duplicate_rows: How many rows repeat an earlier one in everything but the key.
        size: Bytes in memory.
        notes: What was repaired when it was read.
        time: How the rows lie in time; None without a time column.
        positive: The label that means an anomaly; None without a label column, or where it cannot be told.
        anomalies: How many rows have it.
        worries: What to worry about, in whole sentences, the gravest first.
    """

    source: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    duplicate_rows: int
    size: int
    notes: tuple[str, ...]
    time: TimeProfile | None
    positive: str | None
    anomalies: int | None
    worries: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "source": self.source,
            "rows": self.rows,
            "columns": [column.to_dict() for column in self.columns],
            "duplicate_rows": self.duplicate_rows,
            "size": self.size,
            "notes": list(self.notes),
            "time": None if self.time is None else self.time.to_dict(),
            "label": None if self.positive is None else {"positive": self.positive, "rows": self.anomalies},
            "worries": list(self.worries),
        }


def profile(table: Table, *, positive: Collection[str] | None = None) -> Profile:
    """Describe a table: its columns, its duplicates, its time, and what looks wrong.

    `positive` names the labels that mean an anomaly; found when not given.
    """
    frame = table.frame
    about = _about_label(table) if positive is None else ()
    labels, positive, label_worries = _labels(table, positive)
    columns, leaks = [], []
    for name, role in table.roles.items():
        column = profile_column(frame.get_column(name), role, table.why[name])
        suspicion = leak(frame.get_column(name), role, labels) if labels is not None else ""
        if suspicion:
            column = replace(column, warnings=(suspicion, *column.warnings))
            leaks.append(f"column {name!r} {suspicion}")
        columns.append(column)
    named = [name for name in frame.columns if name != table.key]
    duplicates = len(table) - int(np.unique(hash_rows(frame, named)).size)
    time = None
    if table.time is not None:
        entity = None if table.entity is None else frame.get_column(table.entity)
        time = profile_time(frame.get_column(table.time), entity, source=table.source)
    return Profile(
        source=table.source,
        rows=len(table),
        columns=tuple(columns),
        duplicate_rows=duplicates,
        size=int(frame.estimated_size()),
        notes=(*table.notes, *about),
        time=time,
        positive=positive,
        anomalies=None if labels is None else int(labels.sum()),
        worries=(
            *leaks,
            *_of_rows(table, duplicates),
            *label_worries,
            *(time.worries() if time is not None else []),
            *_twins(table),
            *(
                f"column {column.name!r} {warning}"
                for column in columns
                for warning in column.warnings
                if _grave(warning)
            ),
        ),
    )


def _about_label(table: Table) -> tuple[str, ...]:
    """What had to be guessed of the label."""
    if table.label is None:
        return ()
    column = table.frame.get_column(table.label)
    return label_notes(column, guessed_label(column))


def _labels(table: Table, given: Collection[str] | None) -> tuple[Ints | None, str | None, list[str]]:
    """The labels, the one that means an anomaly, and what is odd about them; a label that cannot be read is a worry."""
    if table.label is None:
        return None, None, []
    try:
        labels = table.labels(given)
        column = table.frame.get_column(table.label)
        positive = ", ".join(sorted(given)) if given else guess_positive(column, source=table.source)
    except DataError as error:
        return None, None, [str(error)]
    share = float(labels.mean())
    if share > 0.2:
        return labels, positive, [f"{100 * share:.0f} % of the rows are labelled anomalies: detectors expect few"]
    if share == 0.0:
        return labels, positive, [f"no row is labelled {positive!r}: nothing can be evaluated"]
    return labels, positive, []


def _of_rows(table: Table, duplicates: int) -> list[str]:
    """What is wrong with the table as a whole."""
    found = []
    features = len(table.features)
    if not features:
        found.append("no column is left to look for anomalies in: give one a role")
    if len(table) < 100:
        found.append(f"there are only {len(table)} rows: hardly enough to learn what is normal")
    elif features > len(table):
        found.append(f"there are more columns ({features}) than rows ({len(table)})")
    if duplicates >= 0.01 * len(table) and duplicates > 1:
        share = 100 * duplicates / len(table)
        found.append(f"{duplicates} rows ({share:.0f} %) repeat an earlier row: repeated anomalies look normal")
    return found


def _twins(table: Table) -> list[str]:
    """Features that hold the same values in every row."""
    alike: dict[tuple[str, int], list[str]] = defaultdict(list)
    for name in table.features:
        series = table.frame.get_column(name)
        digest = hash_rows(series.alias("").to_frame(), [""])
        alike[str(series.dtype), hash(digest.tobytes())].append(name)
    groups = [names for names in alike.values() if len(names) > 1]
    return [f"columns {' and '.join(map(repr, names[:4]))} hold the same values: they count twice" for names in groups]


def _grave(warning: str) -> bool:
    """What a user should read even without looking at the columns; leaks are listed first already."""
    words = ("missing", "infinite", "magnitude", "are numbers", "in one form")
    return any(word in warning for word in words) and "in advance" not in warning
