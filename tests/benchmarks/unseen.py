"""The default panel on tables that none of its defaults was chosen on, beside PyOD's detectors and its own members.

    python -m tests.benchmarks.unseen [--data DIR] [--way all|normals]... [--seeds 1] [--rows 5000] [--only NAME]...
                                      [--peers/--no-peers] [--json FILE] [--markdown] [--check]

Tables that scikit-learn ships: digits, iris and breast cancer, each class in turn as the anomaly, drawn down to a share
of 5%; and rows of such tables with anomalies that are made, 5%, of four kinds: local, global, clustered, and of
dependency. Its wine is left out: ADBench, which defaults were chosen on, has rows of it. With --data also
`embeddings/*.npz` (`X` and `y`) and the labelled ones of `raw/*.csv.gz`, tables of mixed columns that `raw/README.json`
describes. Of tables with more than --rows rows, a random sample is used by all sides.

Two ways to train: on all rows, anomalies among them, which are then judged; and on a random half of the normal rows,
where the panel is told so, as `--clean` does, and the other rows are judged. The panel gets the columns as a file holds
them, behind its encoder. Peers have PyOD's defaults, SUOD those detectors that it has by itself, and get standardised
numbers, missing ones the median, and a column for each level of a category.

It prints mean ROC AUC and average precision, the number of tables on which the panel is ahead or behind by more than
0.005, and the mean average precision for each kind of table. A peer that raises or takes longer than --peer-seconds is
compared on the other tables. With --check it exits with 1 where a peer or a member has a higher mean than the panel.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))

import click

from anomalist.engine.fitting.plan import make_plan
from anomalist.engine.fitting.request import RunOptions
from anomalist.plugins.registry import Registry
from tests.benchmarks.sets import cpu_seconds, data_option, fit_plan, only_option
from tests.benchmarks.tabular import measures
from tests.benchmarks.unseen_peers import matrices, peers
from tests.benchmarks.unseen_report import PANEL, Report
from tests.benchmarks.unseen_tables import Case, with_files, without_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.unseen_report import Pair
    from tests.benchmarks.unseen_tables import Halves

WAYS = {"all": "Trained on all rows", "normals": "Trained on half of the normal rows, and told so"}


def panel(halves: Halves, registry: Registry, options: RunOptions) -> dict[str, Pair]:
    """ROC AUC and average precision of the consensus and of each member."""
    model = fit_plan(make_plan(halves.train, options, registry)).model
    scores = model.score(halves.judged)
    columns = {PANEL: scores.score} | dict(zip(scores.members, scores.surprises.T, strict=True))
    return {name: measures(halves.labels, column) for name, column in columns.items()}


def measured(
    case: Case, way: str, registry: Registry, *, seed: int, seconds: float | None
) -> tuple[dict[str, Pair], dict[str, str]]:
    """Figures of everything on one table, and which peers failed; without peers where they get no seconds."""
    halves = case.whole() if way == "all" else case.normals(seed)
    found = panel(halves, registry, RunOptions(seed=seed, clean=way != "all"))
    if seconds is None:
        return found, {}
    train, judged = matrices(halves.train.frame, halves.judged.frame)
    scores, failed = peers(train, judged, seed=seed, seconds=seconds)
    return found | {name: measures(halves.labels, column) for name, column in scores.items()}, failed


def cases(data: Path | None, only: tuple[str, ...], rows: int, seed: int) -> Iterator[Case]:
    """The tables, the small ones first; one is left out of which the sample has no anomaly."""
    found = [*without_files(seed, only), *(with_files(data, only) if data is not None else ())]
    if not found:
        raise click.ClickException("no table of that name")
    for case in sorted(found, key=lambda case: case.frame.height * case.frame.width):
        sample = case.at_most(rows, seed)
        if sample.labels.any():
            yield sample
        else:
            click.echo(f"{case.name} left out: none of {rows:,} rows is an anomaly; give more --rows", err=True)


@click.command()
@data_option(help="A folder with `embeddings` and `raw`; without it only what scikit-learn ships.")
@click.option("--way", "ways", type=click.Choice(list(WAYS)), multiple=True, help="Repeatable; both if none is given.")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--rows", type=click.IntRange(min=100), default=5_000, show_default=True, help="The most of one table.")
@only_option
@click.option("--peers/--no-peers", "with_peers", default=True)
@click.option(
    "--peer-seconds",
    type=click.FloatRange(min=1),
    default=120.0,
    show_default=True,
    help="CPU seconds after which a peer has failed on a table.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every figure to this file.")
@click.option("--markdown", is_flag=True, help="Print the tables as Markdown.")
@click.option("--check", is_flag=True, help="Exit with 1 where something is ahead of the panel.")
def main(
    data: Path | None,
    ways: tuple[str, ...],
    seeds: int,
    rows: int,
    only: tuple[str, ...],
    with_peers: bool,
    peer_seconds: float,
    json_file: Path | None,
    markdown: bool,
    check: bool,
) -> None:
    """Print how the panel does on tables that nobody looked at."""
    registry = Registry.load()
    seconds = peer_seconds if with_peers else None
    reports = {way: Report(title=WAYS[way]) for way in ways or WAYS}
    for seed in range(seeds):
        for case in cases(data, only, rows, seed):
            for way, report in reports.items():
                started = cpu_seconds()
                found, failed = measured(case, way, registry, seed=seed, seconds=seconds)
                report.add(case.name, case.group, found)
                auc, precision = found[PANEL]
                print(
                    f"{case.name} ({case.group}), {way}, {case.frame.shape}, {case.labels.mean():.1%}: "
                    f"{auc:.3f}/{precision:.3f}, {cpu_seconds() - started:.1f} CPU s"
                    + "".join(f"; {name} failed: {why}" for name, why in failed.items()),
                    flush=True,
                )
            if json_file is not None:
                json_file.write_text(json.dumps({way: report.written() for way, report in reports.items()}, indent=1))
    targets = []
    for report in reports.values():
        print("\n" + report.table(markdown=markdown))
        targets += report.targets()
    for target in targets:
        print(target)
    missed = sum(not target.met for target in targets)
    if check and missed:
        raise click.ClickException(f"the panel is behind in {missed} of {len(targets)}")


if __name__ == "__main__":
    main()
