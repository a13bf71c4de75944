"""Sources: rows are read again as they were read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from anomalist.data.conventions import Convention, Reading
from anomalist.data.table import Role, Table
from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.runs.look import look
from anomalist.engine.runs.run import run
from anomalist.engine.runs.score import score
from anomalist.engine.runs.sources import Source, read_again
from anomalist.errors import DataError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.engine.workspace import Workspace

PLAIN = RunOptions(detectors=("distance",))


def test_a_source_survives_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = Source(
        location="a.csv",
        key="id",
        time="when",
        entity="who",
        label="fraud",
        ignore=("note",),
        roles={"zip": "categorical"},
        like=Reading(roles={"amount": Role.NUMERIC}, conventions={"amount": Convention(kind="number", form="1.234,5")}),
    )
    kept = Source.from_dict(json.loads(json.dumps(source.to_dict())))
    assert kept == replace(source, location=str(tmp_path / "a.csv"))  # found from any working directory
    assert Source.from_dict({}) == Source()


@pytest.mark.parametrize(
    ("location", "kept"),
    [
        ("sqlite:///a.db", "sqlite:///a.db"),
        ("postgresql://ann@h/x", "postgresql://ann@h/x"),
        ("postgresql://ann:s3cret@h/x", None),
        ("postgresql://h/x?password=s3cret", None),
        ("postgresql://ann:s3/cret@h/x", None),
        (None, None),
    ],
)
def test_a_password_is_never_kept(location: str | None, kept: str | None) -> None:
    assert Source(location=location).to_dict()["location"] == kept


def test_a_run_of_a_file_is_read_again(workspace: Workspace, frame: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    frame.write_csv(path)
    source = Source(location=str(path), key="id", label="fraud")
    table = source.read(workspace.registry)
    row = run(workspace, table, PLAIN, origin=source.to_dict()).row
    again = read_again(row, workspace.registry)
    assert again.keys.equals(table.keys)
    assert again.roles == table.roles
    path.rename(tmp_path / "b.csv")
    with pytest.raises(DataError, match="no file"):
        read_again(row, workspace.registry)
    assert len(read_again(row, workspace.registry, data=str(tmp_path / "b.csv"))) == 300
    frame[::-1].write_csv(path)
    with pytest.raises(DataError, match=f"a.csv: its rows are not those of run {row.id}"):
        read_again(row, workspace.registry)


def test_rows_from_memory_need_a_file_to_be_read_again(workspace: Workspace, table: Table, tmp_path: Path) -> None:
    row = run(workspace, table, PLAIN).row
    with pytest.raises(UsageError, match="from memory or from a database with a password; name the file"):
        read_again(row, workspace.registry)
    table.frame.write_csv(tmp_path / "a.csv")
    assert len(read_again(row, workspace.registry, data=str(tmp_path / "a.csv"))) == 300


def test_scored_rows_keep_the_roles_of_the_model_when_they_are_read_again(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    codes = [f"{i % 3}.50" for i in range(60)]
    codes[33] = "9.90"
    pl.DataFrame({"id": [f"r{i}" for i in range(60)], "code": codes, "x": [0.1 * i for i in range(60)]}).write_csv(path)
    fitted = Source(location=str(path), key="id", roles={"code": "categorical"})
    made = run(workspace, fitted.read(workspace.registry), PLAIN, name="m", origin=fitted.to_dict())
    model, row = workspace.load("m")
    source = Source(location=str(path), like=model.encoder.reading)
    result = score(workspace, source.read(workspace.registry), model, row, origin=source.to_dict(), top=1)
    assert result.scores.score.tolist() == made.scores.score.tolist()
    found = look(workspace, result.row.id, "r2")
    assert found.values["code"] == "2.50"
    assert found.reasons == look(workspace, made.row.id, "r2").reasons


def test_a_row_scores_the_same_alone_as_in_the_file_that_its_model_was_fitted_on(
    workspace: Workspace, tmp_path: Path
) -> None:
    amounts = ["1,234" if i == 1 else f"{i % 9},5" for i in range(60)]
    days = [f"{1 + i % 28:02d}/{1 + i % 12:02d}/2024" for i in range(60)]
    rows = pl.DataFrame({"id": [f"r{i}" for i in range(60)], "amount": amounts, "when": days, "one": "x"})
    rows.write_csv(tmp_path / "all.csv")
    fitted = Source(location=str(tmp_path / "all.csv"), key="id")
    made = run(workspace, fitted.read(workspace.registry), PLAIN, name="m", origin=fitted.to_dict())
    model, row = workspace.load("m")
    for i in range(60):
        path = tmp_path / f"one{i}.csv"
        rows[i : i + 1].write_csv(path)
        source = Source(location=str(path), like=model.encoder.reading)
        alone = score(workspace, source.read(workspace.registry), model, row, origin=source.to_dict())
        assert alone.scores.score[0] == made.scores.score[i]
        assert len(read_again(alone.row, workspace.registry)) == 1
        assert not any("column" in note for note in alone.row.notes)
    rows[:3].with_columns(amount=pl.lit("2,5"), when=pl.Series(["", "02/01/2024", ""]), one=pl.lit("y")).write_csv(path)
    said = score(workspace, source.read(workspace.registry), model, row).row.notes
    assert any(
        note.startswith("column 'when': 2 values missing where training had none, first in row 1") for note in said
    )
    assert any(
        note.startswith("column 'one': 'x' throughout in training and something else in 3 rows") for note in said
    )
