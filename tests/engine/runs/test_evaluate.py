"""Evaluate: runs against labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from anomalist.data.table import Table
from anomalist.engine.evaluation.labels import Labels
from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.runs.evaluate import evaluate_run, evaluate_scores, newest_run_of
from anomalist.engine.runs.run import run
from anomalist.ensemble.model import Scores
from anomalist.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from anomalist.engine.workspace import Workspace

PLAIN = RunOptions(detectors=("distance", "explaining:power=1"))


def labelled(values: list[object], **columns: list[object]) -> Table:
    return Table.from_frame(pl.DataFrame({"x": range(len(values)), "y": values, **columns}), source="a.csv", label="y")


def test_rows_without_a_label_are_left_out() -> None:
    labels = Labels.of(labelled([None, 1, 0, None, 0]))
    assert labels.rows.tolist() == [1, 2, 4]
    assert labels.values.tolist() == [1, 0, 0]
    assert labels.of_both_kinds
    assert labels.where == "a.csv: label column 'y'"


def test_labels_may_be_in_another_column_and_have_any_positive_values() -> None:
    table = labelled([0, 1, 0], kind=["a", "b", "c"])
    assert Labels.of(table, {"b", "c"}, column="kind").values.tolist() == [0, 1, 1]
    with pytest.raises(DataError, match=r"a\.csv: there is no column 'nope' to take labels from"):
        Labels.of(table, column="nope")


def test_labels_that_say_nothing_are_refused() -> None:
    with pytest.raises(DataError, match="label column 'y' holds no value"):
        Labels.of(labelled([None, None, None]))
    labels = Labels.of(labelled([0, 0, 0, None]))
    with pytest.raises(DataError, match=r"a\.csv: label column 'y': both anomalies and normal rows are needed, got 0"):
        labels.check_both_kinds()
    scores = Scores(members=("a",), surprises=np.ones((4, 1)), score=np.ones(4), flagged=np.ones(4, dtype=bool))
    with pytest.raises(DataError, match="got 0 anomalies among 3 labels"):
        evaluate_scores(scores, labels)
    with pytest.raises(DataError, match="no column was named as the label"):
        Labels.of(Table.from_frame(pl.DataFrame({"x": [1, 2]})))


def test_members_are_measured_at_as_many_rows_as_the_run_flagged() -> None:
    surprises = np.array([[9.0, 1.0], [8.0, 2.0], [1.0, 9.0], [0.0, 8.0]])
    scores = Scores(
        members=("good", "bad"),
        surprises=surprises,
        score=surprises[:, 0],
        flagged=np.array([True, True, False, False]),
    )
    found = evaluate_scores(scores, Labels(rows=np.arange(4), values=np.array([1, 1, 0, 0])))
    assert (found["rows"], found["anomalies"], found["flagged"]) == (4, 2, 2)
    assert found["ensemble"]["f1"] == found["members"]["good"]["f1"] == 1.0
    assert found["members"]["bad"]["precision"] == found["members"]["bad"]["roc_auc"] == 0.0


def test_a_stored_run_measures_like_the_run_itself(workspace: Workspace, table: Table) -> None:
    result = run(workspace, table, PLAIN)
    found = evaluate_run(workspace, result.row, Labels.of(table))
    assert result.evaluation is not None
    assert found["ensemble"] == result.evaluation["ensemble"]
    assert found["members"].keys() == result.evaluation["members"].keys()
    for name, measured in found["members"].items():
        assert measured["roc_auc"] == pytest.approx(result.evaluation["members"][name]["roc_auc"], abs=1e-6)
    assert workspace.store.run(result.row.id).results == {"evaluation": result.evaluation}


def test_the_newest_run_of_the_same_rows_is_found(workspace: Workspace, table: Table, frame: pl.DataFrame) -> None:
    with pytest.raises(UnknownNameError, match=r"rows of payments\.csv"):
        newest_run_of(workspace, table)
    run(workspace, table, PLAIN)
    second = run(workspace, table, PLAIN)
    run(workspace, Table.from_frame(frame[:200], key="id", label="fraud"), PLAIN)
    with pytest.raises(DataError):
        run(workspace, table.take(slice(0, 5)), PLAIN)  # a failed run has no scores
    assert newest_run_of(workspace, table).id == second.row.id


def test_a_run_with_labels_of_one_kind_has_no_evaluation_and_says_so(workspace: Workspace, frame: pl.DataFrame) -> None:
    for label, kind in ((0, "normal"), (1, "an anomaly")):
        table = Table.from_frame(frame.with_columns(fraud=pl.lit(label)), source="a.csv", key="id", label="fraud")
        result = run(workspace, table, PLAIN)
        assert result.evaluation is None
        note = f"a.csv: label column 'fraud': every labelled row is {kind}, so that no quality can be measured"
        assert note in result.row.notes
