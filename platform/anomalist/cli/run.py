"""`anomalist run`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.output import emit, json_option
from anomalist.cli.source_options import source_from, source_options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anomalist.cli.app import App
    from anomalist.config import Settings
    from anomalist.engine.fitting.request import ThresholdRequest
    from anomalist.engine.runs.result import RunResult

__all__ = ["ANOMALIES_FOUND", "finish", "out_option", "run"]

ANOMALIES_FOUND = 10

out_option = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write all scores (.csv, .parquet, .jsonl).",
)
fail_option = click.option("--fail-on-anomaly", is_flag=True, help="Exit with 10 where a row is flagged.")
top_option = click.option(
    "--top", type=click.IntRange(min=1), default=10, show_default=True, metavar="N", help="Rows to explain and show."
)


@click.command()
@click.argument("data")
@source_options
@click.option("--detector", "detectors", metavar="NAME[:k=v,...]", multiple=True, help="Detector to fit. Repeatable.")
@click.option("--features", metavar="NAME[:k=v,...]", multiple=True, help="Columns to make of the rows. Repeatable.")
@click.option("--panel", metavar="NAME", help="Detectors to fit: default, fast, deep or full.")
@click.option("--combiner", metavar="NAME[:k=v,...]", help="How the detectors' surprises become one score.")
@click.option("--name", metavar="MODEL", help="Name of the model; by default after the file.")
@click.option("--budget", metavar="1%|50", help="Flag at most this share or number of rows.")
@click.option("--fpr", type=float, metavar="P", help="Flag normal rows with at most this probability.")
@click.option("--f-beta", type=float, metavar="BETA", help="Flag from the score with the best F-beta on the labels.")
@click.option("--scores-only", is_flag=True, help="Flag nothing.")
@click.option("--seed", type=int, metavar="N", help="Where all randomness starts.")
@click.option("--device", metavar="NAME", help="Where deep detectors train: auto, cpu, cuda, mps.")
@click.option("--clean", is_flag=True, help="All rows are known to be normal: learn from every one of them.")
@click.option("--threads", type=int, metavar="N", help="Detectors fitted at once; by default one a core.")
@click.option("--timeout", type=float, metavar="S", help="Seconds that one detector may take.")
@top_option
@out_option
@fail_option
@json_option
@click.pass_obj
def run(app: App, /, data: str, as_json: bool, out: Path | None, fail_on_anomaly: bool, **options: Any) -> int:
    """Fit a panel of detectors on DATA, flag the anomalous rows, explain them, store the run.

    DATA is a CSV, Parquet or JSON Lines file, compressed or not, or a database URL with --query.
    """
    from anomalist.cli.progress import progress_bar
    from anomalist.engine.fitting.request import RunOptions
    from anomalist.engine.runs.export import check_out
    from anomalist.engine.runs.run import run as run_panel
    from anomalist.engine.workspace import Workspace

    check_out(out)
    source, positive = source_from(data, options)
    names = ("panel", "combiner", "budget", "seed", "device", "threads", "timeout")
    settings = app.settings(**{name: options[name] for name in names})
    request = RunOptions(
        panel=settings.panel,
        detectors=options["detectors"],
        features=options["features"],
        combiner=settings.combiner,
        threshold=_threshold(options, settings),
        seed=settings.seed,
        device=settings.device,
        clean=options["clean"],
        top=options["top"],
    )
    with progress_bar(app) as progress, Workspace.open(settings, app.registry(), progress=progress) as workspace:
        table = source.read(workspace.registry)
        result = run_panel(workspace, table, request, name=options["name"], positive=positive, origin=source.to_dict())
    return finish(app, result, as_json=as_json, out=out, fail_on_anomaly=fail_on_anomaly)


def _threshold(options: dict[str, Any], settings: Settings) -> ThresholdRequest:
    """The one threshold that was asked for."""
    from anomalist.engine.fitting.request import ThresholdRequest
    from anomalist.errors import UsageError

    asked = [name for name in ("budget", "fpr", "f_beta", "scores_only") if options[name] not in (None, False)]
    if len(asked) > 1:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in asked)
        raise UsageError(f"{flags} exclude each other; give one")
    if options["fpr"] is not None:
        return ThresholdRequest(policy="fpr", parameter=options["fpr"])
    if options["f_beta"] is not None:
        return ThresholdRequest(policy="labels", parameter=options["f_beta"])
    if options["scores_only"]:
        return ThresholdRequest(policy="none", parameter=0.0)
    return ThresholdRequest(policy="budget", parameter=settings.budget)


def finish(
    app: App,
    result: RunResult,
    *,
    as_json: bool,
    out: Path | None,
    fail_on_anomaly: bool,
    more: Mapping[str, Any] | None = None,
    after: Callable[[], None] = lambda: None,
) -> int:
    """Say what a run found, write its scores where asked to, and give the exit code.

    `more` is added to what `--json` prints, and `after` prints the same for people.
    """
    from anomalist.cli.findings import print_result
    from anomalist.engine.runs.export import write_scores

    for note in result.row.notes:
        app.notice(note)
    if out is not None:
        write_scores(result, out)
        app.notice(f"all scores are in {out}")

    def human() -> None:
        print_result(result)
        after()

    emit(as_json, {**result.to_dict(), **(more or {})}, human)
    return ANOMALIES_FOUND if fail_on_anomaly and result.scores.flagged.any() else 0
