"""A search as a whole: what it finds and stores, how it goes on, and what it does when things go wrong."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import optuna
import polars as pl
import pytest

from anomalist.data.table import Table
from anomalist.engine.tuning.ground import Known
from anomalist.engine.tuning.judge import TRUST
from anomalist.engine.tuning.request import TuneOptions
from anomalist.engine.tuning.tune import tune
from anomalist.errors import DataError, ParameterError, RunError, UsageError
from anomalist.plugins.registry import Registry
from tests.helpers import install_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.engine.workspace import Workspace

COUNTING = """
from dataclasses import dataclass
import polars as pl
from anomalist.detector import FeatureSpec, hookimpl

@dataclass
class Doubled:
    'Twice a column.'

    def fit(self, table):
        return self

    def transform(self, table):
        return pl.DataFrame({"twice": 2.0 * table.frame["a"]})

    def state(self):
        return {}

    def restore(self, state):
        return self

@hookimpl
def anomalist_features():
    return [FeatureSpec(name="doubled", summary="Twice a column.", factory=f"{__name__}:Doubled")]
"""

OPTIONS = TuneOptions(detectors=("weighted",), trials=12)


def tried(trials: object) -> list[object]:
    return [(trial.number, dict(trial.point), trial.state, trial.folds) for trial in trials]


def test_a_search_finds_what_matters_and_compares_it_on_rows_that_no_trial_saw(
    searching: Workspace, labelled: Table
) -> None:
    found = tune(searching, labelled, OPTIONS)
    (one,) = found.detectors
    assert (one.name, one.resumed, len(one.trials)) == ("careful:weighted", 0, 12)
    assert one.trials[0].point == {}
    assert one.trials[0].line == "careful:weighted"
    assert one.best.point["turned"] == "no"
    assert one.best.point["weight"] > 0.5
    assert one.best.value > 0.8 > one.trials[0].value
    assert {trial.state for trial in one.trials} == {"done", "pruned"}
    assert one.verdict is not None
    assert (one.verdict.ruling, one.verdict.rows, one.verdict.anomalies) == ("better", 72, 12)
    pair = one.verdict.measures["average_precision"]
    assert pair.low > 0
    assert one.reason.startswith("better than the defaults: average precision ")
    name, params = searching.registry.parse(one.best.line)
    assert searching.registry.build(name, params).weight == one.best.point["weight"]


def test_trials_are_runs_of_the_store(searching: Workspace, labelled: Table) -> None:
    found = tune(searching, labelled, OPTIONS)
    assert [run.id for run in searching.store.runs()] == [found.run.id] == [searching.store.run("latest").id]
    assert found.run.results["tune"]["detectors"][0]["line"] == found.detectors[0].best.line
    runs = {run.id: run for run in searching.store.runs(100, trials=True)}
    assert len(runs) == 13
    for trial in found.detectors[0].trials:
        run = runs[trial.run]
        assert (run.kind, run.status) == ("evaluate", "done")
        assert run.params["trial"]["study"] == found.run.id
        assert run.results["trial"] == {
            "state": trial.state,
            "folds": list(trial.folds),
            "judged_by": "average_precision",
        }
        (member,) = searching.store.members(trial.run)
        assert member.params == trial.point
        assert (member.notes != ()) == (trial.state == "pruned")


def test_the_same_call_goes_on_and_finds_what_one_call_would_have(searching: Workspace, labelled: Table) -> None:
    first = tune(searching, labelled, replace(OPTIONS, trials=4))
    second = tune(searching, labelled, OPTIONS)
    assert second.detectors[0].resumed == 4
    assert second.detectors[0].trials[:4] == tuple(
        replace(trial, seconds=again.seconds)
        for trial, again in zip(first.detectors[0].trials, second.detectors[0].trials, strict=False)
    )
    whole = tune(searching, labelled, replace(OPTIONS, fresh=True))
    assert whole.detectors[0].resumed == 0
    assert tried(whole.detectors[0].trials) == tried(second.detectors[0].trials)
    again = tune(searching, labelled, OPTIONS)  # goes on from the newest, and has nothing left to do
    assert (again.detectors[0].resumed, len(again.detectors[0].trials)) == (12, 12)
    assert [trial.run for trial in again.detectors[0].trials] == [trial.run for trial in whole.detectors[0].trials]
    assert again.detectors[0].verdict == whole.detectors[0].verdict


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"metric": "roc_auc"}, {"space": "weight=0..1"}, {"rows": 200}, {"detectors": ("weighted:steps=4",)}],
)
def test_what_was_asked_otherwise_is_another_search(searching: Workspace, labelled: Table, change: dict) -> None:
    tune(searching, labelled, replace(OPTIONS, trials=2))
    assert tune(searching, labelled, replace(OPTIONS, trials=2, **change)).detectors[0].resumed == 0


def test_other_labels_or_what_they_mean_are_another_search(searching: Workspace, labelled: Table) -> None:
    options = replace(OPTIONS, trials=2)
    tune(searching, labelled, options)
    for positive, resumed in (({"1"}, 0), ({"1"}, 2), ({"0"}, 0)):
        assert tune(searching, labelled, options, positive=positive).detectors[0].resumed == resumed
    other = labelled.frame.with_columns(fraud=1 - pl.col("fraud"))
    table = Table.from_frame(other, source="payments.csv", label="fraud")
    assert tune(searching, table, options).detectors[0].resumed == 0


def test_an_interrupted_search_keeps_its_trials(searching: Workspace, labelled: Table, tmp_path: Path) -> None:
    options = replace(OPTIONS, detectors=("interrupted:turned=no",))
    (tmp_path / "careful" / "interrupt").touch()
    with pytest.raises(KeyboardInterrupt):
        tune(searching, labelled, options)
    (tmp_path / "careful" / "interrupt").unlink()
    statuses = [run.status for run in searching.store.runs(100, trials=True)]
    done = statuses.count("done")
    assert statuses == ["cancelled", *["done"] * done, "cancelled"]
    (one,) = tune(searching, labelled, options).detectors
    assert (one.resumed, len(one.trials)) == (done, 12)
    (whole,) = tune(searching, labelled, replace(options, fresh=True)).detectors
    assert tried(one.trials) == tried(whole.trials)


def test_a_trial_that_fails_does_not_stop_the_search(searching: Workspace, labelled: Table) -> None:
    (one,) = tune(searching, labelled, replace(OPTIONS, detectors=("picky",))).detectors
    failed = [trial for trial in one.trials if trial.state == "failed"]
    assert 0 < len(failed) < 12
    for trial in failed:
        assert trial.error == "package careful: RuntimeError: too much weight"
        run = searching.store.run(trial.run)
        assert (run.status, run.error) == ("failed", trial.error)
        assert searching.store.members(trial.run)[0].status == "failed"
    (again,) = tune(searching, labelled, replace(OPTIONS, detectors=("picky",))).detectors
    assert tried(again.trials) == tried(one.trials)


def test_no_trial_that_ends_is_an_error(searching: Workspace, labelled: Table) -> None:
    with pytest.raises(RunError, match=r"careful:broken: no trial came to its end: .* RuntimeError: out of luck"):
        tune(searching, labelled, replace(OPTIONS, detectors=("broken",), trials=2))
    assert searching.store.run("latest").status == "failed"


def test_the_time_ends_a_search_and_leaves_the_next_detector_its_share(searching: Workspace, labelled: Table) -> None:
    started = time.monotonic()
    one, other = tune(searching, labelled, replace(OPTIONS, detectors=("slow", "weighted"), seconds=3.0)).detectors
    assert time.monotonic() - started < 8.0  # the search, one trial and the comparison, on a busy machine
    assert 1 <= len(one.trials) < 4
    assert (one.ended, one.wanted) == ("seconds", 12)
    assert one.verdict is not None
    assert {trial.state for trial in one.trials} <= {"done", "pruned"}
    assert len(other.trials) > 1


def test_the_defaults_are_tried_however_little_time_there_is(searching: Workspace, labelled: Table) -> None:
    options = replace(OPTIONS, detectors=("slow", "weighted"), seconds=0.01)
    for resumed in (0, 1):
        for one in tune(searching, labelled, options).detectors:
            assert [(trial.number, trial.state) for trial in one.trials] == [(0, "done")]
            assert (one.ended, one.resumed) == ("seconds", resumed)
            assert one.verdict is not None
    statuses = [run.status for run in searching.store.runs(100, trials=True)]
    assert statuses.count("done") == 4


def test_what_failed_for_want_of_time_is_tried_again_with_more(searching: Workspace, labelled: Table) -> None:
    options = replace(OPTIONS, detectors=("slow",), trials=2, timeout=0.1)
    with pytest.raises(RunError, match="no trial came to its end"):
        tune(searching, labelled, options)
    statuses = [searching.store.members(run.id)[0].status for run in searching.store.runs(2, trials=True)]
    assert statuses == ["timed_out", "timed_out"]
    with pytest.raises(RunError, match="no trial came to its end"):
        tune(searching, labelled, replace(options, timeout=0.05))
    assert len(searching.store.runs(100, trials=True)) == 4  # with less time nothing is tried again
    (one,) = tune(searching, labelled, replace(options, timeout=60.0)).detectors
    assert (one.resumed, one.again) == (2, 2)
    assert [trial.state for trial in one.trials] == ["done", "done"]
    (more,) = tune(searching, labelled, options).detectors
    assert (more.resumed, more.again) == (2, 0)
    assert tried(more.trials) == tried(one.trials)


def test_what_failed_is_tried_again_with_more_memory_and_the_rest_goes_on_from_there(
    searching: Workspace, labelled: Table
) -> None:
    options = replace(OPTIONS, detectors=("picky",), memory=10**9)
    (one,) = tune(searching, labelled, options).detectors
    failed = {trial.number for trial in one.trials if trial.state == "failed"}
    assert failed
    (again,) = tune(searching, labelled, replace(options, memory=2 * 10**9, trials=13)).detectors
    assert (again.resumed, again.again, len(again.trials)) == (12, len(failed), 13)
    assert tried(again.trials[:12]) == tried(one.trials)
    assert failed == {
        number
        for number, (trial, before) in enumerate(zip(again.trials, one.trials, strict=False))
        if trial.run != before.run
    }
    (last,) = tune(searching, labelled, replace(options, memory=2 * 10**9, trials=13)).detectors
    assert last.again == 0


@pytest.mark.parametrize("changed", ["careful", "counting"])
def test_a_new_version_of_a_plugin_is_another_search(
    changed: str, searching: Workspace, labelled: Table, tmp_path: Path
) -> None:
    site = tmp_path / "careful"
    install_plugin(site, "counting", COUNTING)
    searching = replace(searching, registry=Registry.load())
    options = replace(OPTIONS, trials=2, features=("doubled",))
    tune(searching, labelled, replace(options, features=()))
    assert tune(searching, labelled, options).detectors[0].resumed == 0
    assert tune(searching, labelled, options).detectors[0].resumed == 2
    old = site / f"{changed}-1.0.dist-info"
    metadata = (old / "METADATA").read_text()
    (old / "METADATA").write_text(metadata.replace("Version: 1.0", "Version: 1.1"))
    old.rename(site / f"{changed}-1.1.dist-info")
    upgraded = replace(searching, registry=Registry.load())
    assert tune(upgraded, labelled, options).detectors[0].resumed == 0
    assert tune(upgraded, labelled, options).detectors[0].resumed == 2


def test_without_labels_it_says_how_far_it_can_be_trusted(searching: Workspace, labelled: Table) -> None:
    plain = Table.from_frame(labelled.frame.drop("fraud"), source="payments.csv")
    options = replace(OPTIONS, unsupervised=True, panel="fast", trials=5)
    found = tune(searching, plain, options)
    (one,) = found.detectors
    assert found.judged_by == "consensus"
    assert TRUST in found.run.notes
    assert one.verdict is None
    assert "whether it finds more anomalies is not known" in one.reason
    assert one.best.value > one.trials[0].value
    assert one.best.point["turned"] == "no"


def test_labels_judge_the_result_of_a_search_that_did_not_see_them(searching: Workspace, labelled: Table) -> None:
    found = tune(searching, labelled, replace(OPTIONS, unsupervised=True, panel="fast", trials=3))
    (one,) = found.detectors
    assert found.judged_by == "consensus"
    assert one.verdict is not None
    assert (one.verdict.rows, one.verdict.anomalies) == (72, 12)
    few = labelled.frame.with_columns(fraud=(pl.col("a") > 4.5).cast(pl.Int8))
    unseen = Table.from_frame(few, source="payments.csv", label="fraud")
    found = tune(searching, unseen, replace(OPTIONS, unsupervised=True, panel="fast", trials=2))
    assert found.detectors[0].verdict is None
    assert found.run.notes[0].startswith("the result is not compared by labels: payments.csv: label column 'fraud': 10")


def test_rows_with_a_time_are_judged_by_later_ones(searching: Workspace, labelled: Table) -> None:
    frame = labelled.frame.with_columns(day=pl.Series(np.random.default_rng(5).permutation(240)))
    table = Table.from_frame(frame, source="payments.csv", label="fraud", time="day")
    (one,) = tune(searching, table, replace(OPTIONS, trials=3)).detectors
    assert one.verdict is not None
    assert one.verdict.anomalies == int(frame.filter(pl.col("day") >= 168)["fraud"].sum())
    early = frame.with_columns(fraud=(pl.col("day") < 40).cast(pl.Int64))
    with pytest.raises(
        DataError, match="the latest rows, which are held out: more anomalies or normal rows are needed"
    ):
        tune(searching, Table.from_frame(early, source="p.csv", label="fraud", time="day"), OPTIONS)


def test_many_rows_are_sampled_and_said_so(searching: Workspace, labelled: Table) -> None:
    found = tune(searching, labelled, replace(OPTIONS, rows=120, trials=2))
    assert "the search sees 120 of 240 rows, drawn at random, as the option rows says" in found.run.notes
    verdict = found.detectors[0].verdict
    assert verdict is not None
    assert (verdict.rows, verdict.anomalies) == (36, 6)


def test_a_sample_has_enough_of_rare_anomalies(labelled: Table) -> None:
    rare = labelled.frame.with_columns(fraud=pl.when(pl.col("fraud").cum_sum() <= 12).then("fraud").otherwise(0))
    known = Known.of(Table.from_frame(rare, source="p.csv", label="fraud"), TuneOptions(rows=100), None)
    assert (len(known.table), known.truth.sum()) == (100, 10)


def test_no_values_are_tried_twice(searching: Workspace, labelled: Table) -> None:
    options = replace(OPTIONS, space="weight=0.0|0.5|1.0,turned=no|yes", trials=20)
    (found,) = tune(searching, labelled, options).detectors
    points = [tuple(trial.point.values()) for trial in found.trials]
    assert points[0] == ()  # the defaults, 0.0 and no
    assert sorted(points[1:]) == [("0.0", "yes"), ("0.5", "no"), ("0.5", "yes"), ("1.0", "no"), ("1.0", "yes")]
    (again,) = tune(searching, labelled, options).detectors
    assert tried(again.trials) == tried(found.trials)


def test_several_detectors_are_searched_one_after_the_other(searching: Workspace, labelled: Table) -> None:
    found = tune(searching, labelled, replace(OPTIONS, detectors=("weighted:turned=no", "picky"), trials=2))
    assert [one.name for one in found.detectors] == ["careful:weighted", "careful:picky"]
    assert found.detectors[0].best.line.startswith("careful:weighted:turned=no")


def test_what_cannot_be_searched_is_refused_before_anything_is_stored(searching: Workspace, labelled: Table) -> None:
    plain = Table.from_frame(labelled.frame.drop("fraud"), source="payments.csv")
    with pytest.raises(UsageError, match="name their column as the label, or search unsupervised"):
        tune(searching, plain, OPTIONS)
    few = Table.from_frame(labelled.frame.with_columns(fraud=(pl.col("a") > 3.5).cast(pl.Int8)), label="fraud")
    with pytest.raises(DataError, match="10 anomalies and 10 normal rows are needed"):
        tune(searching, few.take(slice(0, 60)), OPTIONS)
    assert searching.store.runs(10, trials=True) == []


@pytest.mark.parametrize("change", [{"trials": 1}, {"seconds": 0.0}, {"metric": "f1"}, {"rows": 5}, {"timeout": -1.0}])
def test_options_out_of_their_range_are_refused(change: dict) -> None:
    with pytest.raises(ParameterError, match=next(iter(change))):
        replace(OPTIONS, **change)


def test_a_space_is_for_one_detector() -> None:
    with pytest.raises(UsageError, match="a space is for one detector"):
        TuneOptions(detectors=("a", "b"), space="k=1..2")


def test_a_detector_is_named_once() -> None:
    assert TuneOptions(detectors=("knn", "knn:metric=manhattan"))
    with pytest.raises(UsageError, match="detector knn is named twice"):
        TuneOptions(detectors=("knn", "knn"))


def test_optuna_says_nothing_and_keeps_its_own_level(
    searching: Workspace, labelled: Table, capfd: pytest.CaptureFixture[str]
) -> None:
    level = optuna.logging.get_verbosity()
    tune(searching, labelled, replace(OPTIONS, trials=3))
    assert optuna.logging.get_verbosity() == level
    assert capfd.readouterr() == ("", "")
