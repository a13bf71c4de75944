"""`anomalist demo`: the whole path on a real data set, in a minute."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anomalist.cli.output import emit, json_option

if TYPE_CHECKING:
    from anomalist.cli.app import App

__all__ = ["demo"]


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("anomalist-demo"),
    show_default=True,
    help="Where to write the data, the store and the models.",
)
@click.option("--budget", metavar="1%|50", default="5%", show_default=True, help="Flag at most so many of the rows.")
@click.option("--seed", type=int, metavar="N", help="Where all randomness starts.")
@json_option
@click.pass_obj
def demo(app: App, folder: Path, budget: str, seed: int | None, as_json: bool) -> None:
    """Find tumours among healthy cell samples: real data, all detectors, measured against the known truth.

    The data are the Wisconsin diagnostic breast cancer samples that scikit-learn ships: all benign ones, and 20 of the
    malignant ones, so that these are rare. The run does not see which is which.
    """
    from anomalist.cli.findings import print_result
    from anomalist.cli.progress import progress_bar
    from anomalist.engine.fitting.request import RunOptions, ThresholdRequest
    from anomalist.engine.runs.demo import write_demo_data
    from anomalist.engine.runs.run import run
    from anomalist.engine.runs.sources import Source
    from anomalist.engine.workspace import Workspace

    data = write_demo_data(folder / "cells.csv")
    settings = app.settings(
        store=app.store_url or f"sqlite:///{(folder / 'anomalist.db').absolute()}",
        data_home=str(folder.absolute()),
        budget=budget,
        seed=seed,
    )
    source = Source(location=str(data), key="sample", label="diagnosis")
    with progress_bar(app) as progress, Workspace.open(settings, app.registry(), progress=progress) as workspace:
        options = RunOptions(
            panel=settings.panel,
            combiner=settings.combiner,
            threshold=ThresholdRequest(policy="budget", parameter=settings.budget),
            seed=settings.seed,
            device=settings.device,
        )
        result = run(
            workspace,
            source.read(workspace.registry),
            options,
            name="cells",
            positive={"malignant"},
            origin=source.to_dict(),
        )
    for note in result.row.notes:
        app.notice(note)

    def human() -> None:
        click.echo(f"{len(result.table):,} rows are in {data}; anomalist did not look at the column 'diagnosis'.")
        click.echo(f"The same by hand: anomalist run {data} --key sample --label diagnosis --budget {budget}")
        click.echo()
        print_result(result)
        click.echo(f"these need:     export ANOMALIST_DATA_HOME={shlex.quote(str(settings.data_home))}")

    emit(as_json, result.to_dict(), human)
