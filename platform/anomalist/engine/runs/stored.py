"""Stored: runs of the store, found again with what they found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anomalist.ensemble.model import Scores
from anomalist.errors import UnknownNameError

if TYPE_CHECKING:
    from anomalist.data.table import Table
    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import RunRow

__all__ = ["newest_run_of", "stored_scores"]


def stored_scores(workspace: Workspace, run: RunRow) -> Scores:
    """The scores of a run as they were stored."""
    kept = workspace.store.scores(run.id)
    names = tuple(member.name for member in workspace.store.members(run.id) if member.status == "done")
    surprises = np.stack([workspace.store.member_column(run.id, name) for name in names], axis=1)
    return Scores(
        members=names,
        surprises=surprises,
        score=kept.score,
        flagged=kept.flagged,
        probability=kept.probability,
    )


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
