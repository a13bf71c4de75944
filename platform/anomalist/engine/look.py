"""Look: one row of a stored run, explained, whether or not it was worth a record at the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anomalist.engine.findings import findings_of
from anomalist.engine.result import Finding
from anomalist.engine.sources import read_again
from anomalist.engine.storing import stored_scores
from anomalist.ensemble.explain import Reason
from anomalist.errors import UnknownNameError

if TYPE_CHECKING:
    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import ScoredRow

__all__ = ["finding_from", "look"]


def look(workspace: Workspace, run_id: str, key: str, *, data: str | None = None) -> Finding:
    """Explain one row of a run, by its key.

    Flagged and top rows were explained when the run was made. For any other row the data are read again, from where the
    run had them or from `data`, and the model is asked.

    Raises:
        UnknownNameError: There is no such run or row.
        DataError: The data cannot be read or are not those of the run.
    """
    scored = workspace.store.score_of(run_id, key)
    if scored.record is not None:
        return finding_from(scored)
    run = workspace.store.scored_run(run_id)
    table = read_again(run, workspace.registry, data=data)
    if run.model is None:
        raise UnknownNameError(f"run {run.id} has no model to ask")
    model, _ = workspace.load(f"{run.model[0]}:{run.model[1]}")
    scores = stored_scores(workspace, run)
    return findings_of(model, table, model.encoder.encode(table), scores, np.array([scored.row]))[0]


def finding_from(scored: ScoredRow) -> Finding:
    """A finding as it was stored; without reasons where the row has no record."""
    record = scored.record
    return Finding(
        key=scored.key,
        row=scored.row,
        score=scored.score,
        level=scored.level,
        flagged=scored.flagged,
        members={} if record is None else record.members,
        reasons=() if record is None else tuple(Reason(**reason) for reason in record.reasons),
        values={} if record is None else record.values,
        probability=scored.probability,
        moved=None if record is None else record.moved,
    )
