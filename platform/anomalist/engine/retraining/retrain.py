"""Retrain: a challenger that has learned from every verdict, compared with the champion, promoted if it is better."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from anomalist.engine.evaluation.evaluate import measured
from anomalist.engine.execution.executor import one_thread_each
from anomalist.engine.feedback.lessons import settled
from anomalist.engine.fitting.fit import Earlier
from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.models import files as model_files
from anomalist.engine.models.stackers import recipe_from_text
from anomalist.engine.retraining.contest import contest
from anomalist.engine.retraining.rejoin import rejoin
from anomalist.engine.retraining.teach import taught
from anomalist.engine.runs.findings import findings_of, worth_a_look
from anomalist.engine.runs.sources import read_again
from anomalist.engine.runs.storing import commit
from anomalist.errors import AnomalistError, UsageError, one_line
from anomalist.store.models import CHALLENGER, CHAMPION
from anomalist.store.rows import NewModel

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from anomalist.data.table import Table
    from anomalist.engine.evaluation.labels import Labels
    from anomalist.engine.feedback.verdicts import Judged
    from anomalist.engine.fitting.request import RetrainOptions
    from anomalist.engine.retraining.compare import Comparison
    from anomalist.engine.retraining.rejoin import Panel
    from anomalist.engine.retraining.teach import Taught
    from anomalist.engine.runs.result import RunResult
    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import ModelRow

__all__ = ["Outcome", "Retrained", "retrain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a challenger.

    Attributes:
        promoted: Whether it is the champion now.
        champion: The version that it was compared with, such as `payments:1`.
        reason: Why, in one line.
        verdicts: From how many judged rows it learned.
        anomalies: How many of them are anomalies.
        comparison: What was measured; None where the two could not be compared.
    """

    promoted: bool
    champion: str
    reason: str
    verdicts: int
    anomalies: int
    comparison: Comparison | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "promoted": self.promoted,
            "champion": self.champion,
            "reason": self.reason,
            "verdicts": self.verdicts,
            "anomalies": self.anomalies,
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrained:
    """A retraining that has ended and is stored: its run, and what became of the challenger."""

    result: RunResult
    outcome: Outcome

    def to_dict(self) -> dict[str, Any]:
        """Plain values: what `--json` prints."""
        return {**self.result.to_dict(), "retrain": self.outcome.to_dict()}


def retrain(
    workspace: Workspace,
    reference: str,
    options: RetrainOptions,
    *,
    table: Table | None = None,
    origin: Mapping[str, Any] | None = None,
    positive: Collection[str] | None = None,
) -> Retrained:
    """Make the next version of a model from all verdicts, compare it with the champion, and store what came of it.

    The better one is the champion from then on, by the rule of `anomalist.engine.retraining.compare`, unless the
    options say otherwise; the other stays, as the challenger or as an earlier version.

    Args:
        workspace: Where.
        reference: The model to start from: `NAME` is its champion.
        options: How.
        table: The rows to score and, where members are fitted, to fit on; by default those of the model, read again.
        origin: How to read `table` again, plain values.
        positive: The label values that mean an anomaly; by default those of the model, in the same label column.

    Raises:
        UsageError: There is nothing to learn, or the request cannot be met; nothing is stored.
        DataError: The rows cannot be used.
        RunError: No detector could be fitted.
    """
    recipe = recipe_from_text(workspace.registry, options.stacker)
    base, row = workspace.load(reference)
    champion, champion_row = (base, row) if CHAMPION in row.aliases else workspace.load(row.name)
    made = workspace.store.run(row.run)
    position = workspace.store.feedback_position()
    judged = settled(workspace, row.name, up_to=position)
    if options.members == "reuse" and all(one.label is None for one in judged):
        raise UsageError(
            f"there is nothing to learn: no verdict on the rows of {row.name} is an anomaly or not; give some with "
            f"`anomalist review {made.id}`, or fit the members anew with --members refit"
        )
    if table is None:
        table, origin = read_again(made, workspace.registry), made.params.get("origin")
    if positive is None and table.label == made.params.get("origin", {}).get("label"):
        positive = made.params.get("positive")
    run_options = options.on(RunOptions.from_dict(made.params["options"]))
    seed = made.seed if options.seed is None else options.seed
    params = {
        "name": row.name,
        "model": _name(row),
        "options": run_options.to_dict(),
        "retrain": options.to_dict(),
        "positive": None if positive is None else sorted(positive),
        "origin": dict(origin or {}),
    }
    earlier = Earlier(model=base, reference=_name(row))
    panel_of = rejoin(workspace, earlier, table, run_options, members=options.members, positive=positive)
    with workspace.running("retrain", table, params=params, seed=seed) as run_id:
        panel = panel_of()
        workspace.progress.stage("learning")
        with one_thread_each():  # many small matrices: more threads would only wait for each other
            challenger = taught(panel, judged, recipe, run_options.threshold, seed=seed, position=position)
        if options.members == "reuse" and not challenger.verdicts:
            raise UsageError(f"there is nothing to learn: {'; '.join(challenger.notes)}")
        comparison, reason = None, "there is no verdict to compare them by"
        if challenger.verdicts:
            workspace.progress.stage("comparing")
            try:
                with one_thread_each():
                    comparison = contest(workspace, row.name, champion, challenger.model, panel, judged)
                reason = comparison.reason
            except AnomalistError as error:
                reason = f"the new version cannot be compared with {_name(champion_row)}: {one_line(error)}"
        better = comparison is not None and comparison.promote
        serving = workspace.store.aliases(row.name).get(CHAMPION)
        if serving != champion_row.version:
            better, reason = False, f"{row.name}:{serving} has become the champion meanwhile; {reason}"
        outcome = Outcome(
            promoted=better if options.promote is None else options.promote,
            champion=_name(champion_row),
            reason=reason if options.promote is None else f"as was asked; by the comparison, {reason}",
            verdicts=challenger.verdicts,
            anomalies=challenger.anomalies,
            comparison=comparison,
        )
        result = _stored(workspace, run_id, row.name, panel, challenger, judged, outcome, options)
    workspace.announce(result)
    return Retrained(result=result, outcome=outcome)


def _stored(
    workspace: Workspace,
    run_id: str,
    name: str,
    panel: Panel,
    challenger: Taught,
    judged: Sequence[Judged],
    outcome: Outcome,
    options: RetrainOptions,
) -> RunResult:
    """Explain and store a challenger and its run."""
    model, scores = challenger.model, challenger.scores
    workspace.progress.stage("explaining")
    rows = worth_a_look(scores, options.top)
    findings = findings_of(model, panel.table, panel.data, scores, rows, each=workspace.executor.attempts)
    evaluation, remarks = measured(scores, _not_taught(panel, judged))
    workspace.progress.stage("storing")
    made = NewModel(
        name=name,
        hash=model_files.save(model, workspace.models, workspace.registry),
        details={**model_files.describe(model, workspace.registry), "considered": challenger.considered},
        aliases=(CHAMPION,) if outcome.promoted else (CHALLENGER,),
        how="better" if options.promote is None else "asked",
    )
    return commit(
        workspace,
        run_id,
        table=panel.table,
        model=model,
        scores=scores,
        findings=findings,
        reports=panel.reports,
        evaluation=evaluation,
        results={"retrain": outcome.to_dict()},
        top=options.top,
        notes=(
            *panel.table.notes,
            *(panel.labels.notes if panel.labels is not None else ()),
            *panel.notes,
            *challenger.notes,
            *remarks,
            *model_files.pickle_notes(model, workspace.registry),
        ),
        made=made,
    )


def _not_taught(panel: Panel, judged: Sequence[Judged]) -> Labels | None:
    """The labels of the rows that nobody judged: by the others a version would be measured on what it was taught."""
    if panel.labels is None:
        return None
    fingerprint = panel.table.fingerprint
    taught = [one.key for one in judged if one.label is not None and one.fingerprint == fingerprint]
    rows = panel.labels.rows
    left = ~panel.table.keys.gather(rows).is_in(taught).to_numpy()
    return replace(panel.labels, rows=rows[left], values=panel.labels.values[left]) if left.any() else None


def _name(row: ModelRow) -> str:
    return f"{row.name}:{row.version}"
