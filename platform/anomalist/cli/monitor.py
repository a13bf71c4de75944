"""`anomalist monitor`: are rows still what a model was fitted on?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.output import cell, emit, json_option, print_table
from anomalist.cli.source_options import source_from, source_options
from anomalist.data.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.cli.app import App

__all__ = ["DRIFT_FOUND", "monitor", "print_drift"]

DRIFT_FOUND = 10


@click.command()
@click.argument("model", metavar="NAME[@ALIAS|:VERSION]")
@click.argument("data")
@source_options
@click.option("--threads", type=int, metavar="N", help="Detectors scoring at once; by default one a core.")
@click.option("--timeout", type=float, metavar="S", help="Seconds that one detector may take.")
@click.option("--fail-on-drift", is_flag=True, help="Exit with 10 where drift is found.")
@json_option
@click.pass_obj
def monitor(app: App, /, model: str, data: str, as_json: bool, fail_on_drift: bool, **options: Any) -> int:
    """Say whether the rows of DATA are still like those that a model was fitted on.

    Compares each column (distribution, new levels, missing values), the scores and the share of flagged rows with the
    training rows. A change counts where it is large (PSI or KS from 0.1 on, of scores KS from 0.2 on, of shares Cohen's
    h from 0.2 on) and hardly by chance (p below 0.01, corrected for the number of tests). Verdicts on rows that the
    model flagged tell how precise it is.
    """
    from anomalist.cli.progress import progress_bar
    from anomalist.engine.monitoring.monitor import monitor as look
    from anomalist.engine.workspace import Workspace

    source, _ = source_from(data, options)
    settings = app.settings(threads=options["threads"], timeout=options["timeout"])
    with progress_bar(app) as progress, Workspace.open(settings, app.registry(), progress=progress) as workspace:
        fitted, row = workspace.load(model)
        source = replace(source, like=fitted.encoder.reading)
        table = source.read(workspace.registry)
        found = look(workspace, table, fitted, row, origin=source.to_dict())
    for note in found.run.notes:
        app.notice(note)
    drift = found.drift.to_dict()
    advice = f"retrain with `anomalist retrain {row.name} --data {data}`" if found.drift.found else ""

    def human() -> None:
        click.echo(f"run {found.run.id}: model {row.name}:{row.version}")
        print_drift(drift, advice=advice)

    emit(as_json, {"run": found.run.id, "model": {"name": row.name, "version": row.version}, **drift}, human)
    return DRIFT_FOUND if fail_on_drift and found.drift.found else 0


def print_drift(drift: Mapping[str, Any], *, advice: str = "") -> None:
    """Print what a monitoring found: each column, the scores, the precision, and last the verdict."""
    click.echo(f"{counted(drift['rows'], 'row')}, compared with {drift['rows_before']:,} in training")
    click.echo()
    columns = ["column", "PSI", "KS", "p", "missing", "new levels", "what changed most", "moved"]
    print_table(columns, [_line(column) for column in drift["columns"]])
    click.echo()
    scores = drift["scores"]
    measured = f"PSI {_number(scores['psi'])}, KS {_number(scores['ks'])}, {scores['changed']} bits"
    if not scores["judged"]:
        measured += "; not judged: for its number of columns the model was fitted on too few rows"
    click.echo(f"scores: {measured}")
    click.echo(f"flagged: {_share(scores['flagged_now'])} of the rows, {_share(scores['flagged_before'])} in training")
    if drift["precision"] is not None:
        _print_precision(drift["precision"])
    click.echo()
    click.echo("; ".join([drift["verdict"], *([advice] if advice else [])]))


def _line(column: Mapping[str, Any]) -> list[str]:
    before, now = column["missing_before"], column["missing_now"]
    return [
        column["column"],
        _number(column["psi"]),
        _number(column["ks"]),
        "not judged" if column["p"] is None else f"{column['p']:.2g}",
        f"{_share(before)} -> {_share(now)}" if before or now else "-",
        f"{_share(column['new_share'])}: {cell(column['new_levels'])}" if column["new_levels"] else "-",
        cell(column["changed"]),
        "; ".join(column["why"]) if column["moved"] else "-",
    ]


def _print_precision(precision: Mapping[str, Any]) -> None:
    found = precision["all"]
    said = f"precision: {found['hits']:,} of {counted(found['rows'], 'decided row')} among the flagged are anomalies"
    click.echo(f"{said}, {_interval(found)}")
    if precision["random"] is not None:
        number = counted(precision["random"]["rows"], "row")
        click.echo(f"precision of all flagged rows, by {number} drawn at random: {_interval(precision['random'])}")


def _interval(share: Mapping[str, Any]) -> str:
    return f"{share['share']:.0%} (95% interval {share['low']:.0%} to {share['high']:.0%})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _share(value: float) -> str:
    return f"{value:.1%}"
