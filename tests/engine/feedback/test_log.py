"""The log: whose rows it is about, and what has become of each entry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from anomalist.data.table import Table
from anomalist.engine.feedback.log import log_of, read_log, tally
from anomalist.engine.feedback.recording import judge, take_back
from anomalist.engine.runs.score import score
from anomalist.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import RunRow

RECORDED, PLAIN = "r7", "r20"


def test_the_log_of_a_model_holds_all_data_that_it_met(
    workspace: Workspace, fitted: RunRow, frame: pl.DataFrame, tmp_path: Path
) -> None:
    model, row = workspace.load("m")
    table = Table.from_frame(frame.head(30), source="new.csv", key="id", label="fraud")
    found = score(workspace, table, model, row)
    judge(workspace, fitted.id, RECORDED, "anomaly", analyst="ann")
    judge(workspace, found.row.id, RECORDED, "expected", analyst="ann")
    assert [row.source for row in log_of(workspace, model="m")] == ["payments.csv", "new.csv"]
    assert [row.source for row in log_of(workspace, model="m:1", standing=False)] == ["payments.csv", "new.csv"]
    assert [row.source for row in log_of(workspace, run_id=found.row.id)] == ["new.csv"]
    with pytest.raises(UnknownNameError, match="no model 'q'"):
        log_of(workspace, model="q")
    with pytest.raises(UsageError, match="exclude each other"):
        log_of(workspace, model="m", run_id="latest")


def test_the_log_says_what_became_of_each_entry(workspace: Workspace, fitted: RunRow) -> None:
    judge(workspace, fitted.id, RECORDED, "anomaly", analyst="ann")
    judge(workspace, fitted.id, RECORDED, "expected", analyst="ann")
    judge(workspace, fitted.id, RECORDED, "anomaly", analyst="bob")
    judge(workspace, fitted.id, "r42", "anomaly", analyst="ann")
    take_back(workspace, fitted.id, "r42", analyst="ann")
    judge(workspace, fitted.id, PLAIN, "unsure", analyst="ann")
    judge(workspace, fitted.id, "r100", "anomaly", analyst="ann")
    log = read_log(workspace)
    assert [(entry.row.id, entry.state, entry.stands, entry.disputed) for entry in log] == [
        (7, "agreed", True, False),
        (6, "unsure", True, False),
        (5, "takes back", False, False),
        (4, "taken back", False, False),
        (3, "disputed", True, True),
        (2, "disputed", True, True),
        (1, "superseded", False, True),
    ]
    assert tally(log) == {
        "verdicts": 4,
        "analysts": 2,
        "rows": 3,
        "anomalies": 1,
        "normal": 0,
        "undecided": 2,
        "disputed": 1,
    }
    assert [entry.row for entry in reversed(log) if entry.stands] == log_of(workspace)
    assert tally([])["verdicts"] == 0
    assert json.loads(json.dumps(log[0].to_dict()))["entry"] == 7
