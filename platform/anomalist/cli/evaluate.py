"""`anomalist evaluate`: how well a run tells the known anomalies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.output import emit, json_option
from anomalist.cli.source_options import source_from, source_options

if TYPE_CHECKING:
    from anomalist.cli.app import App

__all__ = ["evaluate"]


@click.command()
@click.argument("run_or_data", metavar="RUN|DATA")
@source_options
@click.option("--model", metavar="NAME[@ALIAS|:VERSION]", help="Score DATA with this model first.")
@click.option("--data", metavar="FILE", help="The rows of RUN, where they are not where they were.")
@json_option
@click.pass_obj
def evaluate(app: App, /, run_or_data: str, model: str | None, data: str | None, as_json: bool, **options: Any) -> None:
    """Measure a run against known labels: ROC AUC, average precision, precision, recall, F1, precision at k.

    Give a RUN (an id or 'latest'), whose rows are read again; or DATA: with --model its rows are scored now, else the
    newest run that scored exactly these rows is measured. --label names the column of the labels; of a RUN that was
    given one, and of a model that was fitted with one, that is the default.
    """
    from anomalist.cli.findings import print_evaluation
    from anomalist.engine.evaluation.evaluate import evaluate_scores
    from anomalist.engine.evaluation.labels import Labels
    from anomalist.engine.runs.score import positive_of, score
    from anomalist.engine.runs.sources import read_again
    from anomalist.engine.runs.stored import newest_run_of, stored_scores
    from anomalist.engine.workspace import Workspace
    from anomalist.errors import UsageError

    is_data = "://" in run_or_data or Path(run_or_data).suffix != "" or Path(run_or_data).exists()
    if is_data and data is not None:
        raise UsageError("--data says where the rows of a RUN are; give a run, or leave it out")
    if not is_data and model is not None:
        raise UsageError("--model scores DATA; a RUN has its scores already")
    label = options["label"]
    if is_data and model is None and not label:
        raise UsageError("evaluate needs the column of the labels; name it with --label")
    source, positive = source_from(run_or_data if is_data else None, options)
    with Workspace.open(app.settings(), app.registry()) as workspace:
        if not is_data:
            run = workspace.store.scored_run(run_or_data)
            given = run.params.get("origin", {}).get("label")
            label = label or given
            if not label:
                raise UsageError(f"run {run.id} was given no column of labels; name it with --label")
            if positive is None and label == given:
                positive = run.params.get("positive")
            labels = Labels.of(read_again(run, workspace.registry, data=data, label=label), positive, column=label)
        else:
            fitted = workspace.load(model) if model is not None else None
            if fitted:
                source = replace(source, like=fitted[0].encoder.reading)
            table = source.read(workspace.registry)
            if fitted and positive is None:
                positive = positive_of(workspace, *fitted, table.label)
            labels = Labels.of(table, positive)
            labels.check_both_kinds()
            if fitted:
                run = score(workspace, table, *fitted, label=label, positive=positive, origin=source.to_dict()).row
            else:
                run = newest_run_of(workspace, table)
        found = evaluate_scores(stored_scores(workspace, run), labels)
    if not is_data and given != label:
        app.notice(
            f"column {label!r} was not set aside as the label when run {run.id} was made; it may have been a feature"
        )

    def human() -> None:
        click.echo(f"run {run.id}")
        print_evaluation(found)

    emit(as_json, {"run": run.id, **found["ensemble"], "evaluation": found}, human)
