"""Evaluate: scores against labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from anomalist.data.table import Table
from anomalist.engine.evaluation.evaluate import evaluate_scores
from anomalist.engine.evaluation.labels import Labels
from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.runs.run import run
from anomalist.ensemble.model import Scores
from anomalist.errors import DataError

if TYPE_CHECKING:
    from anomalist.engine.workspace import Workspace

PLAIN = RunOptions(detectors=("distance", "explaining:power=1"))


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


def test_labels_of_one_kind_measure_nothing() -> None:
    scores = Scores(members=("a",), surprises=np.ones((4, 1)), score=np.ones(4), flagged=np.ones(4, dtype=bool))
    with pytest.raises(DataError, match="got 0 anomalies among 3 labels"):
        evaluate_scores(scores, Labels(rows=np.arange(3), values=np.zeros(3, dtype=np.int64)))


def test_a_run_with_labels_of_one_kind_has_no_evaluation_and_says_so(workspace: Workspace, frame: pl.DataFrame) -> None:
    for label, kind in ((0, "normal"), (1, "an anomaly")):
        table = Table.from_frame(frame.with_columns(fraud=pl.lit(label)), source="a.csv", key="id", label="fraud")
        result = run(workspace, table, PLAIN)
        assert result.evaluation is None
        note = f"a.csv: label column 'fraud': every labelled row is {kind}, so that no quality can be measured"
        assert note in result.row.notes
