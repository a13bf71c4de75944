"""What a panel with a stacker makes of labels of some rows, beside PyOD's XGBOD: average precision and CPU time.

    python -m tests.benchmarks.ensembles_labelled --data DIR [--share 0.1] [--most-rows N] [--only NAME]... [--seeds 1]
                                                  [--json FILE] [--check] [--at-most RATIO]

DIR holds sets in ADBench's layout, one .npz each, with `X` of shape (rows, columns), and `y`, 1 for an anomaly; those
of at least 1,000 rows are used, and of at most --most-rows, where it is given. A random half is there to learn from,
with a share of its anomalies and of its other rows labelled, one of each at least; the other half is scored. Ours is
the default panel, fitted without labels, and a stacker that learns from the labelled rows. XGBOD with its defaults is
fitted on the labelled rows alone, and on all rows, those without a label as normal; of more than 10,000 rows it sees a
sample, with all that are labelled. Counted is the CPU time from the rows of both halves to the scores of the unseen
one; the panel learns from all rows, XGBOD's second way from a tenth of them, so it is the first that does as much. With
--check it exits with 1 where the first stacker has no higher mean average precision than XGBOD either way, with
--at-most where it takes more than so many times the CPU time of XGBOD on all rows. Sets are told on stderr as they
are done.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))

import click
import numpy as np

from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.models.stackers import recipe_from_text
from anomalist.ensemble.stack import Lesson
from anomalist.plugins.registry import Registry
from tests.benchmarks.ensembles_peers import quiet
from tests.benchmarks.feedback import FEWEST_ROWS, halves_of
from tests.benchmarks.feedback_ours import fit_panel
from tests.benchmarks.feedback_peers import FITTED_ROWS, XGBOD, standardised
from tests.benchmarks.sets import cpu_seconds, data_option, files, only_option
from tests.benchmarks.tabular import load, measures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.detector import Floats, Ints

CONSENSUS = "consensus"
Figures = dict[str, tuple[float, float, float]]
"""ROC AUC, average precision and CPU seconds by name."""


def labelled_rows(labels: Ints, share: float, seed: int) -> Ints:
    """A share of the anomalies and of the other rows, one of each at least."""
    rng = np.random.default_rng(2_000 + seed)
    kinds = (np.flatnonzero(labels == kind) for kind in (0, 1))
    return np.concatenate([rng.choice(rows, max(1, round(share * rows.size)), replace=False) for rows in kinds])


def ours(
    registry: Registry,
    name: str,
    halves: tuple[Floats, Floats],
    rows: Ints,
    labels: Ints,
    unseen_labels: Ints,
    stackers: Sequence[str],
    seed: int,
) -> Figures:
    """Fit the panel, then let each stacker learn; what the panel costs counts for each."""
    started = cpu_seconds()
    panel = fit_panel(registry, name, *halves, RunOptions(seed=seed))
    cost = cpu_seconds() - started
    found = {CONSENSUS: (*measures(unseen_labels, panel.unseen.consensus), cost)}
    for text in stackers:
        started = cpu_seconds()
        lesson = Lesson(
            judged=panel.evidence.take(rows),
            labels=labels.astype(np.float64),
            background=panel.evidence,
            rate=float(labels.mean()),
            seed=seed,
        )
        scores = recipe_from_text(registry, text).guarded().fit(lesson).log_odds(panel.unseen)
        found[text] = (*measures(unseen_labels, scores), cost + cpu_seconds() - started)
    return found


def theirs(halves: tuple[Floats, Floats], rows: Ints, labels: Ints, unseen_labels: Ints, seed: int) -> Figures:
    """Fit XGBOD both ways."""
    from pyod.models import xgbod

    others = np.setdiff1d(np.arange(len(halves[0])), rows)
    sample = np.random.default_rng(seed).permutation(others)[: max(0, FITTED_ROWS - rows.size)]
    ways = {
        XGBOD[0]: (np.concatenate([rows, sample]), np.concatenate([labels, np.zeros(sample.size, dtype=int)])),
        XGBOD[1]: (rows, labels),
    }
    found = {}
    for name, (fitted, answers) in ways.items():
        started = cpu_seconds()
        scaled = standardised(*halves, seed=seed)
        distinct, where = np.unique(scaled.unseen, axis=0, return_inverse=True)
        with quiet(seed):
            model = xgbod.XGBOD(random_state=seed).fit(scaled.columns[fitted], answers)
            scores = model.decision_function(distinct)[where.ravel()]
        found[name] = (*measures(unseen_labels, scores), cpu_seconds() - started)
    return found


def contest(registry: Registry, path: Path, *, share: float, seed: int, stackers: Sequence[str]) -> Figures:
    """Everything on one set."""
    values, labels = load(path)
    judged, unseen = halves_of(len(values), seed)
    halves = values[judged], values[unseen]
    rows = labelled_rows(labels[judged], share, seed)
    answers, truth = labels[judged][rows], labels[unseen]
    mine = ours(registry, path.stem, halves, rows, answers, truth, stackers, seed)
    return {**mine, **theirs(halves, rows, answers, truth, seed)}


@click.command()
@data_option(required=True)
@click.option("--share", type=click.FloatRange(0, 1, min_open=True), default=0.1, show_default=True, help="Labelled.")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True)
@only_option
@click.option("--most-rows", type=click.IntRange(min=FEWEST_ROWS), help="Sets of more rows are left out.")
@click.option("--stacker", "stackers", multiple=True, default=("gp", "boosting"), show_default=True, help="Repeatable.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every figure to this file.")
@click.option("--check", is_flag=True, help="Exit with 1 where XGBOD is as precise.")
@click.option(
    "--at-most", type=click.FloatRange(min=0), help="Of the CPU time of XGBOD on all rows; exit with 1 above."
)
def main(
    data: Path,
    share: float,
    seeds: int,
    only: tuple[str, ...],
    most_rows: int | None,
    stackers: tuple[str, ...],
    json_file: Path | None,
    check: bool,
    at_most: float | None,
) -> None:
    """Print average precision, ROC AUC and CPU seconds for each set, and means."""
    registry = Registry.load()
    sets: dict[str, list[Figures]] = {}
    for path in files(data, only):
        rows = len(load(path)[1])
        if rows < FEWEST_ROWS or (most_rows is not None and rows > most_rows):
            click.echo(f"{path.stem} left out: {rows:,} rows", err=True)
            continue
        sets[path.stem] = [contest(registry, path, share=share, seed=seed, stackers=stackers) for seed in range(seeds)]
        means = _means(sets[path.stem])
        line = "  ".join(f"{name} {v[0]:.3f}/{v[1]:.3f} {v[2]:.1f} s" for name, v in means.items())
        click.echo(f"{path.stem}: {line}", err=True)
        means = _means([figures for runs in sets.values() for figures in runs])
        if json_file is not None:
            written = {"share": share, "seeds": seeds, "means": means, "sets": sets}
            json_file.write_text(json.dumps(written, indent=1), encoding="utf-8")
    if not sets:
        raise click.ClickException(f"{data}: no set of so many rows")
    print(f"\n{f'mean over {len(sets)} sets':28s} {'ROC AUC':>8s} {'avg prec':>9s} {'CPU s':>8s}")
    for name, (auc, precision, seconds) in means.items():
        print(f"{name:28s} {auc:8.4f} {precision:9.4f} {seconds:8.1f}")
    rival = max(XGBOD, key=lambda name: means[name][1])
    _, precision, seconds = means[stackers[0]]
    lead, ratio = precision - means[rival][1], seconds / means[XGBOD[0]][2]
    print(f"\n{stackers[0]}: {lead:+.4f} average precision over {rival}; {ratio:.2f} of the CPU time of {XGBOD[0]}")
    if check and lead <= 0:
        raise click.ClickException(f"{rival} is as precise as {stackers[0]}")
    if at_most is not None and ratio > at_most:
        raise click.ClickException(f"{stackers[0]} takes {ratio:.2f} of the CPU time, wanted at most {at_most:g}")


def _means(runs: Sequence[Figures]) -> Figures:
    found: Figures = {}
    for name in runs[0]:
        auc, precision, seconds = np.mean([figures[name] for figures in runs], axis=0).tolist()
        found[name] = (auc, precision, seconds)
    return found


if __name__ == "__main__":
    main()
