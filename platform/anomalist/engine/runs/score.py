"""Score: what a stored model says of new rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.data.roles import Role
from anomalist.engine.evaluation.evaluate import measured
from anomalist.engine.evaluation.labels import Labels
from anomalist.engine.fitting.panel import Seat
from anomalist.engine.fitting.report import MemberReport, blamed
from anomalist.engine.runs.findings import findings_of, worth_a_look
from anomalist.engine.runs.storing import commit
from anomalist.errors import DataError, DetectorError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from anomalist.data.dataset import Dataset
    from anomalist.data.table import Table
    from anomalist.detector import Floats
    from anomalist.engine.runs.result import RunResult
    from anomalist.engine.workspace import Workspace
    from anomalist.ensemble.member import Member
    from anomalist.ensemble.model import Model, Scores
    from anomalist.store.rows import ModelRow

__all__ = ["positive_of", "score", "score_members"]


def score(
    workspace: Workspace,
    table: Table,
    model: Model,
    model_row: ModelRow,
    *,
    budget: float | None = None,
    top: int = 10,
    label: str | None = None,
    positive: Collection[str] | None = None,
    origin: Mapping[str, Any] | None = None,
) -> RunResult:
    """Score a table with a stored model, explain the anomalous rows, store the run.

    A row gets the score that it would get alone, or in any other table, unless features or windows look at the rows
    around it. Unless a `budget` for this table is given, the threshold is the one stored with the model.

    Args:
        workspace: Where.
        table: The rows; the columns of the model are found by name.
        model: The model, as `Workspace.load` gives it.
        model_row: The same as the store has it.
        budget: Flag at most so many of these rows: a share below 1, else a number of rows.
        top: At least so many of the most anomalous rows are explained.
        label: A column of labels, to measure the scores; by default the label column of the table, which knows it
            where it was read with the reading of the model. Where it cannot be used, a note of the run says why.
        positive: The labels that mean an anomaly; by default those of the model, in the same label column.
        origin: How to read the table again, plain values; stored with the run.

    Raises:
        SchemaMismatchError: A column of the model is missing or of another type.
        DataError: Which labels mean an anomaly cannot be told.
        PluginError: What makes the features of the model failed.
        DetectorError: A detector failed; all are needed for scores that can be compared.
    """
    workspace.progress.stage("encoding")
    data = model.encoder.encode(table)
    column = label or table.label
    meaning = positive if positive is not None else positive_of(workspace, model, model_row, column)
    labels, doubts = _labels(table, column, meaning, asked=label is not None)
    unused = _unknown_columns(model, model_row, table)
    notes = (*table.notes, *unused, *model.encoder.surprises(table), *doubts)
    params = {
        "model": f"{model_row.name}:{model_row.version}",
        "budget": budget,
        "top": top,
        "positive": None if meaning is None else sorted(meaning),
        "origin": {**(origin or {}), "label": table.label},
    }
    with workspace.running("score", table, params=params, model=model_row) as run_id:
        scores, reports = score_members(workspace, model, data)
        if budget is not None:
            model = model.with_budget(scores.score, budget)
            scores = replace(scores, flagged=model.threshold.flags(scores.score))
        workspace.progress.stage("explaining")
        rows = worth_a_look(scores, top)
        findings = findings_of(model, table, data, scores, rows, each=workspace.executor.attempts)
        evaluation, remarks = measured(scores, labels)
        workspace.progress.stage("storing")
        result = commit(
            workspace,
            run_id,
            table=table,
            model=model,
            scores=scores,
            findings=findings,
            reports=reports,
            evaluation=evaluation,
            top=top,
            notes=(*notes, *remarks),
        )
    workspace.announce(result)
    return result


def positive_of(workspace: Workspace, model: Model, model_row: ModelRow, label: str | None) -> tuple[str, ...] | None:
    """The labels that meant an anomaly where a model was fitted, if it had this label column; None for no others."""
    if label is None or model.encoder.reading.roles.get(label) != Role.LABEL:
        return None
    found = workspace.store.run(model_row.run).params.get("positive")
    return None if found is None else tuple(found)


def _labels(
    table: Table, label: str | None, positive: Collection[str] | None, *, asked: bool
) -> tuple[Labels | None, tuple[str, ...]]:
    """What is known of new rows; a batch in which nothing is labelled an anomaly is scored all the same.

    A column that nobody asked for is no reason to fail, and says nothing where it is empty.
    """
    if label is None:
        return None, ()
    kinds = table.frame.get_column(label).drop_nulls().n_unique()
    if not kinds and not asked:
        return None, ()
    try:
        found = Labels.of(table, positive, column=label)
        return found, found.notes
    except DataError as error:
        if kinds > 1 and positive is None and asked:
            raise
        return None, (f"quality is not measured: {error}",)


def score_members(workspace: Workspace, model: Model, data: Dataset) -> tuple[Scores, tuple[MemberReport, ...]]:
    """Score encoded rows with every member, each timed.

    Raises:
        DetectorError: A detector failed; all are needed for scores that can be compared.
    """
    seats = {member.name: _seat(workspace, member) for member in model.members}
    workspace.progress.members(list(seats))
    surprise: Callable[[Member], Floats] = lambda member: member.surprise(data, model.windower)  # noqa: E731 - typed here
    found, reports = {}, {}
    for outcome in workspace.executor.outcomes(surprise, model.members):
        name = outcome.item.name
        if outcome.result is None:
            raise DetectorError(f"{name}: {blamed(seats[name], outcome.error)}") from outcome.error
        found[name] = outcome.result
        reports[name] = MemberReport(seat=seats[name], status="done", seconds=outcome.seconds)
        workspace.progress.member(reports[name])
    surprises = np.stack([found[name] for name in model.names], axis=1)
    return model.scores_from(data, surprises), tuple(reports[name] for name in model.names)


def _seat(workspace: Workspace, member: Member) -> Seat:
    return Seat(
        name=member.name,
        detector_name=member.detector_name,
        package=workspace.registry.package(member.reference),
        params=member.params,
        view=member.view,
        kin=member.kin,
        detector=member.detector,
    )


def _unknown_columns(model: Model, model_row: ModelRow, table: Table) -> tuple[str, ...]:
    extra = model.encoder.extra_columns(table)
    if not extra:
        return ()
    return (f"not used, since {model_row.name}:{model_row.version} was fitted without: {', '.join(extra)}",)
