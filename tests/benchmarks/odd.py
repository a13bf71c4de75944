"""How well the default panel finds anomalies in messy tables after training on normal rows, and what its encoder adds.

    python -m tests.benchmarks.odd --data DIR [--seeds 1] [--only NAME]... [--no-clean] [--json FILE]
        [--at-least-gain 0.0]

DIR holds sets in the layout of OddBench: one .npz each, with `X` of shape (rows, columns), every category already a
number; `feature_names`; `y`, 1 for an anomaly; and `is_train`, the rows to train on, all normal. The rest is scored.
The panel is told that its rows are known to be normal, as `anomalist run --clean` does, unless --no-clean is given.
Printed are ROC AUC and average precision, for each set and as means over seeds and sets, of

- the default panel behind our encoder, which gets the columns as a file would hold them, whole numbers as such, under
  their names, and each of its members;
- the same panel without the encoder, on the numbers as they are and on standardised ones, with the same calibration
  and combiner;
- PyOD's IForest, KNN and ECOD with their defaults, on both, too.

The gain of the encoder is the average precision of the panel behind it less the better of the two without. The command
exits with 1 where it is below --at-least-gain, or the panel's ROC AUC or average precision below --at-least-auc or
--at-least-ap, or where --ahead is given and a detector of PyOD has a higher mean of either.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))

import click
import numpy as np
import polars as pl
from sklearn.preprocessing import StandardScaler

from anomalist.data.dataset import Dataset
from anomalist.data.roles import Role
from anomalist.data.table import Table
from anomalist.engine.fitting.plan import make_plan
from anomalist.engine.fitting.request import RunOptions
from anomalist.plugins.registry import Registry
from tests.benchmarks.ensembles_peers import quiet
from tests.benchmarks.sets import data_option, files, fit_plan, only_option
from tests.benchmarks.tabular import measures

if TYPE_CHECKING:
    from anomalist.detector import Floats, Ints
    from anomalist.ensemble.model import Scores

PANEL = "panel, encoder"
WITHOUT = {"as they are": "panel, as they are", "standardised": "panel, standardised"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Odd:
    """A set: the rows to train on and the others, float32, shape (rows, columns); the labels of the others."""

    name: str
    columns: tuple[str, ...]
    train: Floats
    test: Floats
    labels: Ints

    @classmethod
    def load(cls, path: Path) -> Odd:
        """Read a file.

        Raises:
            ClickException: A training row is an anomaly.
        """
        with np.load(path) as arrays:
            values, labels = np.asarray(arrays["X"], dtype=np.float32), np.asarray(arrays["y"]).astype(int).ravel()
            chosen, names = np.asarray(arrays["is_train"]).astype(bool), tuple(map(str, arrays["feature_names"]))
        if labels[chosen].any():
            raise click.ClickException(f"{path}: {labels[chosen].sum()} rows to train on are anomalies")
        return cls(name=path.stem, columns=names, train=values[chosen], test=values[~chosen], labels=labels[~chosen])

    def frames(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Both parts as a file would hold them: columns of whole numbers are of an integer type."""
        whole = [bool((np.mod(both, 1.0) == 0).all()) for both in np.concatenate([self.train, self.test]).T]
        types = [np.int64 if one else np.float32 for one in whole]
        first, second = (
            pl.DataFrame({name: part[:, i].astype(types[i]) for i, name in enumerate(self.columns)})
            for part in (self.train, self.test)
        )
        return first, second

    def matrices(self, *, standardised: bool) -> tuple[Floats, Floats]:
        """Both parts as numbers, without the columns that are constant in the first."""
        varying = self.train.max(axis=0) > self.train.min(axis=0)
        train, test = self.train[:, varying], self.test[:, varying]
        if standardised:
            scaler = StandardScaler().fit(train.astype(np.float64))
            train, test = scaler.transform(train.astype(np.float64)), scaler.transform(test.astype(np.float64))
        return train, test


def encoded(odd: Odd, registry: Registry, options: RunOptions) -> Scores:
    """Fit the panel behind our encoder, and score the rows to test."""
    train, test = odd.frames()
    table = Table.from_frame(train, source=odd.name)
    model = fit_plan(make_plan(table, options, registry)).model
    return model.score(Table.from_frame(test, source=odd.name, like=table.reading))


def bare(odd: Odd, registry: Registry, options: RunOptions, *, standardised: bool) -> Scores:
    """The same without the encoder: the members see the numbers themselves."""
    train, test = odd.matrices(standardised=standardised)
    frame = pl.DataFrame({f"x{i}": train[:, i] for i in range(train.shape[1])})
    table = Table.from_frame(frame, source=odd.name, roles=dict.fromkeys(frame.columns, Role.NUMERIC))
    plan = replace(make_plan(table, options, registry), data=Dataset.from_array(train))
    return fit_plan(plan).model.score_encoded(Dataset.from_array(test))


def peers(odd: Odd, seed: int, *, kind: str) -> dict[str, Floats]:
    """Scores of PyOD's detectors."""
    from pyod.models.ecod import ECOD
    from pyod.models.iforest import IForest
    from pyod.models.knn import KNN

    train, test = odd.matrices(standardised=kind == "standardised")
    found = {}
    for make in (lambda: IForest(random_state=seed), KNN, ECOD):
        with quiet(seed):
            detector: Any = make().fit(train)
            found[f"PyOD {type(detector).__name__}, {kind}"] = np.nan_to_num(detector.decision_function(test))
    return found


def measured(odd: Odd, registry: Registry, seed: int, *, clean: bool) -> dict[str, tuple[float, float]]:
    """ROC AUC and average precision of everything on one set."""
    options = RunOptions(seed=seed, clean=clean)
    ours = encoded(odd, registry, options)
    scores: dict[str, Floats] = {PANEL: ours.score}
    for kind, name in WITHOUT.items():
        scores[name] = bare(odd, registry, options, standardised=kind == "standardised").score
    scores |= dict(zip(ours.members, ours.surprises.T, strict=True))
    for kind in WITHOUT:
        scores |= peers(odd, seed, kind=kind)
    return {name: measures(odd.labels, column) for name, column in scores.items()}


@click.command()
@data_option(required=True)
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True)
@only_option
@click.option("--clean/--no-clean", default=True, help="Whether the panel knows that it is fitted on normal rows.")
@click.option("--at-least-gain", type=float, help="Of average precision, over the panel without the encoder.")
@click.option("--at-least-auc", type=float, default=0.0)
@click.option("--at-least-ap", type=float, default=0.0)
@click.option("--ahead", is_flag=True, help="Ahead of each detector of PyOD.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write every figure to this file.")
def main(
    data: Path,
    seeds: int,
    only: tuple[str, ...],
    clean: bool,
    at_least_gain: float | None,
    at_least_auc: float,
    at_least_ap: float,
    ahead: bool,
    json_file: Path | None,
) -> None:
    """Print ROC AUC and average precision for each set, and means."""
    registry = Registry.load()
    sets: dict[str, dict[str, tuple[float, float]]] = {}
    for path in files(data, only):
        odd = Odd.load(path)
        runs = [measured(odd, registry, seed, clean=clean) for seed in range(seeds)]
        sets[odd.name] = {name: _mean([run[name] for run in runs]) for name in runs[0]}
        line = "  ".join(f"{name} {auc:.3f}/{precision:.3f}" for name, (auc, precision) in sets[odd.name].items())
        print(f"{odd.name} {odd.train.shape} {odd.labels.mean():.1%} of {len(odd.labels)}: {line}", flush=True)
    means = {name: _mean([found[name] for found in sets.values()]) for name in next(iter(sets.values()))}
    print(f"\n{f'mean over {len(sets)} sets':28s} {'ROC AUC':>8s} {'avg prec':>9s} {'panel better on':>16s}")
    for name, (auc, precision) in means.items():
        won = sum(found[PANEL][1] > found[name][1] for found in sets.values())
        print(f"{name:28s} {auc:8.4f} {precision:9.4f}" + (f" {won:11d} sets" if name != PANEL else ""))
    auc, precision = means[PANEL]
    gain = precision - max(means[name][1] for name in WITHOUT.values())
    print(f"\nThe encoder is worth {gain:+.4f} of average precision.")
    if json_file is not None:
        json_file.write_text(json.dumps({"means": means, "sets": sets, "gain": gain}, indent=1))
    missed = []
    if at_least_gain is not None and gain < at_least_gain:
        missed.append(f"the encoder was to be worth {at_least_gain}, got {gain:.4f}")
    if auc < at_least_auc or precision < at_least_ap:
        missed.append(f"the panel reached {auc:.4f} and {precision:.4f}, wanted {at_least_auc} and {at_least_ap}")
    for name, pair in means.items() if ahead else ():
        if name.startswith("PyOD") and (pair[0] >= auc or pair[1] >= precision):
            missed.append(f"{name} reached {pair[0]:.4f} and {pair[1]:.4f}, the panel {auc:.4f} and {precision:.4f}")
    if missed:
        raise click.ClickException("; ".join(missed))


def _mean(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    auc, precision = np.mean(pairs, axis=0).tolist()
    return auc, precision


if __name__ == "__main__":
    main()
