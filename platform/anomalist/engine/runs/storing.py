"""Storing: what a run found, as the rows that the store keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anomalist.engine.runs.result import RunResult
from anomalist.store import rows as stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.data.table import Table
    from anomalist.engine.fitting.report import MemberReport
    from anomalist.engine.runs.result import Finding
    from anomalist.engine.workspace import Workspace
    from anomalist.ensemble.model import Model, Scores

__all__ = ["commit"]


def commit(
    workspace: Workspace,
    run_id: str,
    *,
    table: Table,
    model: Model,
    scores: Scores,
    findings: tuple[Finding, ...],
    reports: tuple[MemberReport, ...],
    evaluation: dict[str, Any] | None,
    top: int,
    notes: Sequence[str],
    made: stored.NewModel | None = None,
    results: Mapping[str, Any] | None = None,
) -> RunResult:
    """Store everything that a run found, in one transaction.

    `made` is the model that it made, if it made one; `results` are plain values worth keeping beside the evaluation.
    """
    threshold = model.threshold
    lost = any(report.status in ("failed", "timed_out") for report in reports)
    row = workspace.store.commit_run(
        run_id,
        status="partial" if lost else "done",
        members=[_member_row(report) for report in reports],
        threshold=stored.ThresholdRow(
            policy=threshold.policy, settings={"parameter": threshold.parameter}, value=threshold.value
        ),
        scores=stored.Scores(
            keys=table.keys,
            score=scores.score,
            level=scores.level,
            flagged=scores.flagged,
            probability=scores.probability,
        ),
        surprises=scores.surprises,
        records=(_record_row(finding) for finding in findings),
        results=({} if evaluation is None else {"evaluation": evaluation}) | dict(results or {}) or None,
        notes=notes,
        model=made,
    )
    return RunResult(
        row=row,
        model=model,
        table=table,
        scores=scores,
        findings=findings,
        reports=reports,
        top=top,
        evaluation=evaluation,
    )


def _member_row(report: MemberReport) -> stored.MemberRow:
    return stored.MemberRow(
        name=report.seat.name,
        detector=report.seat.detector_name,
        package=report.seat.package,
        params=report.seat.params,
        status=report.status,
        seconds=report.seconds,
        error=report.error,
        notes=report.notes,
    )


def _record_row(finding: Finding) -> stored.RecordRow:
    return stored.RecordRow(
        row=finding.row,
        key=finding.key,
        values=finding.values,
        reasons=tuple(reason.to_dict() for reason in finding.reasons),
        members=finding.members,
        moved=finding.moved,
    )
