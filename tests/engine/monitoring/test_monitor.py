"""Monitor: rows that are still the same raise no alarm, and rows that are not are named."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from anomalist.data.table import Table
from anomalist.engine.fitting.request import RetrainOptions, RunOptions, ThresholdRequest
from anomalist.engine.models import files as model_files
from anomalist.engine.monitoring.monitor import monitor, watch
from anomalist.engine.monitoring.precision import Share, precision_of
from anomalist.engine.retraining.retrain import retrain
from anomalist.engine.runs.run import run
from anomalist.engine.runs.score import score
from anomalist.errors import SchemaMismatchError, UnknownNameError, UsageError
from anomalist.store.rows import NewFeedback

if TYPE_CHECKING:
    from collections.abc import Callable

    from anomalist.engine.monitoring.drift import Drift
    from anomalist.engine.workspace import Workspace
    from anomalist.ensemble.model import Model
    from anomalist.store.rows import ModelRow, RunRow, Verdict

PLAIN = RunOptions(detectors=("distance",))


def _payments(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "amount": rng.lognormal(3, 1, rows),
            "age": rng.normal(40, 12, rows),
            "items": rng.poisson(2, rows),
            "wait": np.where(rng.random(rows) < 0.8, 0.0, rng.exponential(5, rows)),
            "note": pl.Series(np.where(rng.random(rows) < 0.3, np.nan, rng.normal(size=rows))).fill_nan(None),
            "channel": rng.choice(["web", "shop", "phone", "post"], rows, p=[0.6, 0.25, 0.1, 0.05]),
            "shop": [f"s{value}" for value in rng.integers(0, 80, rows)],
            "vip": rng.random(rows) < 0.1,
        }
    )


def _fitted(workspace: Workspace, frame: pl.DataFrame, name: str = "m", **given: str) -> tuple[Model, ModelRow]:
    run(workspace, Table.from_frame(frame, source="train", **given), PLAIN, name=name)
    return workspace.load(name)


def _watched(workspace: Workspace, fitted: tuple[Model, ModelRow], frame: pl.DataFrame) -> Drift:
    model, row = fitted
    return watch(workspace, Table.from_frame(frame, source="new", like=model.encoder.reading), model, row)


def test_rows_of_the_same_kind_raise_no_alarm(workspace: Workspace) -> None:
    alarms = []
    for rows in (100, 500, 3_000):
        fitted = _fitted(workspace, _payments(rows, rows), f"m{rows}")
        for seed in range(8):
            for new in (50, 300, 4_000):
                drift = _watched(workspace, fitted, _payments(new, 10_000 + 10 * seed + new))
                alarms += [drift.verdict] if drift.found else []
                assert drift.verdict.startswith("drift" if drift.found else "no drift: none of 8 columns moved")
    assert len(alarms) <= 2, alarms  # of 72


def _older(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(age=pl.col("age") + 6.0)  # half a standard deviation


def _by_app(frame: pl.DataFrame) -> pl.DataFrame:
    chosen = pl.Series(np.random.default_rng(0).random(len(frame)) < 0.05)
    return frame.with_columns(channel=pl.when(chosen).then(pl.lit("app")).otherwise("channel"))


def _gone(frame: pl.DataFrame) -> pl.DataFrame:
    chosen = pl.Series(np.random.default_rng(0).random(len(frame)) < 0.1)
    return frame.with_columns(amount=pl.when(~chosen).then("amount"))


@pytest.mark.parametrize(
    ("change", "column", "why"),
    [(_older, "age", "PSI 0."), (_by_app, "channel", "in new levels such as 'app'"), (_gone, "amount", "missing 0.0%")],
)
@pytest.mark.parametrize("rows", [500, 2_000])
def test_a_change_is_found_and_named(
    workspace: Workspace, change: Callable[[pl.DataFrame], pl.DataFrame], column: str, why: str, rows: int
) -> None:
    fitted = _fitted(workspace, _payments(rows, 0))
    for seed in range(1, 6):
        drift = _watched(workspace, fitted, change(_payments(rows, seed)))
        assert [moved.column for moved in drift.moved] == [column]
        assert any(why in said for said in drift.moved[0].why)
        assert drift.verdict.startswith(f"drift: 1 of 8 columns moved ({column} ")
        assert drift.moved[0].p is not None
        assert drift.moved[0].p < 0.01


def test_a_level_that_only_became_frequent_is_no_new_one(workspace: Workspace) -> None:
    fitted = _fitted(workspace, _payments(500, 0))
    frame = _payments(500, 1).with_columns(channel=pl.lit("post"))
    (moved,) = _watched(workspace, fitted, frame).moved
    assert (moved.column, moved.new_share, moved.new_levels) == ("channel", 0.0, ())
    assert moved.changed.startswith("'post' ")
    assert moved.changed.endswith("-> 100.0%")


def test_scores_move_where_columns_only_stand_otherwise_to_each_other(workspace: Workspace) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=2_000)
    frame = pl.DataFrame({"x": x, "y": x + rng.normal(0, 0.1, 2_000)})
    run(workspace, Table.from_frame(frame), RunOptions(detectors=("mahalanobis",)), name="m")
    drift = _watched(workspace, workspace.load("m"), frame.with_columns(pl.col("y").shuffle(seed=0)))
    assert drift.moved == ()
    assert drift.scores.judged
    assert drift.scores.flagged_now > 0.5
    assert drift.verdict.startswith("drift: scores moved (KS 0.")


def test_scores_of_a_model_that_saw_few_rows_are_shown_and_not_judged(workspace: Workspace) -> None:
    drift = _watched(workspace, _fitted(workspace, _payments(300, 0)), _payments(300, 1))
    assert not drift.scores.judged
    assert drift.scores.ks is not None


def test_too_few_rows_cannot_tell_and_raise_no_alarm(workspace: Workspace) -> None:
    fitted = _fitted(workspace, _payments(300, 0))
    few = _watched(workspace, fitted, _older(_payments(29, 1)).with_columns(channel=pl.lit("app")))
    assert not few.found
    assert few.verdict == "cannot tell: at least 30 rows are needed, got 29"
    small = _watched(workspace, _fitted(workspace, _payments(20, 0), "small"), _payments(300, 1))
    assert small.verdict == "cannot tell: the model was fitted on 20 rows, and at least 30 are needed"
    assert {column.p for column in (*few.columns, *small.columns)} == {None}


def test_a_row_alone_and_an_empty_column_can_be_looked_at(workspace: Workspace) -> None:
    fitted = _fitted(workspace, _payments(300, 0))
    assert _watched(workspace, fitted, _payments(1, 1)).verdict.startswith("cannot tell")
    drift = _watched(workspace, fitted, _payments(300, 1).with_columns(age=pl.lit(None, dtype=pl.Float64)))
    assert [(moved.column, moved.why, moved.psi) for moved in drift.moved] == [
        ("age", ("missing 0.0% -> 100.0%",), None)
    ]


def _machines(start: int, steps: int, seed: int, *, hotter: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    hours = start + np.arange(steps)
    parts = []
    for who in ("a", "b"):
        drifting = np.convolve(rng.normal(size=steps + 9), np.ones(10) / 3, mode="valid")  # ten hours are alike
        parts.append(
            pl.DataFrame(
                {
                    "when": [datetime(2024, 1, 1) + timedelta(hours=int(hour)) for hour in hours],
                    "machine": who,
                    "heat": 20 + 5 * np.sin(2 * np.pi * hours / 24) + drifting + hotter,
                    "load": rng.normal(size=steps),
                }
            )
        )
    return pl.concat(parts)


def test_series_are_judged_by_how_many_of_their_rows_are_independent(workspace: Workspace) -> None:
    fitted = _fitted(workspace, _machines(0, 1_500, 0), time="when", entity="machine")
    reference = fitted[0].reference
    assert reference is not None
    heat, load = (column.aspects["value"].memory for column in reference.columns)
    assert heat > 3 * load
    same = [_watched(workspace, fitted, _machines(1_500 + 31 * i, 100, i + 1)) for i in range(12)]
    assert sum(drift.found for drift in same) <= 1
    hotter = [_watched(workspace, fitted, _machines(1_500 + 31 * i, 400, i + 1, hotter=6.0)) for i in range(3)]
    assert all("heat" in {moved.column for moved in drift.moved} for drift in hotter)
    hours = _watched(workspace, fitted, _machines(1_500, 16, 1))  # 32 rows, all of which go up and down together
    assert not hours.found
    assert {column.p for column in hours.columns if column.column == "heat"} == {None}


def test_a_monitoring_is_a_run_without_scores(workspace: Workspace) -> None:
    model, row = _fitted(workspace, _payments(300, 0))
    table = Table.from_frame(_by_app(_payments(500, 1)), source="new.csv", like=model.encoder.reading)
    found = monitor(workspace, table, model, row, origin={"location": "new.csv"})
    kept = workspace.store.run(found.run.id)
    assert (kept.kind, kept.status, kept.model, kept.flagged) == ("evaluate", "done", ("m", 1), None)
    assert kept.results == {"drift": _plain(found.drift.to_dict())}
    assert kept.params == {"model": "m:1", "origin": {"location": "new.csv"}}
    assert any("level never seen in training" in note for note in kept.notes)
    with pytest.raises(UnknownNameError, match="has no scores"):
        workspace.store.scored_run(kept.id)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def test_what_cannot_be_compared_is_refused_before_a_run_begins(workspace: Workspace) -> None:
    model, row = _fitted(workspace, _payments(300, 0))
    lacking = Table.from_frame(_payments(300, 1).drop("age"), source="new.csv", like=model.encoder.reading)
    with pytest.raises(SchemaMismatchError, match=r"new\.csv: column 'age' is missing"):
        monitor(workspace, lacking, model, row)
    whole = Table.from_frame(_payments(300, 1), like=model.encoder.reading)
    with pytest.raises(UsageError, match="m:1 was saved by an earlier version"):
        monitor(workspace, whole, replace(model, reference=None), row)
    assert [found.kind for found in workspace.store.runs()] == ["fit"]


def test_a_model_without_a_reference_is_saved_and_loaded_as_ever(workspace: Workspace) -> None:
    model, _ = _fitted(workspace, _payments(300, 0))
    bare = replace(model, reference=None)
    assert "reference" not in bare.parts()
    again = model_files.load(
        workspace.models, model_files.save(bare, workspace.models, workspace.registry), workspace.registry
    )
    assert again.reference is None
    table = Table.from_frame(_payments(50, 1), like=model.encoder.reading)
    np.testing.assert_array_equal(again.score(table).score, model.score(table).score)


def _judge(
    workspace: Workspace, found: RunRow, keys: list[str], verdicts: list[Verdict], *, random: bool = False
) -> None:
    workspace.store.add_feedback(
        [
            NewFeedback(
                fingerprint=found.dataset.fingerprint,
                key=key,
                verdict=verdict,
                analyst="ann",
                values={},
                run=found.id,
                asked="random" if random else "top",
                probability=0.1 if random else None,
            )
            for key, verdict in zip(keys, verdicts, strict=True)
        ]
    )


def test_verdicts_on_flagged_rows_say_how_precise_the_model_is(workspace: Workspace) -> None:
    frame = _payments(400, 0).with_columns(id=pl.int_range(400).cast(pl.String) + "k")
    table = Table.from_frame(frame, key="id")
    first = run(workspace, table, RunOptions(detectors=("distance",)), name="m").row
    row = workspace.find("m")
    assert precision_of(workspace, row) is None
    flagged = [found.key for found in workspace.store.top(first.id, 4, flagged_only=True)]
    ordinary = [found.key for found in workspace.store.top(first.id, 400)[-2:]]
    _judge(workspace, first, flagged, ["anomaly", "false_alarm", "anomaly", "unsure"])
    _judge(workspace, first, ordinary, ["anomaly", "expected"], random=True)
    found = precision_of(workspace, row)
    assert found is not None
    assert (found.all.hits, found.all.rows, found.random) == (2, 3, None)
    _judge(workspace, first, flagged[:1], ["expected"], random=True)  # a change of mind
    found = precision_of(workspace, row)
    assert found is not None
    assert (found.all.hits, found.all.rows) == (1, 3)
    assert found.random is not None
    assert (found.random.hits, found.random.rows) == (0, 1)
    drift = watch(workspace, table, *workspace.load("m"))
    assert drift.to_dict()["precision"]["all"]["share"] == pytest.approx(1 / 3)
    second = run(workspace, Table.from_frame(_payments(400, 5), key=None), PLAIN, name="m")
    assert second.row.model == ("m", 2)
    assert precision_of(workspace, workspace.find("m:2")) is None  # it has flagged none of those rows


def test_of_two_runs_over_the_same_rows_the_newer_says_what_is_flagged(workspace: Workspace) -> None:
    frame = _payments(400, 0).with_columns(id=pl.int_range(400).cast(pl.String) + "k")
    table = Table.from_frame(frame, key="id")
    first = run(workspace, table, PLAIN, name="m").row
    keys = [found.key for found in workspace.store.top(first.id, 10)]
    _judge(workspace, first, keys, ["anomaly"] * 10)
    model, row = workspace.load("m")
    score(workspace, table, model, row, budget=6)
    found = precision_of(workspace, row)
    assert found is not None
    assert (found.all.hits, found.all.rows) == (6, 6)


def test_an_interval_is_that_of_wilson() -> None:
    found = Share.of(8, 10)
    assert (found.share, found.low, found.high) == pytest.approx((0.8, 0.4902, 0.9433), abs=1e-4)
    assert Share.of(1, 1).high == 1.0


def test_rows_drawn_at_random_stand_for_those_that_nobody_was_asked_about(workspace: Workspace) -> None:
    frame = _payments(400, 0).with_columns(id=pl.int_range(400).cast(pl.String) + "k")
    options = RunOptions(detectors=("distance",), threshold=ThresholdRequest(parameter=20))
    first = run(workspace, Table.from_frame(frame, key="id"), options, name="m").row
    keys = [found.key for found in workspace.store.top(first.id, 20, flagged_only=True)]
    _judge(workspace, first, keys[:10], ["anomaly"] * 10)
    _judge(workspace, first, keys[12:14], ["anomaly", "false_alarm"], random=True)
    found = precision_of(workspace, workspace.find("m"))
    assert found is not None
    assert found.random is not None
    assert found.all.share == pytest.approx(11 / 12)
    assert found.random.share == pytest.approx((10 + 10 * 0.5) / 20)
    alone = Share.of(1, 2)
    assert (found.random.low, found.random.high) == pytest.approx((0.5 + alone.low / 2, 0.5 + alone.high / 2))


def test_a_taught_row_does_not_count_even_where_its_verdict_changed_later(workspace: Workspace) -> None:
    frame = _payments(400, 0).with_columns(id=pl.int_range(400).cast(pl.String) + "k")
    table = Table.from_frame(frame, key="id")
    first = run(workspace, table, RunOptions(detectors=("distance",)), name="m").row
    keys = [found.key for found in workspace.store.top(first.id, 4, flagged_only=True)]
    _judge(workspace, first, keys[:1], ["anomaly"])
    made = retrain(workspace, "m", RetrainOptions(promote=True), table=table)
    row = workspace.find("m")
    assert precision_of(workspace, row) is None
    _judge(workspace, made.result.row, keys[:1], ["false_alarm"])
    assert precision_of(workspace, row) is None
