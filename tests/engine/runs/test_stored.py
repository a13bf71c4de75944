"""Stored: runs found again in the store, with their scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anomalist.data.table import Table
from anomalist.engine.evaluation.evaluate import evaluate_scores
from anomalist.engine.evaluation.labels import Labels
from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.runs.run import run
from anomalist.engine.runs.stored import newest_run_of, stored_scores
from anomalist.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    import polars as pl

    from anomalist.engine.workspace import Workspace

PLAIN = RunOptions(detectors=("distance", "explaining:power=1"))


def test_a_stored_run_measures_like_the_run_itself(workspace: Workspace, table: Table) -> None:
    result = run(workspace, table, PLAIN)
    found = evaluate_scores(stored_scores(workspace, result.row), Labels.of(table))
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
