"""Evaluate: how well a run, and each of its members, tells the known anomalies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from anomalist.data.labels import read_labels
from anomalist.engine.measures import measure, top_rows
from anomalist.engine.storing import stored_scores
from anomalist.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Collection

    from anomalist.data.table import Table
    from anomalist.detector import Ints
    from anomalist.engine.workspace import Workspace
    from anomalist.ensemble.model import Scores
    from anomalist.store.rows import RunRow

__all__ = ["Labels", "evaluate_run", "evaluate_scores", "measured", "newest_run_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labels:
    """The rows whose label is known.

    Attributes:
        rows: Their numbers, shape (k,).
        values: 1 for an anomaly, 0 for a normal row, shape (k,).
        where: What an error calls them: the table and the column.
    """

    rows: Ints
    values: Ints
    where: str = "the labels"

    @classmethod
    def of(cls, table: Table, positive: Collection[str] | None = None, *, column: str | None = None) -> Self:
        """Read the label column of a table, or another column as labels; rows without a label are left out.

        Raises:
            DataError: There is no such column, no label in it, or which value means an anomaly cannot be told.
        """
        name = column or table.label
        if name is None:
            raise DataError(f"{table.source}: no column was named as the label; name one with --label")
        if name not in table.frame.columns:
            raise DataError(f"{table.source}: there is no column {name!r} to take labels from")
        series = table.frame.get_column(name)
        known = np.flatnonzero(series.is_not_null().to_numpy())
        if not known.size:
            raise DataError(f"{table.source}: label column {name!r} holds no value")
        values = read_labels(series.gather(known), source=table.source, positive=positive)
        return cls(rows=known, values=values, where=f"{table.source}: label column {name!r}")

    @property
    def of_both_kinds(self) -> bool:
        """Whether there are anomalies and normal rows."""
        return 0 < int(self.values.sum()) < self.values.size

    def check_both_kinds(self) -> None:
        """Refuse labels that say nothing: no quality can be measured and no threshold learned from one kind of row.

        Raises:
            DataError: There are no anomalies, or no normal rows.
        """
        if not self.of_both_kinds:
            raise DataError(
                f"{self.where}: both anomalies and normal rows are needed, got {int(self.values.sum()):,} anomalies "
                f"among {self.values.size:,} labels; say which values mean an anomaly with --positive"
            )


def measured(scores: Scores, labels: Labels | None) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Measure scores where there are labels of both kinds; of one kind there is only a note to make."""
    if labels is None:
        return None, ()
    if labels.of_both_kinds:
        return evaluate_scores(scores, labels), ()
    kind = "an anomaly" if labels.values.any() else "normal"
    return None, (f"{labels.where}: every labelled row is {kind}, so that no quality can be measured",)


def evaluate_scores(scores: Scores, labels: Labels) -> dict[str, Any]:
    """Measure the score and each member's surprise on the rows with a label; plain values.

    Precision, recall and F1 are at the threshold of the run; for a member, at as many rows as the run flagged.

    Raises:
        DataError: The labels are all of one kind.
    """
    labels.check_both_kinds()
    rows = labels.rows
    flagged = scores.flagged[rows]
    ensemble = measure(labels.values, scores.score[rows], flagged).to_dict()
    members = {
        name: measure(labels.values, found, top_rows(found, int(flagged.sum()))).to_dict()
        for name, found in zip(scores.members, scores.surprises[rows].T, strict=True)
    }
    counts = {"rows": int(rows.size), "anomalies": int(labels.values.sum()), "flagged": int(flagged.sum())}
    return {**counts, "ensemble": ensemble, "members": members}


def evaluate_run(workspace: Workspace, run: RunRow, labels: Labels) -> dict[str, Any]:
    """Measure the stored scores of a run against labels of its rows, in the order of the run; plain values.

    Raises:
        UnknownNameError: The run has no scores.
        DataError: The labels are all of one kind.
    """
    return evaluate_scores(stored_scores(workspace, run), labels)


def newest_run_of(workspace: Workspace, table: Table) -> RunRow:
    """The newest run that scored exactly these rows.

    Raises:
        UnknownNameError: There is none among the newest thousand.
    """
    fingerprint = table.fingerprint
    for run in workspace.store.runs(limit=1_000):
        if run.flagged is not None and run.dataset.fingerprint == fingerprint:
            return run
    raise UnknownNameError(f"no run scored the rows of {table.source}; name a model with --model, or run them first")
