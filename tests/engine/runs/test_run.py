"""Run: one call from a table to a stored, explained run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from anomalist.data.table import Table
from anomalist.engine.execution.executor import Threads
from anomalist.engine.fitting.request import RunOptions, ThresholdRequest
from anomalist.engine.runs.look import look
from anomalist.engine.runs.run import run
from anomalist.engine.runs.score import score
from anomalist.errors import (
    DataError,
    DetectorError,
    ModelFileError,
    RunError,
    SchemaMismatchError,
    UnknownNameError,
    UsageError,
)

if TYPE_CHECKING:
    from anomalist.engine.workspace import Workspace

PLAIN = RunOptions(detectors=("distance", "explaining:power=1"))


def test_a_run_is_stored_with_all_that_it_found(workspace: Workspace, table: Table) -> None:
    result = run(workspace, table, PLAIN)
    kept = workspace.store.run(result.row.id)
    assert (kept.status, kept.flagged, kept.model) == ("done", 3, ("payments", 1))
    assert {row.key for row in workspace.store.top(kept.id, 3)} == {"r7", "r42", "r100"}
    np.testing.assert_allclose(workspace.store.scores(kept.id).score, result.scores.score)
    column = workspace.store.member_column(kept.id, "explaining")
    np.testing.assert_allclose(column, result.scores.surprises[:, 1], rtol=1e-6)
    assert workspace.store.aliases("payments") == {"champion": 1}
    assert result.evaluation is not None
    assert result.evaluation["ensemble"]["roc_auc"] == 1.0


def test_a_second_run_is_a_second_version_and_the_first_stays_champion(workspace: Workspace, table: Table) -> None:
    run(workspace, table, PLAIN, name="m")
    second = run(workspace, table, replace(PLAIN, combiner="mean"), name="m")
    assert second.row.model == ("m", 2)
    assert workspace.store.aliases("m") == {"champion": 1}


def test_the_reasons_name_the_column_the_value_and_what_is_typical(workspace: Workspace, table: Table) -> None:
    for detector in ("distance", "explaining"):  # one explained by ablation, one by itself
        result = run(workspace, table, RunOptions(detectors=(detector,)))
        by_key = {finding.key: finding for finding in result.findings}
        first = by_key["r7"].reasons[0]
        assert first.column == "amount"
        assert first.actual == 500
        assert 45 < first.typical < 55
        assert first.share > 0.8
        assert by_key["r100"].reasons[0].column == "city"
        assert by_key["r100"].reasons[0].actual == "Rome"


def test_a_row_that_was_not_worth_a_record_can_be_explained_later(
    workspace: Workspace, frame: pl.DataFrame, tmp_path
) -> None:
    from anomalist.engine.runs.sources import Source

    frame.write_csv(tmp_path / "payments.csv")
    source = Source(location=str(tmp_path / "payments.csv"), key="id", label="fraud")
    result = run(workspace, source.read(workspace.registry), PLAIN, origin=source.to_dict())
    ordinary = int(np.argsort(result.scores.score)[150])
    found = look(workspace, result.row.id, f"r{ordinary}")
    assert found.row == ordinary
    assert found.score == pytest.approx(result.scores.score[ordinary])
    frame.with_columns(amount=pl.lit(1.0)).write_csv(tmp_path / "payments.csv")
    with pytest.raises(DataError, match="its rows are not those of run"):
        look(workspace, result.row.id, f"r{ordinary}")


def test_scores_do_not_depend_on_company_or_order(workspace: Workspace, frame: pl.DataFrame, table: Table) -> None:
    fitted = run(workspace, table, PLAIN, name="m")
    whole = score(workspace, table, *workspace.load("m"))
    np.testing.assert_allclose(whole.scores.score, fitted.scores.score, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(whole.scores.flagged, fitted.scores.flagged)
    order = np.random.default_rng(1).permutation(300)
    mixed = score(workspace, table.take(order), *workspace.load("m"))
    np.testing.assert_allclose(mixed.scores.score, fitted.scores.score[order], atol=1e-9)
    for row in (0, 7, 100):
        alone = score(workspace, Table.from_frame(frame[row : row + 1], key="id"), *workspace.load("m"))
        assert alone.scores.score[0] == pytest.approx(fitted.scores.score[row], abs=1e-9)
        assert alone.scores.flagged[0] == fitted.scores.flagged[row]


@pytest.mark.parametrize(
    ("detector", "status", "error"),
    [
        ("raises", "failed", "RuntimeError: out of luck"),
        ("exits", "failed", "SystemExit: 7"),
        ("notfinite", "failed", r"score must return finite numbers, got nan in row 3 \(2 in all\)"),
        ("wrongshape", "failed", r"one number for each of 300 rows, got shape \(299,\)"),
        ("dawdles", "timed_out", "the time that it was given is over"),
        ("hangs", "timed_out", "did not finish within 0.3 seconds"),
    ],
)
def test_a_detector_that_fails_leaves_the_run_partial(
    workspace: Workspace, table: Table, detector: str, status: str, error: str
) -> None:
    patient = replace(workspace, executor=Threads(workers=2, timeout=0.3))
    result = run(patient, table, RunOptions(detectors=(detector, "distance")))
    assert result.row.status == "partial"
    failed, done = result.reports
    assert (failed.status, done.status) == (status, "done")
    assert failed.error is not None
    assert pytest.importorskip("re").search(error, failed.error)
    assert "\n" not in failed.error
    assert workspace.store.members(result.row.id)[0].error == failed.error
    assert result.scores.members == ("distance",)


def test_without_any_detector_left_the_run_fails_and_says_so(workspace: Workspace, table: Table) -> None:
    with pytest.raises(RunError, match=r"raises: package tempers: RuntimeError: .*; wrongshape: package tempers: "):
        run(workspace, table, RunOptions(detectors=("raises", "wrongshape")))
    (kept,) = workspace.store.runs()
    assert kept.status == "failed"
    assert kept.error is not None
    assert kept.error.startswith("no detector could be fitted")
    assert workspace.store.models() == []


def test_a_panel_leaves_out_detectors_of_windows_where_rows_have_no_time(workspace: Workspace, table: Table) -> None:
    result = run(workspace, table, RunOptions(panel="default"))
    reports = {report.seat.name: report for report in result.reports}
    assert reports["rnn"].status == "skipped"
    assert reports["rnn"].error == "needs rows in order: name the column of times with --time"
    assert reports["lof"].status == "skipped"
    assert {report.status for name, report in reports.items() if name not in ("rnn", "lof")} == {"done"}
    assert result.row.status == "done"
    assert "rnn" not in result.scores.members


def test_an_interrupted_run_is_cancelled(workspace: Workspace, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    class Impatient:
        def members(self, names: list[str]) -> None:
            raise KeyboardInterrupt

        def stage(self, name: str) -> None:
            pass

    with pytest.raises(KeyboardInterrupt):
        run(replace(workspace, progress=Impatient()), table, PLAIN)
    assert workspace.store.runs()[0].status == "cancelled"


def test_thresholds_of_every_policy(workspace: Workspace, table: Table) -> None:
    def flagged(policy: str, parameter: float) -> int:
        request = ThresholdRequest(policy=policy, parameter=parameter)
        return int(run(workspace, table, replace(PLAIN, threshold=request)).scores.flagged.sum())

    assert flagged("budget", 5) == 5
    assert flagged("labels", 1.0) == 3
    assert flagged("none", 0) == 0
    assert 1 <= flagged("fpr", 0.05) <= 40


def test_a_budget_for_new_rows_replaces_the_threshold(workspace: Workspace, table: Table) -> None:
    run(workspace, table, PLAIN, name="m")
    assert score(workspace, table, *workspace.load("m"), budget=10).scores.flagged.sum() == 10


def test_the_same_detector_twice_gets_two_names_and_two_seeds(workspace: Workspace, table: Table) -> None:
    result = run(workspace, table, RunOptions(detectors=("distance", "distance:power=1"), seed=5))
    assert result.scores.members == ("distance", "distance#2")
    assert [report.seat.params["seed"] for report in result.reports] == [5, 6]


def test_what_the_user_got_wrong_is_said_before_anything_is_stored(workspace: Workspace, table: Table) -> None:
    for options in (
        RunOptions(detectors=("distanse",)),
        RunOptions(detectors=("distance:powr=1",)),
        RunOptions(detectors=("distance:power=high",)),
        RunOptions(panel="nope"),
        RunOptions(detectors=("distance",), combiner="nope"),
        RunOptions(detectors=("distance",), combiner="weighted:knn=2"),
    ):
        with pytest.raises(UsageError):
            run(workspace, table, options)
    assert workspace.store.runs() == []
    assert workspace.store.models() == []


@pytest.mark.parametrize("rows", [1, 9])
def test_too_few_rows_are_refused(workspace: Workspace, frame: pl.DataFrame, rows: int) -> None:
    with pytest.raises(DataError, match="at least 10 rows"):
        run(workspace, Table.from_frame(frame[:rows], source="few.csv", key="id"), PLAIN)


def test_new_rows_must_have_the_columns_of_the_model(workspace: Workspace, frame: pl.DataFrame, table: Table) -> None:
    run(workspace, table, PLAIN, name="m")
    reordered = frame.select(reversed(frame.columns)).with_columns(extra=pl.lit("x"))
    result = score(workspace, Table.from_frame(reordered, key="id"), *workspace.load("m"))
    assert any("extra" in note for note in result.row.notes)
    with pytest.raises(SchemaMismatchError, match="weight"):
        score(workspace, Table.from_frame(frame.drop("weight"), key="id"), *workspace.load("m"))
    assert [kept.status for kept in workspace.store.runs()] == ["done", "done"]


def test_a_batch_without_any_anomaly_is_scored(workspace: Workspace, frame: pl.DataFrame, table: Table) -> None:
    run(workspace, table, PLAIN, name="m")
    calm = frame.with_columns(fraud=pl.lit("no"))
    batch = Table.from_frame(calm, key="id", label="fraud")
    for positive in (None, {"yes"}):
        result = score(workspace, batch, *workspace.load("m"), label="fraud", positive=positive)
        assert result.evaluation is None
        assert any("fraud" in note for note in result.row.notes)


def test_new_rows_are_measured_by_the_labels_of_the_model(workspace: Workspace, frame: pl.DataFrame) -> None:
    words = frame.with_columns(fraud=pl.when(pl.col("fraud") == 1).then(pl.lit("bad")).otherwise(pl.lit("good")))
    made = run(workspace, Table.from_frame(words, key="id", label="fraud"), PLAIN, name="m")
    assert sum("'bad', the rarer of two values, is the anomaly" in note for note in made.row.notes) == 1
    fitted = workspace.load("m")
    like = fitted[0].encoder.reading
    most = pl.concat([words.filter(pl.col("fraud") == "bad"), words.filter(pl.col("fraud") == "good").head(2)])
    found = score(workspace, Table.from_frame(most, like=like), *fitted)
    assert found.evaluation is not None
    assert (found.evaluation["anomalies"], found.evaluation["rows"]) == (3, 5)  # the rarer value here is the other one
    assert not any("rarer" in note for note in found.row.notes)
    for label, says in ((None, None), ("good", "never holds 'bad'"), ("odd", "never holds 'bad'")):
        batch = words.head(5).with_columns(fraud=pl.lit(label, dtype=pl.String))
        plain = score(workspace, Table.from_frame(batch, like=like), *fitted)
        assert plain.evaluation is None
        assert [note for note in plain.row.notes if "fraud" in note] == ([] if says is None else [plain.row.notes[-1]])
        assert says is None or says in plain.row.notes[-1]


def test_a_later_version_says_who_stays_champion(workspace: Workspace, table: Table) -> None:
    first = run(workspace, table, PLAIN, name="m")
    second = run(workspace, table, PLAIN, name="m")
    assert not any("champion" in note for note in first.row.notes)
    assert "m:1 stays the champion; name the version to score with the new model" in second.row.notes


def test_models_are_found_by_name_version_and_alias(workspace: Workspace, table: Table) -> None:
    run(workspace, table, PLAIN, name="m")
    run(workspace, table, RunOptions(detectors=("distance",)), name="m")
    assert len(workspace.load("m")[0].members) == 2
    assert len(workspace.load("m@champion")[0].members) == 2
    assert len(workspace.load("m:2")[0].members) == 1
    for wrong in ("nobody", "m:9", "m@nobody"):
        with pytest.raises(UnknownNameError):
            workspace.load(wrong)
    with pytest.raises(UsageError, match="NAME, NAME@alias or NAME:version"):
        workspace.load("m:1:2")


def test_a_damaged_model_is_refused(workspace: Workspace, table: Table) -> None:
    run(workspace, table, PLAIN, name="m")
    row = workspace.find("m")
    manifest = workspace.models / row.hash / "manifest.json"
    manifest.write_text(manifest.read_text().replace("distance", "distanze", 1))
    with pytest.raises(ModelFileError):
        workspace.load("m")


def test_a_member_that_fails_while_scoring_is_named(workspace: Workspace, table: Table) -> None:
    run(workspace, table, RunOptions(detectors=("distance",)), name="m")
    model, _ = workspace.load("m")
    model.members[0].detector.mean[:] = np.nan
    with pytest.raises(DetectorError, match="finite"):
        model.score(table)
