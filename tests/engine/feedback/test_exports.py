"""Export: what is written is read again as the same verdicts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from anomalist.engine.feedback.exports import export_feedback, feedback_frame
from anomalist.engine.feedback.imports import import_feedback
from anomalist.engine.feedback.log import as_dict, log_of
from anomalist.engine.feedback.recording import judge, say, take_back
from anomalist.engine.workspace import Workspace
from anomalist.errors import DataError, UsageError
from anomalist.store.repository import Store
from tests.engine.feedback.judging import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from anomalist.plugins.registry import Registry
    from anomalist.store.rows import FeedbackRow, RunRow


@pytest.fixture
def other(registry: Registry, frame: pl.DataFrame, tmp_path: Path) -> Iterator[tuple[Workspace, RunRow]]:
    """Another store with a run over the same rows."""
    with Workspace(store=Store.open(data_home=tmp_path / "b"), registry=registry, models=tmp_path / "b") as opened:
        yield opened, fit(opened, frame, tmp_path / "again.csv")


def standing(workspace: Workspace) -> set[tuple[Any, ...]]:
    """What stands, without what differs from store to store."""
    return {
        (row.fingerprint, row.key, row.verdict, row.analyst, row.cause, row.note, row.asked, row.probability, row.token)
        for row in log_of(workspace)
    }


def fill(workspace: Workspace, row: RunRow) -> None:
    """Verdicts of every kind, by several analysts, some superseded and some taken back."""
    judge(workspace, row.id, "r7", "anomaly", analyst="ann", cause="card", note='says "so",\nthey; do')
    judge(workspace, row.id, "r7", "expected", analyst="bob")
    judge(workspace, row.id, "r42", "anomaly", analyst="ann")
    judge(workspace, row.id, "r42", "new_normal", analyst="ann", note="=1+1")
    judge(workspace, row.id, "r100", "false_alarm", analyst="ann")
    take_back(workspace, row.id, "r100", analyst="ann")
    say(workspace, row, "r20", "unsure", analyst="Łukasz", values={"a": 1}, asked="uncertain", probability=1 / 3)


def to_json(rows: list[FeedbackRow], path: Path) -> None:
    path.write_text(json.dumps({"schema": 1, "feedback": [as_dict(row) for row in rows]}))


@pytest.mark.parametrize("ending", ["csv", "jsonl", "ndjson", "parquet", "json"])
def test_what_is_exported_is_imported_again(
    workspace: Workspace, fitted: RunRow, other: tuple[Workspace, RunRow], tmp_path: Path, ending: str
) -> None:
    fill(workspace, fitted)
    path = tmp_path / f"verdicts.{ending}"
    write: Callable[[list[FeedbackRow], Path], None] = to_json if ending == "json" else export_feedback
    write(log_of(workspace), path)
    there, row = other
    found = import_feedback(there, row.id, str(path), analyst="nobody")
    assert len(found.stored) == 4
    assert standing(there) == standing(workspace)
    for which, run_row in ((there, row), (workspace, fitted)):
        before = log_of(which, standing=False)
        again = import_feedback(which, run_row.id, str(path), analyst="nobody")
        assert (again.stored, again.already) == ((), 4)
        assert log_of(which, standing=False) == before


def test_a_line_of_an_export_that_was_changed_supersedes(workspace: Workspace, fitted: RunRow, tmp_path: Path) -> None:
    fill(workspace, fitted)
    path = tmp_path / "verdicts.csv"
    export_feedback(log_of(workspace), path)
    path.write_text(path.read_text().replace("r7,expected", "r7,unsure"))
    (changed,) = import_feedback(workspace, fitted.id, str(path), analyst="nobody").stored
    assert (changed.key, changed.verdict, changed.analyst) == ("r7", "unsure", "bob")
    assert import_feedback(workspace, fitted.id, str(path), analyst="nobody").stored == ()


def test_an_export_of_other_data_is_refused_by_line(
    workspace: Workspace, fitted: RunRow, frame: pl.DataFrame, tmp_path: Path
) -> None:
    fill(workspace, fitted)
    export_feedback(log_of(workspace), tmp_path / "verdicts.csv")
    fewer = fit(workspace, frame.head(250), tmp_path / "fewer.csv")
    with pytest.raises(DataError, match="4 lines cannot be: line 2: it is about the data"):
        import_feedback(workspace, fewer.id, str(tmp_path / "verdicts.csv"), analyst="ann")
    moved = pl.read_csv(tmp_path / "verdicts.csv").drop("dataset")  # now it is said that they are about these rows
    moved.write_csv(tmp_path / "verdicts.csv")
    assert len(import_feedback(workspace, fewer.id, str(tmp_path / "verdicts.csv"), analyst="ann").stored) == 4


def test_nothing_to_export_is_a_table_without_rows(tmp_path: Path) -> None:
    export_feedback([], tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text() == ",".join(feedback_frame([]).columns) + "\n"
    with pytest.raises(UsageError, match="the ending must be one of"):
        export_feedback([], tmp_path / "none.xlsx")
