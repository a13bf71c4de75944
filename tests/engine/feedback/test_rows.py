"""Import of files without keys: lines are about the rows with the same values."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from anomalist.engine.feedback.imports import import_feedback
from anomalist.errors import DataError
from tests.engine.feedback.judging import file, fit

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.engine.workspace import Workspace


def test_rows_are_matched_by_their_values(workspace: Workspace, frame: pl.DataFrame, tmp_path: Path) -> None:
    row = fit(workspace, frame.drop("id"), tmp_path / "rows.csv", key=None)
    judged = frame.drop("id", "fraud")[[100, 7, 3]].with_columns(verdict=pl.Series(["expected", "anomaly", "normal"]))
    judged.select("verdict", "city", "weight", "amount").write_csv(tmp_path / "labels.csv")
    found = import_feedback(workspace, row.id, str(tmp_path / "labels.csv"), analyst="ann")
    keys = workspace.store.scores(row.id).keys
    assert [(entry.key, entry.verdict) for entry in found.stored] == [
        (keys[100], "expected"),
        (keys[7], "anomaly"),
        (keys[3], "false_alarm"),
    ]
    assert found.stored[0].values["city"] == "Rome"
    assert "fraud" in found.stored[0].values


def test_matching_refuses_what_fits_no_row_or_several(
    workspace: Workspace, frame: pl.DataFrame, tmp_path: Path
) -> None:
    row = fit(workspace, frame, tmp_path / "rows.csv")
    with pytest.raises(
        DataError, match=r"line 2: no row of run \w+ has these values \(in city\); line 3: \d+ rows have"
    ):
        import_feedback(workspace, row.id, file(tmp_path, "city,verdict\nOslo,1\nBern,1\nRome,1\n"), analyst="ann")
    found = import_feedback(
        workspace, row.id, file(tmp_path, "city,verdict\nOslo,1\nBern,1\nRome,1\n"), analyst="ann", partial=True
    )
    assert [entry.key for entry in found.stored] == ["r100"]
    with pytest.raises(DataError, match=r"row 1, column 'amount': 'much' is not a number"):
        import_feedback(workspace, row.id, file(tmp_path, "amount,verdict\nmuch,1\n"), analyst="ann")


def test_missing_values_and_ways_of_writing_match(workspace: Workspace, tmp_path: Path, frame: pl.DataFrame) -> None:
    rows = frame.drop("id").with_columns(
        count=pl.int_range(pl.len()), when=pl.lit(date(2026, 1, 1)) + pl.duration(days=pl.int_range(pl.len()))
    )
    rows = rows.with_columns(city=pl.when(pl.col("count") == 5).then(None).otherwise("city"))
    row = fit(workspace, rows, tmp_path / "rows.csv", key=None)
    keys = workspace.store.scores(row.id).keys
    text = (
        '{"count": 5.0, "city": null, "when": "2026-01-06", "verdict": 1}\n{"count": 6, "city": "Bern", "verdict": 0}\n'
    )
    wrong = rows["city"][6]
    path = file(
        tmp_path, text.replace("Bern", wrong).replace('"verdict": 0', '"when": "2026-01-07", "verdict": 0'), "a.jsonl"
    )
    found = import_feedback(workspace, row.id, path, analyst="ann")
    assert [entry.key for entry in found.stored] == [keys[5], keys[6]]


def test_a_column_of_the_data_says_nothing_about_the_verdict(
    workspace: Workspace, frame: pl.DataFrame, tmp_path: Path
) -> None:
    noted = frame.with_columns(note=pl.lit("of the row") + pl.col("id"), time=pl.int_range(pl.len()))
    row = fit(workspace, noted, tmp_path / "rows.csv")
    noted.head(3).with_columns(verdict=pl.lit(1)).write_csv(tmp_path / "labels.csv")
    found = import_feedback(workspace, row.id, str(tmp_path / "labels.csv"), analyst="ann")
    assert [entry.note for entry in found.stored] == [None] * 3
    text = "id,verdict,note,time\nr9,1,of the verdict,2026-01-01\n"  # no other column of the data
    (said,) = import_feedback(workspace, row.id, file(tmp_path, text), analyst="ann").stored
    assert said.note == "of the verdict"
