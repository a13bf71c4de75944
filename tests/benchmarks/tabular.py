"""How well the default panel finds anomalies in labelled tables, beside PyOD's detectors in the same process.

    python -m tests.benchmarks.tabular --data DIR [--seeds 3] [--only NAME]... [--peers/--no-peers] [--json FILE]

DIR holds sets in ADBench's layout: one .npz each, with `X` of shape (rows, columns), and `y`, 1 for an anomaly. Every
detector is fitted on all rows without labels and scores the same rows. For each set it prints ROC AUC and average
precision of the panel's consensus, of each member and of each peer, means over seeds; then the means over sets and the
CPU seconds. With --at-least-auc or --at-least-ap it exits with 1 where the consensus stays below.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

from anomalist.engine.fitting.request import RunOptions
from anomalist.plugins.registry import Registry
from tests.benchmarks.sets import data_option, files, fit_rows, only_option

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PEER_ROWS = 10_000  # peers are fitted on a sample of larger sets, as published comparisons do, and score all rows
CONSENSUS = "consensus"


def load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a set: X float32, shape (rows, columns), and y, shape (rows,)."""
    with np.load(path) as arrays:
        return np.asarray(arrays["X"], dtype=np.float32), np.asarray(arrays["y"]).astype(int).ravel()


def measures(labels: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """ROC AUC and average precision."""
    return float(roc_auc_score(labels, scores)), float(average_precision_score(labels, scores))


def ours(
    registry: Registry, name: str, values: np.ndarray, labels: np.ndarray, seed: int, options: RunOptions
) -> tuple[dict[str, tuple[float, float]], dict[str, float]]:
    """Fit the panel through the engine; measures and CPU seconds by name."""
    started = time.process_time()
    fitted = fit_rows(registry, name, values, options)
    seconds = {report.seat.name: report.seconds for report in fitted.reports if report.status == "done"}
    seconds[CONSENSUS] = time.process_time() - started
    scores = fitted.scores
    found = {CONSENSUS: measures(labels, scores.score)}
    for index, member in enumerate(scores.members):
        found[member] = measures(labels, scores.surprises[:, index])
    return found, seconds


def peers(values: np.ndarray, labels: np.ndarray, seed: int) -> tuple[dict[str, tuple[float, float]], dict[str, float]]:
    """Fit PyOD's detectors with their defaults on standardised rows; measures and CPU seconds by name."""
    from pyod.models.auto_encoder import AutoEncoder
    from pyod.models.ecod import ECOD
    from pyod.models.iforest import IForest
    from pyod.models.knn import KNN
    from pyod.models.ocsvm import OCSVM
    from pyod.models.vae import VAE

    makers: dict[str, Callable[[], Any]] = {
        "PyOD IForest": lambda: IForest(random_state=seed),
        "PyOD ECOD": ECOD,
        "PyOD KNN": KNN,
        "PyOD OCSVM": OCSVM,
        "PyOD AutoEncoder": lambda: AutoEncoder(random_state=seed, verbose=0),
        "PyOD VAE": lambda: VAE(random_state=seed, verbose=0),
    }
    return fit_peers(makers, values, labels, seed)


def fit_peers(
    makers: Mapping[str, Callable[[], Any]], values: np.ndarray, labels: np.ndarray, seed: int
) -> tuple[dict[str, tuple[float, float]], dict[str, float]]:
    """Fit detectors with PyOD's interface on a sample of standardised rows, score all; measures and CPU seconds."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(values))[:PEER_ROWS]
    scaled = StandardScaler().fit_transform(values)
    found, seconds = {}, {}
    for name, make in makers.items():
        started = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the peers' own warnings are not what is measured
            detector = make()
            detector.fit(scaled[rows])
            scores = detector.decision_function(scaled)
        seconds[name] = time.process_time() - started
        found[name] = measures(labels, np.nan_to_num(scores))
    return found, seconds


@click.command()
@data_option(required=True)
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True)
@only_option
@click.option("--panel", default="default", show_default=True)
@click.option("--detector", "detectors", multiple=True, help="In place of the panel. Repeatable.")
@click.option("--combiner", default="upper_half", show_default=True)
@click.option("--peers/--no-peers", "with_peers", default=True)
@click.option("--at-least-auc", type=float, default=0.0)
@click.option("--at-least-ap", type=float, default=0.0)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every figure to this file.")
def main(
    data: Path,
    seeds: int,
    only: tuple[str, ...],
    panel: str,
    detectors: tuple[str, ...],
    combiner: str,
    with_peers: bool,
    at_least_auc: float,
    at_least_ap: float,
    json_file: Path | None,
) -> None:
    """Print ROC AUC and average precision per set and mean."""
    paths = files(data, only)
    registry = Registry.load()
    results: dict[str, dict[str, list[tuple[float, float]]]] = {}
    seconds: defaultdict[str, float] = defaultdict(float)
    for path in paths:
        values, labels = load(path)
        per_set: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        for seed in range(seeds):
            options = RunOptions(panel=panel, detectors=detectors, combiner=combiner, seed=seed)
            parts = [ours(registry, path.stem, values, labels, seed, options)]
            if with_peers:
                parts.append(peers(values, labels, seed))
            for found, spent in parts:
                for name, pair in found.items():
                    per_set[name].append(pair)
                for name, value in spent.items():
                    seconds[name] += value
        results[path.stem] = dict(per_set)
        line = "  ".join(
            f"{name} {np.mean(v, axis=0)[0]:.3f}/{np.mean(v, axis=0)[1]:.3f}" for name, v in per_set.items()
        )
        print(f"{path.stem} {values.shape} {labels.mean():.1%}: {line}", flush=True)
    names = list(next(iter(results.values())))
    print(f"\n{'mean over ' + str(len(paths)) + ' sets':24s} {'ROC AUC':>8s} {'avg prec':>9s} {'CPU s':>9s}")
    means = {}
    for name in names:
        auc, precision = np.mean([np.mean(found[name], axis=0) for found in results.values()], axis=0)
        means[name] = (float(auc), float(precision))
        print(f"{name:24s} {auc:8.4f} {precision:9.4f} {seconds[name]:9.1f}")
    if json_file is not None:
        json_file.write_text(json.dumps({"means": means, "sets": results, "seconds": seconds}, indent=1))
    auc, precision = means[CONSENSUS]
    if auc < at_least_auc or precision < at_least_ap:
        raise click.ClickException(
            f"the consensus reached {auc:.4f} and {precision:.4f}, wanted at least {at_least_auc} and {at_least_ap}"
        )


if __name__ == "__main__":
    main()
