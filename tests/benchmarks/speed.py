"""How fast our detectors are beside their counterparts in other libraries, and as good.

    python -m tests.benchmarks.speed [--quick] [--only NAME]... [--rows 1000,10000] [--columns 8,20,100] [--repeat 5]
    python -m tests.benchmarks.speed --check [--data DIR]
    python -m tests.benchmarks.speed --read FILE... [--json FILE] [--markdown docs/speed.md]

Ours and the peer's fit the same labelled rows, made up, float32, and score as many others, in one process and in turn,
every other turn backwards, with the same number of threads, after a small table that is not timed. For each pair the
table shows the ratios of CPU time, ours over the peer's, of fitting, of both and of scoring: the median over the turns
with the lowest and the highest; then of wall time, and of one row; then what both took, the peak of memory, and ROC AUC
and average precision on the scored rows. PyOD and DeepOD also score the training rows while they fit, and cannot be
told not to; every figure, in JSON and Markdown, holds our fit and score over their fit as well. Progress goes to
stderr.

With --data, a folder of sets in ADBench's layout (.npz with `X` and `y`), it also prints mean ROC AUC and average
precision over those, of both sides with their defaults. --check measures what the targets in speed_targets.py state,
and exits with 1 where one is missed. --read measures nothing: it puts the figures of earlier --json together, a later
file over an earlier one, and with --check judges those. --markdown writes the tables into a page, between its marks.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tests.benchmarks.sets import data_option
from tests.benchmarks.speed_accuracy import measure_sets
from tests.benchmarks.speed_exact import GROWTH, large_fit
from tests.benchmarks.speed_pairs import ELSEWHERE, PAIRS
from tests.benchmarks.speed_report import Report
from tests.benchmarks.speed_results import measure
from tests.benchmarks.speed_targets import LARGE, LARGE_SIZE, fewest_turns, judged_on_sets, pairs_by_size
from tests.benchmarks.timing import threads as with_threads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.benchmarks.speed_pairs import Pair

Size = tuple[int, int]  # rows and columns

ROWS, QUICK_ROWS, COLUMNS = (1_000, 10_000, 100_000), (1_000,), (20,)
LIBRARIES = ("anomalist", "pyod", "deepod", "scikit-learn", "torch", "numpy")


def numbers(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, ...]:
    """Whole numbers, separated by commas; none where the option was not given."""
    if value is None:
        return ()
    parts = value.split(",")
    if not all(part.isdecimal() and int(part) for part in parts):
        raise click.BadParameter(f"{value!r} is not a list of whole numbers such as 1000,10000")
    return tuple(map(int, parts))


def plan(
    pairs: Sequence[Pair], rows: tuple[int, ...], columns: tuple[int, ...], *, quick: bool, check: bool
) -> tuple[Mapping[Size, Sequence[Pair]], list[Size]]:
    """The pairs to measure by size, and the sizes of the one-class SVM's large fit."""
    if check:
        return pairs_by_size(pairs), [LARGE_SIZE]
    sizes = [(n, width) for width in columns or COLUMNS for n in rows or (QUICK_ROWS if quick else ROWS)]
    return (dict.fromkeys(sizes, pairs) if pairs else {}), [size for size in sizes if size[0] > max(GROWTH)]


@click.command()
@click.option("--rows", callback=numbers, help="Rows to fit, and as many to score.  [default: 1000,10000,100000]")
@click.option("--columns", callback=numbers, help="[default: 20]")
@click.option("--repeat", type=click.IntRange(min=1), default=5, show_default=True, help="Turns that each side takes.")
@click.option(
    "--seconds", type=float, default=30.0, show_default=True, help="A side takes no turn beyond so many CPU seconds."
)
@click.option("--only", multiple=True, help="Part of the names of pairs, as in --list. Repeatable.")
@click.option("--quick", is_flag=True, help="1,000 rows, some minutes.")
@click.option("--check", is_flag=True, help="Measure what the targets state; exit with 1 where one is missed.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Of both sides.")
@click.option("--device", default="cpu", show_default=True, help="Where networks train; a few peers know only the CPU.")
@data_option()
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Of the part with --data.")
@click.option("--times/--no-times", default=True, help="--no-times: only the part with --data.")
@click.option("--read", "earlier", type=click.Path(exists=True, path_type=Path), multiple=True, help="Repeatable.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every figure to this file.")
@click.option("--markdown", "markdown_file", type=click.Path(path_type=Path), help="Write the tables into this page.")
@click.option("--list", "list_only", is_flag=True, help="Print the pairs and end.")
def main(
    rows: tuple[int, ...] | None,
    columns: tuple[int, ...] | None,
    repeat: int,
    seconds: float,
    only: tuple[str, ...],
    quick: bool,
    check: bool,
    threads: int,
    device: str,
    data: Path | None,
    seeds: int,
    times: bool,
    earlier: tuple[Path, ...],
    json_file: Path | None,
    markdown_file: Path | None,
    list_only: bool,
) -> None:
    """Print times, memory and accuracy of our detectors and their counterparts, and their ratios."""
    names = [*(pair.name for pair in PAIRS), LARGE]
    if list_only:
        print("\n".join([*names, *ELSEWHERE]))
        return
    if sum((check, quick, bool(rows))) > 1 or (check and columns):
        raise click.UsageError("--check and --quick have sizes of their own: give only one of --check, --quick, --rows")
    if not times and data is None:
        raise click.UsageError("--no-times leaves only the part on accuracy: give its sets with --data")
    wanted = [name for name in names if not only or any(part.lower() in name.lower() for part in only)]
    if not wanted:
        raise click.UsageError(f"no pair is called like {', '.join(only)}; --list names them")
    pairs = [pair for pair in PAIRS if pair.name in wanted]
    by_size, large_sizes = plan(pairs, rows, columns, quick=quick, check=check) if times and not earlier else ({}, [])
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    about = json.loads(earlier[0].read_text(encoding="utf-8"))["about"] if earlier else f"{versions}; {device}"
    report = Report(names=wanted, about=about)
    if not earlier:
        click.echo(f"{about}; {threads} thread(s)", err=True)
    for path in earlier:
        report.read(path)

    def write() -> None:
        if json_file is not None:
            json_file.write_text(report.to_json(), encoding="utf-8")

    with with_threads(threads):
        for (n, width), of_size in by_size.items():
            turns = max(repeat, fewest_turns(n, width)) if check else repeat
            how = {"rows": n, "columns": width, "seconds": seconds, "threads": threads, "device": device}
            for result in measure(of_size, repeat=turns, **how):
                report.add(result)
                write()
        for n, width in large_sizes if LARGE in wanted else ():
            report.add_large(large_fit(rows=n, columns=width, repeat=repeat))
            write()
        if data is not None and not earlier:
            on_sets = judged_on_sets(pairs) if check else pairs
            for name, measured in measure_sets(data, on_sets, seeds=seeds, threads=threads, device=device):
                report.add_set(name, measured)
    write()
    report.print(everything=check)
    if markdown_file is not None:
        report.write_markdown(markdown_file)
    verdicts = report.verdicts(everything=check)
    missed = sum(verdict.met is not True for verdict in verdicts)
    if check and missed:
        raise click.ClickException(f"{missed} of {len(verdicts)} targets missed or not measured")


if __name__ == "__main__":
    main()
