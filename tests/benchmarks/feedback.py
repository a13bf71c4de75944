"""How much a panel learns from an analyst's verdicts, beside the peers that learn from verdicts too.

    python -m tests.benchmarks.feedback --data DIR [--seeds 3] [--only NAME]... [--peers/--no-peers] [--json FILE]

DIR holds labelled sets in ADBench's layout: one .npz each, with `X` of shape (rows, columns), and `y`, 1 for an
anomaly; those of at least 1,000 rows are used. A random half is fitted without labels; then a simulated analyst answers
the questions of each learner, batch after batch, truthfully. Average precision and ROC AUC are measured on the other
half. Printed are means over seeds and sets; what an update costs; the worst set; and how far the probabilities after 50
verdicts are from the truth, beside those of PyOD's detectors. Every learner asks in its own way: our stackers through
the review queue, the peers for the top of their ranking. With floors (--at-least-gain 0.20 --at-least-lead 0.12
--worst-loss 0.05 --ahead --calibrated) it exits with 1 where the first stacker does not meet them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS"), "1"))

import click
import numpy as np
from scipy.special import expit

from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.models.stackers import recipe_from_text
from anomalist.engine.review.queue import Mix
from anomalist.plugins.registry import Registry
from tests.benchmarks.feedback_calibration import calibration_error, pyod_errors
from tests.benchmarks.feedback_course import checkpoints, simulate
from tests.benchmarks.feedback_ours import Ours, fit_panel
from tests.benchmarks.feedback_peers import peers, standardised
from tests.benchmarks.feedback_report import CONSENSUS, Floors, Results
from tests.benchmarks.sets import data_option, only_option
from tests.benchmarks.tabular import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.feedback_course import Learner

FEWEST_ROWS = 1_000


def halves_of(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the rows to judge and of the unseen ones, in random order: many sets are sorted by label."""
    order = np.random.default_rng(1_000 + seed).permutation(rows)
    return order[: rows // 2], order[rows // 2 :]


def contest(
    results: Results,
    registry: Registry,
    path: Path,
    *,
    seed: int,
    stackers: Sequence[str],
    panel: str,
    mix: Mix,
    budget: int,
    batch: int,
    with_peers: bool,
) -> None:
    """Let all learners learn on one set and add what was measured."""
    values, labels = load(path)
    judged, unseen = halves_of(len(values), seed)
    truth, unseen_truth = labels[judged].astype(np.float64), labels[unseen].astype(np.float64)
    fitted = fit_panel(registry, path.stem, values[judged], values[unseen], RunOptions(panel=panel, seed=seed))
    learners: dict[str, Learner] = {
        text: Ours(fitted, recipe_from_text(registry, text), mix=mix, seed=seed) for text in stackers
    }
    errors: dict[str, float] = {}
    if with_peers:
        halves = standardised(values[judged], values[unseen], seed=seed)
        learners |= peers(halves)
        errors = {" ".join(key): error for key, error in pyod_errors(halves, unseen_truth).items()}
    courses = {}
    for name, learner in learners.items():
        courses[name] = simulate(learner, truth, unseen_truth, budget=budget, batch=batch)
    ours = {text: calibration_error(unseen_truth, expit(courses[text].calibrated)) for text in stackers}
    results.add(path.stem, len(judged), courses, {**ours, **errors})


@click.command()
@data_option(required=True)
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True)
@only_option
@click.option("--budget", type=click.IntRange(min=1), default=100, show_default=True, help="Verdicts.")
@click.option("--batch", type=click.IntRange(min=1), default=5, show_default=True, help="Verdicts between updates.")
@click.option(
    "--stacker",
    "stackers",
    multiple=True,
    default=("gp", "logistic", "boosting"),
    show_default=True,
    help="NAME[:k=v,...]; the first is held to the floors. Repeatable.",
)
@click.option("--panel", default="default", show_default=True)
@click.option("--mix", default=str(Mix()), show_default=True, help="How our queue fills its places.")
@click.option("--peers/--no-peers", "with_peers", default=True)
@click.option("--at-least-gain", type=float, help="Over the consensus after 20 verdicts.")
@click.option("--at-least-lead", type=float, help="Over the best peer after 20 verdicts.")
@click.option("--worst-loss", type=float, help="How far below the consensus any set may be after 5 verdicts.")
@click.option("--ahead", is_flag=True, help="Ahead of every peer after all verdicts.")
@click.option("--calibrated", is_flag=True, help="Better calibrated than every peer.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every figure to this file.")
def main(
    data: Path,
    seeds: int,
    only: tuple[str, ...],
    budget: int,
    batch: int,
    stackers: tuple[str, ...],
    panel: str,
    mix: str,
    with_peers: bool,
    at_least_gain: float | None,
    at_least_lead: float | None,
    worst_loss: float | None,
    ahead: bool,
    calibrated: bool,
    json_file: Path | None,
) -> None:
    """Print what each learner makes of an analyst's verdicts."""
    floors = Floors(gain=at_least_gain, lead=at_least_lead, loss=worst_loss, ahead=ahead, calibrated=calibrated)
    needed = 20 if at_least_gain is not None or at_least_lead is not None else 5 if worst_loss is not None else 1
    if budget < needed:
        raise click.UsageError(f"these floors need a budget of at least {needed}, got {budget}")
    if not with_peers and (at_least_lead is not None or ahead or calibrated):
        raise click.UsageError("--at-least-lead, --ahead and --calibrated need the peers")
    names = list(dict.fromkeys((*stackers, CONSENSUS)))
    registry = Registry.load()
    results = Results(at=checkpoints(budget))
    for path in sorted(path for path in data.rglob("*.npz") if not only or any(part in path.stem for part in only)):
        if len(load(path)[1]) < FEWEST_ROWS:
            continue
        for seed in range(seeds):
            contest(
                results,
                registry,
                path,
                seed=seed,
                stackers=names,
                panel=panel,
                mix=Mix.parse(mix),
                budget=budget,
                batch=batch,
                with_peers=with_peers,
            )
        print(results.line(path.stem), flush=True)
    if not results.courses:
        raise click.ClickException(f"{data}: no .npz file of at least {FEWEST_ROWS:,} rows")
    print(f"\nmeans over {len(results.courses)} sets, {seeds} seeds")
    print(results.tables())
    if json_file is not None:
        json_file.write_text(json.dumps(results.plain(), indent=1))
    broken = floors.broken(results, names[0], [name for name in results.learners if name not in names])
    if broken:
        raise click.ClickException("; ".join(broken))


if __name__ == "__main__":
    main()
