"""Needed: whether it is time to retrain, so that a job that runs every night can decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anomalist.data.words import counted
from anomalist.engine.feedback.lessons import learned, settled
from anomalist.engine.monitoring.monitor import watch
from anomalist.store.models import CHALLENGER

if TYPE_CHECKING:
    from anomalist.data.table import Table
    from anomalist.engine.workspace import Workspace

__all__ = ["Need", "need"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Whether to retrain, and why, in one line."""

    now: bool
    reason: str


def need(workspace: Workspace, reference: str, *, table: Table | None = None, verdicts: int = 20) -> Need:
    """Say whether a model is due.

    It is where analysts have since said something new of at least so many rows, or where new rows have drifted away
    from those that its newest version was fitted on: what has led to a challenger once does not lead to another.

    Args:
        workspace: Where.
        reference: The model.
        table: New rows; without them there is no drift to be seen.
        verdicts: How many rows it takes whose label is new or has changed since the newest version learned.

    Raises:
        UnknownNameError: There is no such model.
        DataError: The rows are not such as the model can be asked about.
    """
    row = workspace.find(reference)
    newest = max(workspace.store.models(row.name), key=lambda version: version.version)
    about = newest.details.get("considered")
    before = [] if about is None else learned(workspace, row.name, about)
    was = {(one.fingerprint, one.key): one.label for one in before}
    now = settled(workspace, row.name)
    new = sum(was.get((one.fingerprint, one.key)) != one.label for one in now if one.label is not None)
    said = f"{counted(new, 'new verdict')} since {row.name}:{newest.version}, {verdicts} are waited for"
    if CHALLENGER in newest.aliases:
        said += f"; {row.name}:{newest.version} is a challenger, to be promoted or not"
    if new >= verdicts:
        return Need(now=True, reason=said)
    if table is None:
        return Need(now=False, reason=said)
    model, row = workspace.load(f"{newest.name}:{newest.version}")
    if model.reference is None:
        lost = f"{row.name}:{row.version} was saved by an earlier anomalist, which kept nothing to see drift by"
        return Need(now=False, reason=f"{said}; {lost}")
    drift = watch(workspace, table, model, row)
    return Need(now=drift.found, reason=drift.verdict if drift.found else f"{said}; {drift.verdict}")
