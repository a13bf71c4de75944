"""`anomalist tune`: a search for better parameters of a detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.output import emit, json_option
from anomalist.cli.source_options import source_from, source_options

if TYPE_CHECKING:
    from anomalist.cli.app import App

__all__ = ["tune"]


@click.command()
@click.argument("data")
@source_options
@click.option("--unsupervised", is_flag=True, help="Judge trials without labels; with --label they judge the result.")
@click.option(
    "--detector",
    "detectors",
    metavar="NAME[:k=v,...]",
    multiple=True,
    help="Detector to tune, and what of it stays as it is; by default autoencoder. Repeatable.",
)
@click.option(
    "--space", metavar="AXES", help="What to search, such as 'neighbours=5..100:log,metric=euclidean|manhattan'."
)
@click.option(
    "--metric",
    type=click.Choice(["average_precision", "roc_auc"]),
    default="average_precision",
    show_default=True,
    help="What labels judge by.",
)
@click.option(
    "--trials",
    type=int,
    default=30,
    show_default=True,
    metavar="N",
    help="Trials for each detector, those of earlier calls included.",
)
@click.option("--seconds", type=float, metavar="S", help="Time for all trials; the defaults are tried in any case.")
@click.option(
    "--rows", type=int, default=50_000, show_default=True, metavar="N", help="Search on at most so many rows."
)
@click.option("--fresh", is_flag=True, help="Begin anew, where an earlier call that asked the same left trials.")
@click.option("--features", metavar="NAME[:k=v,...]", multiple=True, help="Columns to make of the rows. Repeatable.")
@click.option("--panel", metavar="NAME", help="Whose consensus judges where no labels do.")
@click.option("--seed", type=int, metavar="N", help="Where all randomness starts.")
@click.option("--device", metavar="NAME", help="Where deep detectors train: auto, cpu, cuda, mps.")
@click.option("--timeout", type=float, metavar="S", help="Seconds that one fit may take.")
@json_option
@click.pass_obj
def tune(app: App, /, data: str, as_json: bool, **options: Any) -> None:
    """Search for better parameters of a detector on DATA, and say what that brought.

    Trials are judged by --label, or with --unsupervised by a criterion that says little. The same command goes on where
    an earlier one was interrupted. Needs Optuna: pip install 'anomalist[tune]'.
    """
    from anomalist.cli.progress import progress_bar
    from anomalist.cli.tuning_view import print_tuned
    from anomalist.engine.tuning.request import TuneOptions

    settings = app.settings(**{name: options[name] for name in ("panel", "seed", "device", "timeout")})
    kept = ("space", "unsupervised", "metric", "trials", "rows", "seconds", "fresh", "features")
    request = TuneOptions.of(
        settings,
        detectors=options["detectors"] or TuneOptions().detectors,
        **{name: options[name] for name in kept},
    )
    from anomalist.engine.tuning.tune import tune as search  # takes a second: a mistyped option need not wait for it
    from anomalist.engine.workspace import Workspace

    source, positive = source_from(data, options)
    with progress_bar(app) as progress, Workspace.open(settings, app.registry(), progress=progress) as workspace:
        table = source.read(workspace.registry)
        try:
            found = search(workspace, table, request, positive=positive, origin=source.to_dict())
        except KeyboardInterrupt:
            app.notice("trials that came to their end are kept; the same command, without --fresh, goes on from them")
            raise
    for one in found.detectors:
        if one.resumed:
            again = f", and tries {one.again} again that failed with less time or memory" if one.again else ""
            app.notice(f"{one.name}: goes on from {one.resumed} trials of earlier calls{again}; --fresh begins anew")
    for note in found.run.notes:
        app.notice(note)
    plain = found.to_dict()
    emit(as_json, plain, lambda: print_tuned(plain, data=data, params=found.run.params))
