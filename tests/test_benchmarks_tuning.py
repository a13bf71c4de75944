"""The benchmark of tuning: random settings are judged as the search judges, and its tables count what there is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from anomalist.data.table import Table
from anomalist.engine.tuning.request import TuneOptions
from anomalist.engine.workspace import Workspace
from anomalist.plugins.registry import Registry
from anomalist.store.repository import Store
from tests.benchmarks.tuning import at_random, searched
from tests.benchmarks.tuning_report import METRICS, report

if TYPE_CHECKING:
    from pathlib import Path


def found(value: float, best: float, gain: float, ruling: str) -> dict[str, dict[str, Any]]:
    """What a search and a random one brought on one set."""
    measures = {metric: {"defaults": 0.5, "tuned": 0.5 + gain, "gain": gain} for metric in METRICS}
    by_labels = {**measures, "ruling": ruling, "value": value, "seconds": 2.0}
    names = ("rank", "over_defaults", "over_random", "unseen")
    random = {"best": best} | {f"{name}_{metric}": 0.25 for name in names for metric in METRICS}
    return {"by_labels": by_labels, "without": by_labels, "random": random}


def test_the_report_counts_and_takes_means_over_sets_and_detectors(capsys: pytest.CaptureFixture[str]) -> None:
    sets = {
        "one": {"knn": found(0.9, 0.7, 0.2, "better"), "gmm": found(0.5, 0.5005, 0.0, "unproven")},
        "two": {"knn": found(0.6, 0.8, -0.1, "worse"), "gmm": found(0.7, 0.5, 0.1, "unproven")},
    }
    means = report(sets)
    assert means["knn"]["lead"] == pytest.approx(0.0)
    assert means["all"]["lead"] == pytest.approx((0.2 - 0.0005 - 0.2 + 0.2) / 4)
    assert means["all"]["by_labels_average_precision_gain"] == pytest.approx(0.05)
    assert means["gmm"]["rank_roc_auc"] == 0.25
    assert means["gmm"]["lead_unseen_roc_auc"] == pytest.approx(0.3)
    gains, _, leads = (part.splitlines() for part in capsys.readouterr().out.strip().split("\n\n"))
    assert gains[-1].count("1/2/1") == 2
    assert "2/1/1" in leads[-1]


def test_settings_at_random_are_judged_on_the_folds_of_the_search(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    label = rng.permutation(np.repeat([1, 0], [40, 200]))
    columns = {"a": rng.normal(size=240) + 3.0 * label, "b": rng.normal(size=240), "label": label}
    table = Table.from_frame(pl.DataFrame(columns), source="rows", label="label")
    options = TuneOptions(detectors=("mahalanobis",), trials=2, unsupervised=True, panel="fast")
    with Workspace(store=Store.open(data_home=tmp_path), registry=Registry.load(), models=tmp_path) as workspace:
        (random,) = at_random(workspace, table, options)
        (by_labels,) = searched(workspace, table, replace(options, unsupervised=False))  # draws the same second point
    assert random["best"] == by_labels["value"]
    assert random["unseen_roc_auc"] == by_labels["roc_auc"]["tuned"]
