"""Rejoin: the members of the next version of a model, kept, fitted anew or fitted on from where they were."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from anomalist.engine.evaluation.labels import Labels
from anomalist.engine.fitting.fit import Earlier, fit, training_rows
from anomalist.engine.fitting.plan import check_enough, check_threshold, make_plan
from anomalist.engine.runs.score import score_members

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from anomalist.data.dataset import Dataset
    from anomalist.data.table import Table
    from anomalist.detector import Floats, Ints
    from anomalist.engine.fitting.plan import Plan
    from anomalist.engine.fitting.report import MemberReport
    from anomalist.engine.fitting.request import Members, RunOptions
    from anomalist.engine.workspace import Workspace
    from anomalist.ensemble.model import Model
    from anomalist.ensemble.stack import Evidence

__all__ = ["Panel", "rejoin"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """A model that has learned nothing from verdicts yet, and what its members say of a table.

    Attributes:
        model: The model; its score is the consensus.
        table: The rows.
        data: The same, encoded.
        surprises: What the members say of them, bits, shape (rows, members).
        training: The rows that count as trained on; the others were held out to find the threshold.
        labels: What the table itself says of its rows; None where it has no label column.
        reports: How each member fared.
        notes: What is to be said of the rows.
    """

    model: Model
    table: Table
    data: Dataset
    surprises: Floats
    training: Ints | slice
    labels: Labels | None
    reports: tuple[MemberReport, ...]
    notes: tuple[str, ...] = ()

    @property
    def evidence(self) -> Evidence:
        """What a stacker sees of all rows of the table."""
        return self.model.evidence(self.data, self.surprises)


def rejoin(
    workspace: Workspace,
    earlier: Earlier,
    table: Table,
    options: RunOptions,
    *,
    members: Members,
    positive: Collection[str] | None = None,
) -> Callable[[], Panel]:
    """Plan to get the members of an earlier model together again; what is returned does it.

    What cannot be done is refused here, before a run begins.

    Args:
        workspace: Where.
        earlier: The model.
        table: The rows to score, and to fit on where anything is fitted.
        options: How the earlier model was fitted, but for what is to change.
        members: Keep them as they are, fit them anew, or fit them on from what they have learned.
        positive: The label values that mean an anomaly.

    Returns:
        A function that gives the panel; it raises RunError where no detector could be fitted.

    Raises:
        UsageError: The threshold lacks what it needs.
        DataError: The rows cannot be used.
    """
    workspace.progress.stage("encoding")
    if members != "reuse":
        start = earlier if members == "warm-start" else None
        before = None if start is None else start.model.encoder
        plan = make_plan(
            table, options, workspace.registry, positive=positive, earlier=before, executor=workspace.executor
        )
        return partial(_fitted, workspace, plan, start)
    check_enough(table)
    labels = Labels.of(table, positive) if table.label is not None else None
    check_threshold(options.threshold, labels, len(table))
    data = earlier.model.encoder.encode(table)
    return partial(_kept, workspace, earlier.model, table, data, labels, options)


def _fitted(workspace: Workspace, plan: Plan, start: Earlier | None) -> Panel:
    fitted = fit(plan, executor=workspace.executor, progress=workspace.progress, earlier=start)
    return Panel(
        model=fitted.model,
        table=plan.table,
        data=plan.data,
        surprises=fitted.scores.surprises,
        training=training_rows(plan.data, plan.threshold, plan.seed),
        labels=plan.labels,
        reports=fitted.reports,
        notes=fitted.notes,
    )


def _kept(
    workspace: Workspace, model: Model, table: Table, data: Dataset, labels: Labels | None, options: RunOptions
) -> Panel:
    scores, reports = score_members(workspace, model, data)
    return Panel(
        model=replace(model, stack=None),
        table=table,
        data=data,
        surprises=scores.surprises,
        training=training_rows(data, options.threshold, options.seed),
        labels=labels,
        reports=reports,
        notes=model.encoder.surprises(table),
    )
