"""Run: fit a panel on a table, score its rows, explain the anomalous ones, store the run and its model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from anomalist.data.table import Role
from anomalist.engine.evaluation.evaluate import measured
from anomalist.engine.fitting.fit import fit
from anomalist.engine.fitting.lasting import lasting
from anomalist.engine.fitting.plan import make_plan
from anomalist.engine.models import files as model_files
from anomalist.engine.models.names import check_model_name, model_name
from anomalist.engine.runs.findings import findings_of, worth_a_look
from anomalist.engine.runs.storing import commit
from anomalist.errors import UnknownNameError
from anomalist.store.models import CHAMPION
from anomalist.store.rows import NewModel

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from anomalist.data.table import Table
    from anomalist.engine.evaluation.labels import Labels
    from anomalist.engine.fitting.request import RunOptions
    from anomalist.engine.runs.result import RunResult
    from anomalist.engine.workspace import Workspace
    from anomalist.ensemble.model import Model

__all__ = ["run"]

_AS_ASKED = frozenset({Role.KEY, Role.TIME, Role.ENTITY, Role.LABEL, Role.IGNORED})


def run(
    workspace: Workspace,
    table: Table,
    options: RunOptions,
    *,
    name: str | None = None,
    positive: Collection[str] | None = None,
    origin: Mapping[str, Any] | None = None,
) -> RunResult:
    """Fit a panel on a table, score its rows, explain the anomalous ones, store the run and its model.

    The first model of a name becomes its champion: the one that is used where no version is named.

    Args:
        workspace: Where.
        table: The rows.
        options: How to fit.
        name: What to call the model; by default after the source of the table.
        positive: The label values that mean an anomaly; found when not given.
        origin: How to read the table again, plain values; stored with the run.

    Raises:
        UsageError: The request cannot be met; nothing is stored.
        DataError: The rows cannot be used.
        RunError: No detector could be fitted.
    """
    name = model_name(Path(table.source).name) if name is None else check_model_name(name)
    workspace.progress.stage("encoding")
    plan = make_plan(table, options, workspace.registry, positive=positive, executor=workspace.executor)
    params = {
        "name": name,
        "options": lasting(options, workspace.registry).to_dict(),
        "positive": _meant(plan.labels, positive),
        "origin": dict(origin or {}),
    }
    about = plan.labels.notes if plan.labels is not None else ()
    with workspace.running("fit", table, params=params, seed=options.seed) as run_id:
        fitted = fit(plan, executor=workspace.executor, progress=workspace.progress)
        model, scores = fitted.model, fitted.scores
        workspace.progress.stage("explaining")
        rows = worth_a_look(scores, options.top)
        findings = findings_of(model, table, plan.data, scores, rows, each=workspace.executor.attempts)
        evaluation, remarks = measured(scores, plan.labels)
        workspace.progress.stage("storing")
        champion = _champion(workspace, name)
        pickles = model_files.pickle_notes(model, workspace.registry)
        notes = (*table.notes, *about, *_left_out(model), *fitted.notes, *remarks, *pickles)
        if champion is not None:
            notes = (*notes, f"{name}:{champion} stays the champion; name the version to score with the new model")
        made = NewModel(
            name=name,
            hash=model_files.save(model, workspace.models, workspace.registry),
            details=model_files.describe(model, workspace.registry),
            aliases=(CHAMPION,) if champion is None else (),
        )
        result = commit(
            workspace,
            run_id,
            table=table,
            model=model,
            scores=scores,
            findings=findings,
            reports=fitted.reports,
            evaluation=evaluation,
            top=options.top,
            notes=notes,
            made=made,
        )
    workspace.announce(result)
    return result


def _meant(labels: Labels | None, positive: Collection[str] | None) -> list[str] | None:
    """The label values that mean an anomaly, given or guessed: later rows may have other shares of them."""
    if positive is not None:
        return sorted(positive)
    return None if labels is None or labels.guessed is None else [labels.guessed]


def _champion(workspace: Workspace, name: str) -> int | None:
    """The version that is used where none is named, if there is one."""
    try:
        return workspace.store.aliases(name).get(CHAMPION)
    except UnknownNameError:
        return None


def _left_out(model: Model) -> tuple[str, ...]:
    roles = model.encoder.roles
    found = {column: why for column, why in model.encoder.left_out.items() if roles[column] not in _AS_ASKED}
    return tuple(f"column {column!r} is left out: {why}" for column, why in found.items())
