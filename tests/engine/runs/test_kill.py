"""Kill -9 at random moments of a run: the store opens, and each run is there whole or is shown as crashed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from anomalist.engine.execution.executor import Threads
from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.runs.run import run
from anomalist.engine.runs.sources import Source
from anomalist.engine.workspace import Workspace
from anomalist.errors import UnknownNameError
from anomalist.store.repository import Store
from tests.engine.runs.victims import KILLED, STORES
from tests.helpers import environment

if TYPE_CHECKING:
    from anomalist.plugins.registry import Registry

ROWS = 2_000


def check_whole(workspace: Workspace, run_id: str) -> None:
    """All that a run found is there, and its model gives the scores that were stored."""
    kept = workspace.store.scores(run_id)
    members = workspace.store.members(run_id)
    assert len(kept.score) == ROWS
    assert [(member.name, member.status) for member in members] == [("distance", "done"), ("explaining", "done")]
    assert all(len(workspace.store.member_column(run_id, member.name)) == ROWS for member in members)
    assert workspace.store.threshold(run_id) is not None
    top = workspace.store.top(run_id, 10)
    assert all(row.record is not None and row.record.reasons for row in top)
    found = workspace.store.run(run_id)
    assert found.flagged == int(kept.flagged.sum()) == 5
    assert found.model is not None
    model, row = workspace.load(f"{found.model[0]}:{found.model[1]}")
    assert row.run == run_id
    table = Source.from_dict(found.params["origin"]).read(workspace.registry)
    np.testing.assert_allclose(model.score(table.take(slice(0, 20))).score, kept.score[:20], rtol=1e-9)


def check_absent(workspace: Workspace, run_id: str) -> None:
    """Nothing of a run can be seen but that it crashed."""
    assert workspace.store.run(run_id).status == "crashed"
    assert workspace.store.run(run_id).model is None
    assert workspace.store.members(run_id) == []
    assert workspace.store.threshold(run_id) is None
    for look in (workspace.store.scores, workspace.store.top):
        with pytest.raises(UnknownNameError, match="it is crashed"):
            look(run_id)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_runs_killed_at_random_moments_are_whole_or_crashed(tmp_path: Path, registry: Registry) -> None:
    rng = np.random.default_rng(0)
    pl.DataFrame(rng.normal(size=(ROWS, 6)), schema=[f"x{i}" for i in range(6)]).write_csv(tmp_path / "rows.csv")
    paths = os.pathsep.join([str(tmp_path / "site"), str(Path(__file__).parents[3])])
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.runs.victims", str(tmp_path)],
        env=environment(PYTHONPATH=paths, OMP_NUM_THREADS="1", POLARS_MAX_THREADS="1", OPENBLAS_NUM_THREADS="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    ended = {"done": 0, "crashed": 0}
    for number in range(STORES):
        home = tmp_path / f"store{number}"
        with Workspace(
            store=Store.open(data_home=home), registry=registry, models=home / "models", executor=Threads()
        ) as workspace:
            runs = workspace.store.runs(limit=1_000)
            for kept in runs:
                ended[kept.status] += 1
                (check_whole if kept.status == "done" else check_absent)(workspace, kept.id)
            models = workspace.store.models()
            assert sorted(model.run for model in models) == sorted(kept.id for kept in runs if kept.status == "done")
            assert workspace.store.aliases("m") == {"champion": 1} if models else True
            check_tables(home, visible=[kept.id for kept in runs if kept.status == "done"])
            source = Source(location=str(tmp_path / "rows.csv"))
            again = run(workspace, source.read(registry), RunOptions(detectors=("distance",)), origin=source.to_dict())
            assert again.row.status == "done"
    assert ended["done"] >= 3
    assert 0 < ended["crashed"] <= KILLED


def check_tables(home: Path, *, visible: list[str]) -> None:
    """No table holds a row of a run that is not visible, and SQLite finds nothing wrong with the file."""
    with closing(sqlite3.connect(home / "anomalist.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        for table in ("score", "score_block", "record", "run_member", "threshold"):
            found = database.execute(
                f"SELECT DISTINCT slug FROM {table} JOIN run ON run.id = {table}.run_id"
            ).fetchall()
            assert {slug for (slug,) in found} == set(visible), table
