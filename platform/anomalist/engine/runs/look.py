"""Look: one row of a stored run, explained, whether or not it was worth a record at the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anomalist.engine.runs.findings import finding_from
from anomalist.engine.runs.scored import ScoredRun

if TYPE_CHECKING:
    from anomalist.engine.runs.result import Finding
    from anomalist.engine.workspace import Workspace

__all__ = ["look"]


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
    ((_, finding),) = ScoredRun.open(workspace, run_id, data=data).findings(workspace, [scored.row])
    return finding
