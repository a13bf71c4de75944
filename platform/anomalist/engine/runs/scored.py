"""ScoredRun: a stored run with everything that belongs to it, read again to be worked on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from anomalist.engine.runs.findings import finding_from, findings_of
from anomalist.engine.runs.sources import read_again
from anomalist.engine.runs.stored import stored_scores
from anomalist.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.data.dataset import Dataset
    from anomalist.data.table import Table
    from anomalist.engine.runs.result import Finding
    from anomalist.engine.workspace import Workspace
    from anomalist.ensemble.model import Model, Scores
    from anomalist.store.rows import RunRow

__all__ = ["ScoredRun"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredRun:
    """A run and what it worked on.

    Attributes:
        run: The run.
        name: The name of its model.
        model: The model.
        table: The rows.
        data: The same, encoded.
        scores: What the model said of them.
    """

    run: RunRow
    name: str
    model: Model
    table: Table
    data: Dataset
    scores: Scores

    @classmethod
    def open(cls, workspace: Workspace, run_id: str, *, data: str | None = None) -> Self:
        """Read a scored run again, of any kind, its rows from where it had them or from `data`.

        Raises:
            UnknownNameError: There is no such run, or it has no scores or no model.
            DataError: The rows cannot be read, or are not those of the run.
            UsageError: The run does not know where its rows are.
        """
        run = workspace.store.scored_run(run_id)
        if run.model is None:
            raise UnknownNameError(f"run {run.id} has no model to ask")
        name, version = run.model
        model, _ = workspace.load(f"{name}:{version}")
        workspace.progress.stage("reading")
        table = read_again(run, workspace.registry, data=data)
        workspace.progress.stage("encoding")
        return cls(
            run=run,
            name=name,
            model=model,
            table=table,
            data=model.encoder.encode(table),
            scores=stored_scores(workspace, run),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The source columns to show to whoever judges: what names and places a row first, and never the label."""
        table = self.model.encoder.widened(self.table)
        first = [name for name in (table.key, table.entity, table.time) if name is not None]
        order = dict.fromkeys([*first, *table.features, *table.frame.columns])
        return tuple(name for name in order if name != table.label)

    def findings(self, workspace: Workspace, rows: Sequence[int]) -> list[tuple[int, Finding]]:
        """The rank and the finding of some rows; those that the run kept no record of are explained now."""
        scored = [workspace.store.score_of(self.run.id, self.table.keys[row]) for row in rows]
        bare = np.array([row.row for row in scored if row.record is None], dtype=np.intp)
        if bare.size:
            workspace.progress.stage("explaining")
        each = workspace.executor.attempts
        explained = findings_of(self.model, self.table, self.data, self.scores, bare, each=each)
        found = {finding.row: finding for finding in explained}
        return [(row.rank, found.get(row.row) or finding_from(row)) for row in scored]
