"""Monitor: whether rows are still what a model was fitted on, measured and stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anomalist.engine.monitoring.drift import Drift
from anomalist.engine.monitoring.judge import judge
from anomalist.engine.monitoring.precision import precision_of
from anomalist.engine.runs.score import score_members
from anomalist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.data.dataset import Dataset
    from anomalist.data.table import Table
    from anomalist.engine.workspace import Workspace
    from anomalist.ensemble.model import Model
    from anomalist.store.rows import ModelRow, RunRow

__all__ = ["Monitoring", "monitor", "watch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """A monitoring that has ended and is stored.

    Attributes:
        run: The run as the store has it; `results` holds the drift as plain values.
        drift: What it found.
    """

    run: RunRow
    drift: Drift


def watch(workspace: Workspace, table: Table, model: Model, model_row: ModelRow) -> Drift:
    """Compare rows, and what the model says of them, with the rows that it was fitted on; nothing is stored.

    Args:
        workspace: Where.
        table: The rows; the columns of the model are found by name.
        model: The model, as `Workspace.load` gives it.
        model_row: The same as the store has it.

    Raises:
        UsageError: The model was saved by a version that did not keep what its rows were like.
        SchemaMismatchError: A column of the model is missing or of another type.
        DetectorError: A detector failed.
    """
    return _watch(workspace, model, model_row, table, _encoded(table, model, model_row))


def monitor(
    workspace: Workspace, table: Table, model: Model, model_row: ModelRow, *, origin: Mapping[str, Any] | None = None
) -> Monitoring:
    """Do as `watch` does and store what was found, as a run of the kind `evaluate` without scores.

    `origin` says how to read the table again, plain values; it is stored with the run. Raises as `watch` does: what
    cannot be used is refused before a run begins, and a run that fails is stored as failed.
    """
    params = {"model": f"{model_row.name}:{model_row.version}", "origin": dict(origin or {})}
    data = _encoded(table, model, model_row)
    with workspace.running("evaluate", table, params=params, model=model_row) as run_id:
        drift = _watch(workspace, model, model_row, table, data)
        workspace.progress.stage("storing")
        run = workspace.store.commit_run(
            run_id,
            status="done",
            results={"drift": drift.to_dict()},
            notes=(*table.notes, *model.encoder.surprises(table)),
        )
    return Monitoring(run=run, drift=drift)


def _encoded(table: Table, model: Model, model_row: ModelRow) -> Dataset:
    """The rows as the model sees them, if there is anything to compare them with."""
    if model.reference is None:
        raise UsageError(
            f"{model_row.name}:{model_row.version} was saved by an earlier version, which kept nothing of the rows that"
            " it was fitted on; fit it again with `anomalist run`"
        )
    return model.encoder.encode(table)


def _watch(workspace: Workspace, model: Model, model_row: ModelRow, table: Table, data: Dataset) -> Drift:
    assert model.reference is not None
    workspace.progress.stage("scoring")
    scores, _ = score_members(workspace, model, data)
    workspace.progress.stage("comparing")
    columns, found = judge(model.reference, model.encoder, table, scores)
    return Drift(
        rows=len(table),
        rows_before=model.reference.rows,
        columns=columns,
        scores=found,
        precision=precision_of(workspace, model_row),
    )
