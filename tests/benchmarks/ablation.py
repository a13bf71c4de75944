"""What each member of the default panel and each design choice is worth, measured by taking it away.

    python -m tests.benchmarks.ablation --data DIR [--normals DIR] [--part members|choices|clean]... [--seeds 1]
                                        [--only NAME]... [--json FILE] [--markdown] [--check]

--data holds sets in ADBench's layout: one .npz each, with `X` of shape (rows, columns), and `y`, 1 for an anomaly.
--normals holds sets in the layout of OddBench, which also say which normal rows are to be trained on. Each part is
printed as tables of ROC AUC and average precision, means over seeds and sets, with the change in brackets and the
number of sets on which the panel becomes better or worse by more than 0.005.

- members: fitted on all rows of --data without labels. Each member alone, and the panel without it; and with those that
  only the full panel has.
- choices: on the same rows, one change at a time against the defaults: no trimming, no noise, other numbers of networks
  trained together, one typical error for all columns in the networks' scores; other scales of the scores; other votes
  and combiners. ocsvm trims by its `nu`; without trimming knn keeps its neighbours and its sample, gmm its clouds.
- clean: fitted on normal rows, those of --normals, and the first half of the normal rows of --data in the order of the
  files; the rest is judged. The panel that is told so (`--clean`) beside one that is not, and what is worth what in it.

Members are fitted once for each set, seed and setting; what is without one is put together from their scores. With
--check it exits with 1 where the panel is not ahead of its best member, where it is no worse without trimming, or where
it is no better for being told that rows are normal.
"""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))

import click

from anomalist.engine.fitting.request import RunOptions
from anomalist.plugins.registry import Registry
from tests.benchmarks.ablation_panels import Panel, Split
from tests.benchmarks.ablation_parts import AS_IT_IS, candidates, choices, clean, members, variants
from tests.benchmarks.ablation_report import Report, averaged
from tests.benchmarks.sets import FOLDER, cpu_seconds, data_option, files, only_option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anomalist.engine.fitting.panel import Seat
    from tests.benchmarks.ablation_parts import Figures

HALF = "Half of the normal rows"
MESSY = "Messy tables"
PARTS = ("members", "choices", "clean")


def contaminated(parts: Sequence[str], registry: Registry, split: Split, seed: int) -> Figures:
    """What members and choices are worth where anomalies are among the training rows."""

    def beside(seats: Sequence[Seat]) -> dict[tuple[str, str], str]:
        added = candidates(registry, seats) if "members" in parts else {}
        return added | (variants(seats) if "choices" in parts else {})

    panel = Panel.fit(split, RunOptions(seed=seed), registry, beside)
    found = members(panel, "Members") if "members" in parts else {}
    return found | (choices(panel) if "choices" in parts else {})


def normal(title: str, registry: Registry, split: Split, seed: int) -> Figures:
    """What it is worth to say that training rows are normal, and what members are worth then."""
    told, untold = (Panel.fit(split, RunOptions(seed=seed, clean=said), registry) for said in (True, False))
    return clean(told, untold, title)


def measured(
    measure: Callable[[Registry, Split, int], Figures], split: Split, registry: Registry, seeds: int
) -> Figures:
    """Means over the seeds of one set, which it prints a line of."""
    started = cpu_seconds()
    found = averaged([measure(registry, split, seed) for seed in range(seeds)])
    auc, precision = next(iter(found.values()))[AS_IT_IS]["panel"]
    size = f"{len(split.train)} of {len(split.train.frame.columns)} columns"
    print(f"{split.name} ({size}): {auc:.3f}/{precision:.3f}, {cpu_seconds() - started:.0f} CPU s", flush=True)
    return found


@click.command()
@data_option(help="Sets in ADBench's layout.")
@click.option("--normals", type=FOLDER, help="Sets in the layout of OddBench.")
@click.option("--part", "parts", type=click.Choice(PARTS), multiple=True, help="Repeatable; all where none is given.")
@only_option
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every figure to this file.")
@click.option("--markdown", is_flag=True, help="Print the tables as Markdown.")
@click.option("--check", is_flag=True, help="Exit with 1 where something is not worth what it is there for.")
def main(
    data: Path | None,
    normals: Path | None,
    parts: tuple[str, ...],
    only: tuple[str, ...],
    seeds: int,
    json_file: Path | None,
    markdown: bool,
    check: bool,
) -> None:
    """Print what members and design choices are worth."""
    parts = parts or PARTS
    if data is None and (normals is None or set(parts) != {"clean"}):
        raise click.UsageError("--data names the sets; only --part clean can do with --normals alone")
    registry = Registry.load()
    ways: list[tuple[str, Path | None, Callable[[Path], Split], Callable[[Registry, Split, int], Figures]]] = []
    if set(parts) - {"clean"}:
        ways.append(("All rows", data, Split.whole, partial(contaminated, parts)))
    if "clean" in parts:
        ways.append((HALF, data, Split.halved, partial(normal, HALF)))
        ways.append((MESSY, normals, Split.odd, partial(normal, MESSY)))
    reports: dict[str, Report] = {}
    for title, folder, load, measure in ways:
        sets: dict[str, Figures] = {}
        for path in files(folder, only) if folder is not None else ():
            sets[path.stem] = measured(measure, load(path), registry, seeds)
            reports[title] = Report(sets=sets)
            if json_file is not None:
                json_file.write_text(json.dumps({name: report.sets for name, report in reports.items()}, indent=1))
    for report in reports.values():
        print("\n" + report.tables(markdown=markdown))
    targets = [(title, target) for title, report in reports.items() for target in report.targets()]
    for title, target in targets:
        print(f"{title:24s} {target}")
    missed = sum(not target.met for _, target in targets)
    if check and missed:
        raise click.ClickException(f"{missed} of {len(targets)} are not worth what they are there for")


if __name__ == "__main__":
    main()
