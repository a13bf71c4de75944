"""Retraining by kind of model: every policy of the threshold, labels with names of their own, and series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from anomalist.data.table import Table
from anomalist.engine.fitting.request import RunOptions, ThresholdRequest
from anomalist.engine.runs.run import run
from anomalist.engine.runs.score import score
from anomalist.engine.runs.sources import Source
from tests.engine.looping import PANEL, asked, first, next_version, payments, truth, verdicts

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.engine.workspace import Workspace


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "payments.csv"


@pytest.mark.parametrize(
    ("threshold", "flags"),
    [
        (ThresholdRequest(policy="budget", parameter=0.05), 20),
        (ThresholdRequest(policy="budget", parameter=7), 7),
        (ThresholdRequest(policy="fpr", parameter=0.05), None),
        (ThresholdRequest(policy="labels", parameter=1.0), None),
        (ThresholdRequest(policy="none", parameter=0.0), 0),
    ],
    ids=["a share", "rows", "fpr", "labels", "none"],
)
@pytest.mark.parametrize("members", ["reuse", "refit"])
def test_the_policy_of_the_threshold_is_carried_over(
    workspace: Workspace, path: Path, threshold: ThresholdRequest, flags: int | None, members: Any
) -> None:
    frame = payments().with_columns(fraud=(pl.col("amount") > 67).cast(pl.Int8))
    frame.write_csv(path)
    source = Source(location=str(path), key="id", label="fraud")
    table = source.read(workspace.registry)
    options = RunOptions(detectors=PANEL, threshold=threshold)
    made = run(workspace, table, options, name="m", origin=source.to_dict()).row
    verdicts(workspace, table, asked(workspace, made.id, 40))
    found = next_version(workspace, members=members, promote=True)
    kept = workspace.store.threshold(found.result.row.id)
    assert kept is not None
    before = workspace.store.threshold(made.id)
    assert before is not None
    assert kept.policy == before.policy == threshold.policy
    assert kept.settings == before.settings
    flagged = found.result.scores.flagged
    assert flags is None or flagged.sum() == flags
    if threshold.policy == "labels":
        assert (truth(table) == flagged).mean() > 0.98
    if threshold.policy == "fpr":
        fresh = Table.from_frame(payments(4_000, seed=7), key="id")
        normal = workspace.load("m")[0].score(fresh).flagged[~truth(fresh)]
        assert normal.mean() < 0.12


def test_rows_held_out_for_a_rate_stay_held_out_where_members_are_reused(workspace: Workspace, path: Path) -> None:
    made = first(workspace, path, threshold=ThresholdRequest(policy="fpr", parameter=0.05))
    table = Source.from_dict(made.params["origin"]).read(workspace.registry)
    verdicts(workspace, table, asked(workspace, made.id, 20))
    same = next_version(workspace, stacker="consensus", promote=False)
    other = next_version(workspace, stacker="consensus", promote=False, seed=17)
    for found in (same, other):  # plain consensus: the same rows held out give the same rows flagged
        np.testing.assert_array_equal(found.result.scores.flagged, workspace.store.scores(made.id).flagged)


def test_labels_that_were_named_as_positive_stay_positive(workspace: Workspace, path: Path) -> None:
    frame = payments().with_columns(kind=pl.when(pl.col("amount") > 67).then(pl.lit("bad")).otherwise(pl.lit("good")))
    frame = frame.with_columns(kind=pl.when(pl.col("id") == "r0").then(pl.lit("odd")).otherwise(pl.col("kind")))
    frame.write_csv(path)
    source = Source(location=str(path), key="id", label="kind")
    table = source.read(workspace.registry)
    options = RunOptions(detectors=PANEL, threshold=ThresholdRequest(policy="labels", parameter=1.0))
    made = run(workspace, table, options, name="m", origin=source.to_dict(), positive=["bad", "odd"]).row
    verdicts(workspace, table, asked(workspace, made.id, 20))
    labelled = truth(table) | (table.keys == "r0").to_numpy()
    judged = table.keys.is_in(asked(workspace, made.id, 20)).to_numpy()
    for _ in range(2):
        found = next_version(workspace, promote=True)
        assert found.result.evaluation is not None
        assert (
            found.result.evaluation["anomalies"] == (labelled & ~judged).sum()
        )  # nobody is measured by what it learned


def test_another_budget_takes_the_place_of_the_policy(workspace: Workspace, path: Path) -> None:
    made = first(workspace, path)
    table = Source.from_dict(made.params["origin"]).read(workspace.registry)
    verdicts(workspace, table, asked(workspace, made.id, 20))
    assert next_version(workspace, budget=13).result.row.flagged == 13


def machines(seed: int = 0) -> pl.DataFrame:
    """Two machines over 300 hours; the heat of one is stuck at a level for ten of them."""
    rng = np.random.default_rng(seed)
    hours = np.arange(300)
    heat = np.concatenate([np.sin(hours / 5), np.sin(hours / 5 + 1)]) + rng.normal(0, 0.05, 600)
    heat[150:160] = 2.5
    return pl.DataFrame(
        {
            "when": np.tile(hours, 2) * 3600.0,
            "who": ["a"] * 300 + ["b"] * 300,
            "heat": heat,
            "load": np.tile(np.cos(hours / 9), 2) + rng.normal(0, 0.05, 600),
        }
    )


def test_series_learn_from_verdicts_on_their_own_rows(workspace: Workspace, path: Path) -> None:
    machines().write_csv(path)
    source = Source(location=str(path), time="when", entity="who")
    table = source.read(workspace.registry)
    made = run(workspace, table, RunOptions(detectors=("knn", "distance")), name="m", origin=source.to_dict()).row
    assert workspace.load("m")[0].windower is not None

    def stuck(values: Any) -> Any:
        return "anomaly" if values["heat"] > 2 else "false_alarm"

    verdicts(workspace, table, asked(workspace, made.id, 60), say=stuck)
    for members in ("reuse", "refit"):
        assert next_version(workspace, members=members, promote=False).outcome.verdicts == 60
    model, row = workspace.load("m:2")
    assert np.isfinite(model.score(table).score).all()
    later = Table.from_frame(machines(seed=1), time="when", entity="who", source="later.csv")
    scored = score(workspace, later, model, row).row
    verdicts(workspace, later, asked(workspace, scored.id, 5), say=stuck)
    found = next_version(workspace, "m:2", promote=False)
    assert found.outcome.verdicts == 60
    assert any("left out: 5 judged rows of later.csv: " in note for note in found.result.row.notes)
