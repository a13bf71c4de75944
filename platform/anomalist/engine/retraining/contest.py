"""Contest: what champion and challenger know of the rows that were judged, put side by side to be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anomalist.engine.feedback.lessons import Known, evidence_of_judged, labels_at, learned
from anomalist.engine.models.stackers import recipe_of
from anomalist.engine.retraining.compare import Candidate, Comparison, compare
from anomalist.engine.runs.score import score_members

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anomalist.detector import Floats
    from anomalist.engine.feedback.lessons import Place
    from anomalist.engine.feedback.verdicts import Judged
    from anomalist.engine.retraining.rejoin import Panel
    from anomalist.engine.workspace import Workspace
    from anomalist.ensemble.model import Model
    from anomalist.ensemble.stack import Evidence, Stacker

__all__ = ["contest"]


def contest(
    workspace: Workspace, name: str, champion: Model, challenger: Model, panel: Panel, judged: Sequence[Judged]
) -> Comparison:
    """Compare a champion with the challenger that was taught on a panel's table.

    Args:
        workspace: Where.
        name: What both are called.
        champion: The version in service.
        challenger: The version that may replace it.
        panel: Of the challenger.
        judged: What holds of the judged rows now.

    Raises:
        AnomalistError: The champion cannot be asked about these rows.
    """
    before = [] if champion.stack is None else learned(workspace, name, champion.stack.about)
    now = [one for one in judged if one.label is not None]
    here = {_place(one) for one in now}
    every = [*now, *(one for one in before if one.label is not None and _place(one) not in here)]
    places = [_place(one) for one in every]
    taught_now, taught_before = labels_at(places, now), labels_at(places, before)
    new = evidence_of_judged(panel.model, every, panel.table, panel.data, panel.surprises)
    if champion.encoder is challenger.encoder and champion.members == challenger.members:
        old, background = new, panel.evidence
    else:
        data = champion.encoder.encode(panel.table)
        scores, _ = score_members(workspace, champion, data)
        old = evidence_of_judged(champion, every, panel.table, data, scores.surprises)
        background = champion.evidence(data, scores.surprises)
    both = np.intersect1d(new.rows, old.rows)
    return compare(
        _candidate(workspace, champion, old, both, background, taught_before),
        _candidate(workspace, challenger, new, both, panel.evidence, taught_now),
        taught_now[both],
    )


def _candidate(
    workspace: Workspace, model: Model, known: Known, rows: np.ndarray, background: Evidence, taught: Floats
) -> Candidate:
    stack = model.stack
    make: Callable[[], Stacker] | None = None
    if stack is not None:
        make = recipe_of(workspace.registry, stack.name, stack.params).guarded
    return Candidate(
        judged=known.evidence.take(np.searchsorted(known.rows, rows)),
        background=background,
        taught=taught[rows] if stack is not None else np.full(rows.size, np.nan),
        stacker=make,
        rate=0.01 if stack is None else float(stack.about["rate"]),
    )


def _place(judged: Judged) -> Place:
    return judged.fingerprint, judged.key
