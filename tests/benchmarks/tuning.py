"""What `anomalist tune` brings on rows that no trial saw, with labels and without, and how far to trust the latter.

    python -m tests.benchmarks.tuning --data DIR [--trials 20] [--detector NAME]... [--only NAME]... [--json FILE]

DIR holds sets in ADBench's layout: one .npz each, with `X` of shape (rows, columns), and `y`, 1 for an anomaly. For
each set and detector it searches twice, by labels and by the criterion without labels; both times three tenths of the
rows are kept from all trials, and their labels compare the best trial with the defaults. It prints both gains in
average precision and ROC AUC, and how often the tuned detector is better, no different or worse by a paired bootstrap.

Then it takes as many settings at random from the same space and ranks them by the criterion and by labels, on the same
folds: the rank correlation, and what the criterion's choice gains over the defaults and over a random setting. The best
of them by labels is what a search at random finds for the same number of trials: it stands beside the best that the
search by labels found, on the folds and on the rows that no trial saw.

With --at-least-gain it exits with 1 where the mean gain in average precision by labels stays below, with
--at-least-rank where the mean rank correlation with ROC AUC does, with --at-least-lead where the best found by labels
is not so far ahead of the best at random on the folds.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
import numpy as np
import polars as pl
from scipy.stats import spearmanr

from anomalist.data.table import Table
from anomalist.engine.evaluation.measures import measure
from anomalist.engine.tuning.bench import Clock
from anomalist.engine.tuning.ground import Ground, Known, prepared
from anomalist.engine.tuning.judge import ByLabels
from anomalist.engine.tuning.request import TuneOptions
from anomalist.engine.tuning.sampler import Sampler
from anomalist.engine.tuning.splits import FEWEST
from anomalist.engine.tuning.subject import Subject
from anomalist.engine.tuning.tune import tune
from anomalist.engine.workspace import Workspace
from anomalist.errors import DetectorError
from anomalist.plugins.registry import Registry
from anomalist.store.repository import Store
from tests.benchmarks.sets import data_option, files, only_option
from tests.benchmarks.tabular import load
from tests.benchmarks.tuning_report import METRICS, report

DETECTORS = ("knn", "isolation_forest", "gmm", "autoencoder")


def searched(workspace: Workspace, table: Table, options: TuneOptions) -> list[dict[str, Any]]:
    """What the search for each detector brought: both measures of the defaults and the tuned, and what was ruled."""
    results = []
    for found in tune(workspace, table, options).detectors:
        if found.verdict is None:
            raise click.ClickException(f"{table.source}: {found.name}: {found.reason}")
        measures = {
            name: {"defaults": pair.champion, "tuned": pair.challenger, "gain": pair.gain}
            for name, pair in found.verdict.measures.items()
        }
        seconds, value = sum(trial.seconds for trial in found.trials), found.best.value
        about = {"ruling": found.verdict.ruling, "line": found.best.line, "value": value, "seconds": seconds}
        results.append({**measures, **about})
    return results


def at_random(workspace: Workspace, table: Table, options: TuneOptions) -> list[dict[str, float]]:
    """How the criterion without labels ranks random settings, beside how labels do, and what the best of them is."""
    known = Known.of(table, options, None)
    ground, truth = prepared(workspace, known, options), known.truth
    labels = {
        metric: ByLabels(data=ground.bench.data, folds=ground.folds, known=truth >= 0, truth=truth, metric=metric)
        for metric in METRICS
    }
    results = []
    for name in options.detectors:
        subject = Subject.of(workspace.registry, name, None)
        sampler = Sampler(subject.space, options.seed)
        drawn = (sampler.ask(number) for number in range(1, options.trials))
        start, others = subject.line(None), [subject.line(asked.point) for asked in drawn if asked is not None]
        judged = {line: one for line in (start, *others) if (one := _judged(ground, labels, line)) is not None}
        if start not in judged:
            raise click.ClickException(f"{table.source}: {name} fails with its defaults")
        criterion = [one["criterion"] for one in judged.values()]
        best = max(judged, key=lambda line: judged[line][options.metric])
        results_of = {"best": judged[best][options.metric], **_unseen(ground, best)}
        chosen = int(np.argmax(criterion))
        for metric in METRICS:
            values = [one[metric] for one in judged.values()]  # the first is of the defaults
            flat = np.ptp(criterion) == 0 or np.ptp(values) == 0
            results_of[f"rank_{metric}"] = 0.0 if flat else float(spearmanr(criterion, values).statistic)
            results_of[f"over_defaults_{metric}"] = values[chosen] - values[0]
            results_of[f"over_random_{metric}"] = values[chosen] - float(np.mean(values[1:]))
        results.append(results_of)
    return results


def _unseen(ground: Ground, line: str) -> dict[str, float]:
    """What a setting is worth on the rows that no trial saw."""
    assert ground.last is not None
    paper = ground.bench.data.take(ground.last.judge)
    (scores,) = ground.bench.scores(line, ground.last.fit, (paper,), Clock.of(None))
    found = measure(ground.truth, scores[ground.labelled], np.zeros(ground.truth.size, dtype=np.bool_))
    return {f"unseen_{metric}": float(getattr(found, metric)) for metric in METRICS}


def _judged(ground: Ground, labels: dict[str, ByLabels], line: str) -> dict[str, float] | None:
    """What the criterion and labels say of one setting, means over folds; None where it fails."""
    by: defaultdict[str, list[float]] = defaultdict(list)
    try:
        for i, fold in enumerate(ground.folds):
            answers = ground.bench.scores(line, fold.fit, ground.judge.papers(i), Clock.of(None))
            by["criterion"].append(ground.judge.value(i, answers))
            for metric, judge in labels.items():
                by[metric].append(judge.value(i, answers[:1]))
    except DetectorError:
        return None
    return {name: float(np.mean(values)) for name, values in by.items()}


@click.command()
@data_option(required=True)
@only_option
@click.option("--most-rows", type=int, default=4_000, show_default=True, help="Sets of more rows are passed over.")
@click.option("--most-columns", type=int, default=100, show_default=True, help="Sets of more columns likewise.")
@click.option("--detector", "detectors", multiple=True, default=DETECTORS, show_default=True, help="Repeatable.")
@click.option("--trials", type=click.IntRange(min=2), default=20, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--at-least-gain", type=float, default=-1.0, help="Mean gain in average precision by labels.")
@click.option("--at-least-rank", type=float, default=-1.0, help="Mean rank correlation of the criterion with ROC AUC.")
@click.option("--at-least-lead", type=float, default=-1.0, help="Mean lead on the folds over as many at random.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every figure to this file.")
def main(
    data: Path,
    only: tuple[str, ...],
    most_rows: int,
    most_columns: int,
    detectors: tuple[str, ...],
    trials: int,
    seed: int,
    at_least_gain: float,
    at_least_rank: float,
    at_least_lead: float,
    json_file: Path | None,
) -> None:
    """Print what tuning brings per set and on average."""
    registry, results = Registry.load(), {}
    for path in files(data, only):
        values, labels = load(path)
        few = min(int(labels.sum()), int((1 - labels).sum())) < FEWEST
        if len(values) > most_rows or values.shape[1] > most_columns or few:
            continue
        columns = {f"x{i}": values[:, i] for i in range(values.shape[1])}
        table = Table.from_frame(pl.DataFrame({**columns, "label": labels}), source=path.stem, label="label")
        found: dict[str, dict[str, Any]] = {}
        with (
            tempfile.TemporaryDirectory() as folder,
            Workspace(store=Store.open(data_home=Path(folder)), registry=registry, models=Path(folder)) as workspace,
        ):
            by_labels = TuneOptions(detectors=detectors, trials=trials, seed=seed)
            without = TuneOptions(detectors=detectors, trials=trials, seed=seed, unsupervised=True)
            parts = [searched(workspace, table, by_labels), searched(workspace, table, without)]
            parts.append(at_random(workspace, table, without))
        for name, *found_of in zip(detectors, *parts, strict=True):
            found[name] = dict(zip(("by_labels", "without", "random"), found_of, strict=True))
        results[path.stem] = found
        shown = "  ".join(
            f"{name} {one['by_labels']['average_precision']['gain']:+.3f} "
            f"{one['without']['average_precision']['gain']:+.3f}"
            for name, one in found.items()
        )
        print(f"{path.stem} {values.shape} {labels.mean():.1%}: gain by labels, without: {shown}", flush=True)
        if json_file is not None:
            json_file.write_text(json.dumps({"sets": results}, indent=1))
    if not results:
        raise click.ClickException(f"{data}: no set is small enough and has {FEWEST} rows of each kind")
    means = report(results)
    if json_file is not None:
        json_file.write_text(json.dumps({"means": means, "sets": results}, indent=1))
    wanted = {"by_labels_average_precision_gain": at_least_gain, "rank_roc_auc": at_least_rank, "lead": at_least_lead}
    got = {name: means["all"][name] for name in wanted}
    missed = [f"{name} {got[name]:+.4f}, wanted {least}" for name, least in wanted.items() if got[name] < least]
    if missed:
        raise click.ClickException("; ".join(missed))


if __name__ == "__main__":
    main()
