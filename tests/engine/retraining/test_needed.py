"""Needed: a job that runs every night retrains where there is something new, and does nothing where there is not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from anomalist.data.table import Table
from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.models import files as model_files
from anomalist.engine.retraining.needed import need
from anomalist.engine.runs.run import run
from anomalist.engine.runs.score import score
from anomalist.errors import SchemaMismatchError, UnknownNameError, UsageError
from tests.engine.looping import PANEL, asked, flipped, next_version, payments, verdicts

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import RunRow


def counted(workspace: Workspace) -> int:
    """How many verdicts count as new."""
    due = need(workspace, "m", verdicts=1_000)
    assert not due.now
    return int(due.reason.split(" new verdict")[0])


def test_it_is_due_from_so_many_new_verdicts_on(workspace: Workspace, made: RunRow, table: Table) -> None:
    keys = asked(workspace, made.id, 20)
    assert need(workspace, "m").reason == "0 new verdicts since m:1, 20 are waited for"
    verdicts(workspace, table, keys[:19])
    due = need(workspace, "m")
    assert (due.now, due.reason) == (False, "19 new verdicts since m:1, 20 are waited for")
    assert need(workspace, "m", verdicts=19).now
    verdicts(workspace, table, keys[19:])
    due = need(workspace, "m")
    assert due.now
    assert "20 new verdicts" in due.reason


def test_only_what_is_new_or_has_changed_since_the_newest_version_counts(
    workspace: Workspace, made: RunRow, table: Table
) -> None:
    keys = asked(workspace, made.id, 40)
    verdicts(workspace, table, keys[:30])
    next_version(workspace, promote=False)  # a challenger has learned it too: not every night another one
    assert need(workspace, "m", verdicts=1).reason == (
        "0 new verdicts since m:2, 1 are waited for; m:2 is a challenger, to be promoted or not"
    )
    verdicts(workspace, table, keys[:10])  # the same once more
    verdicts(workspace, table, keys[:10], say=lambda _: "unsure", analyst="bob")
    verdicts(workspace, table, keys[30:33], say=lambda _: "unsure")
    assert counted(workspace) == 0
    verdicts(workspace, table, keys[:4], say=flipped)
    assert counted(workspace) == 4
    verdicts(workspace, table, keys[30:35])
    assert counted(workspace) == 9
    verdicts(workspace, table, keys[30:35], say=lambda _: None)
    assert counted(workspace) == 4


def test_a_version_that_was_fitted_without_verdicts_has_learned_none(
    workspace: Workspace, made: RunRow, table: Table
) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 25))
    next_version(workspace)
    assert counted(workspace) == 0
    run(workspace, table, RunOptions(detectors=PANEL), name="m", origin=made.params["origin"])
    assert need(workspace, "m").now


def test_verdicts_that_came_before_their_data_met_the_model_are_new_to_it(
    workspace: Workspace, made: RunRow, table: Table
) -> None:
    other = Table.from_frame(payments(200, seed=4), key="id", source="other.csv")
    run(workspace, other, RunOptions(detectors=PANEL), name="n")
    verdicts(workspace, other, list(other.keys)[:25])
    verdicts(workspace, table, asked(workspace, made.id, 25))
    next_version(workspace)
    assert counted(workspace) == 0
    model, row = workspace.load("m")
    score(workspace, other, model, row)
    assert counted(workspace) == 25
    found = next_version(workspace)
    assert found.outcome.verdicts == 50
    assert found.outcome.comparison is not None
    assert (found.outcome.comparison.taught.rows, found.outcome.comparison.new.rows) == (25, 25)


def test_what_a_version_could_not_learn_is_no_reason_for_another(
    workspace: Workspace, made: RunRow, table: Table
) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 25))
    wider = Table.from_frame(payments(300, seed=4).with_columns(speed=np.arange(300.0)), key="id")
    found = next_version(workspace, members="refit", table=wider)
    assert found.outcome.verdicts == 0  # nobody knows how fast those payments were
    assert counted(workspace) == 0
    with pytest.raises(UsageError, match="nothing to learn: left out: 25 judged rows of"):
        next_version(workspace, "m@challenger", table=wider)
    run_id = found.result.row.id
    verdicts(workspace, wider, asked(workspace, run_id, 25))
    again = next_version(workspace, "m@challenger", table=wider)
    assert again.outcome.verdicts == 25
    assert counted(workspace) == 0
    verdicts(workspace, table, asked(workspace, made.id, 30)[25:])
    assert counted(workspace) == 5


def test_rows_that_drifted_are_a_reason_and_others_are_not(workspace: Workspace, made: RunRow) -> None:
    same = Table.from_frame(payments(400, seed=5), key="id")
    due = need(workspace, "m", table=same)
    assert not due.now
    assert due.reason.startswith("0 new verdicts since m:1, 20 are waited for; no drift: ")
    moved = Table.from_frame(payments(400, seed=5).with_columns(pl.col("height") + 3), key="id")
    due = need(workspace, "m", table=moved)
    assert due.now
    assert due.reason.startswith("drift: 1 of 4 columns moved (height")
    assert "\n" not in due.reason
    assert [kept.kind for kept in workspace.store.runs()] == ["fit"]  # to look stores nothing


def test_a_challenger_that_was_fitted_on_drifted_rows_has_seen_to_them(workspace: Workspace, made: RunRow) -> None:
    moved = Table.from_frame(payments(400, seed=5).with_columns(pl.col("height") + 3), key="id")
    assert need(workspace, "m", table=moved).now
    found = next_version(workspace, members="refit", table=moved)
    assert not found.outcome.promoted
    assert not need(workspace, "m", table=moved).now


def test_a_model_that_cannot_tell_drift_says_so_and_still_counts_verdicts(
    workspace: Workspace, made: RunRow, table: Table, tmp_path: Path
) -> None:
    old = model_files.save(replace(workspace.load("m")[0], reference=None), workspace.models, workspace.registry)
    with closing(sqlite3.connect(tmp_path / "anomalist.db")) as database, database:
        database.execute("UPDATE model SET hash = ?", (old,))
    due = need(workspace, "m", table=table)
    assert not due.now
    assert due.reason.startswith("0 new verdicts since m:1, 20 are waited for; m:1 was saved by an earlier anomalist")
    verdicts(workspace, table, asked(workspace, made.id, 20))
    assert need(workspace, "m", table=table).now


def test_whoever_asks_for_what_is_not_there_is_told(workspace: Workspace, made: RunRow) -> None:
    with pytest.raises(UnknownNameError, match="no model 'q'"):
        need(workspace, "q")
    with pytest.raises(SchemaMismatchError, match="'weight' is missing"):
        need(workspace, "m", table=Table.from_frame(payments(50).drop("weight"), key="id"))
