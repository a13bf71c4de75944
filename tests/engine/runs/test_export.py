"""Scores to files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import polars as pl
import pytest

from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.runs.export import check_out, scores_frame, write_scores
from anomalist.engine.runs.run import run
from anomalist.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.data.table import Table
    from anomalist.engine.workspace import Workspace

READERS = {
    "csv": lambda path: pl.read_csv(path, schema_overrides={"key": pl.String}),
    "parquet": pl.read_parquet,
    "jsonl": pl.read_ndjson,
    "ndjson": pl.read_ndjson,
}


@pytest.mark.parametrize("ending", READERS)
def test_every_format_holds_every_row(workspace: Workspace, table: Table, tmp_path: Path, ending: str) -> None:
    result = run(workspace, table, RunOptions(detectors=("distance", "distance:power=1")))
    path = tmp_path / f"scores.{ending}"
    path.write_text("what was there before")
    write_scores(result, path)
    found = READERS[ending](path)
    assert found.columns == ["key", "score", "level", "flagged", "distance", "distance#2"]
    assert found["key"].to_list() == table.keys.to_list()
    assert found["score"].to_list() == pytest.approx(result.scores.score.tolist())
    assert found["flagged"].to_list() == result.scores.flagged.tolist()
    assert found.equals(scores_frame(result)) or ending != "parquet"


@pytest.mark.parametrize(
    ("name", "says"),
    [("a.xlsx", "the ending must be one of .csv"), ("a", "the ending must be"), ("none/a.csv", "there is no folder")],
)
def test_a_file_that_cannot_be_is_refused(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        check_out(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.touch(mode=0o400)
    with pytest.raises(UsageError, match="it may not be written"):
        check_out(path)


def test_a_file_that_can_be_written_is_fine_and_none_is_none(tmp_path: Path) -> None:
    check_out(tmp_path / "A.CSV")
    check_out(None)
    assert list(tmp_path.glob("*.CSV")) == []
