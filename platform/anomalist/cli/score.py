"""`anomalist score`: new rows, a stored model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.output import json_option
from anomalist.cli.run import fail_option, finish, out_option, top_option
from anomalist.cli.source_options import source_from, source_options

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.cli.app import App

__all__ = ["score"]


@click.command()
@click.argument("data")
@click.option("--model", required=True, metavar="NAME[@ALIAS|:VERSION]", help="Model to score with.")
@source_options
@click.option("--budget", metavar="1%|50", help="Flag at most this share or number of these rows.")
@click.option("--threads", type=int, metavar="N", help="Detectors scoring at once; by default one a core.")
@click.option("--timeout", type=float, metavar="S", help="Seconds that one detector may take.")
@top_option
@out_option
@fail_option
@json_option
@click.pass_obj
def score(
    app: App, /, data: str, model: str, as_json: bool, out: Path | None, fail_on_anomaly: bool, **options: Any
) -> int:
    """Score the rows of DATA with a stored model.

    A row gets the same score alone as among a million. Columns are found by name and keep the roles that they had when
    the model was fitted: where its label column is there, the scores are measured by it. Rows are flagged from the
    model's own threshold on, unless --budget is given.
    """
    from anomalist.cli.progress import progress_bar
    from anomalist.engine.runs.export import check_out
    from anomalist.engine.runs.score import score as score_rows
    from anomalist.engine.workspace import Workspace

    check_out(out)
    source, positive = source_from(data, options)
    settings = app.settings(threads=options["threads"], timeout=options["timeout"], budget=options["budget"])
    with progress_bar(app) as progress, Workspace.open(settings, app.registry(), progress=progress) as workspace:
        fitted, model_row = workspace.load(model)
        source = replace(source, like=fitted.encoder.reading)
        table = source.read(workspace.registry)
        result = score_rows(
            workspace,
            table,
            fitted,
            model_row,
            budget=settings.budget if options["budget"] is not None else None,
            top=options["top"],
            label=source.label,
            positive=positive,
            origin=source.to_dict(),
        )
    return finish(app, result, as_json=as_json, out=out, fail_on_anomaly=fail_on_anomaly)
