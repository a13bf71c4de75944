"""Lessons: a judged row that is known by its stored values alone teaches what the row itself would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from anomalist.data.encode import Encoder
from anomalist.data.readers import read_table
from anomalist.data.table import Table
from anomalist.engine.feedback.lessons import evidence_of_judged, labels_at, rebuilt
from anomalist.engine.feedback.verdicts import Judged, settle
from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.runs.run import run
from anomalist.errors import DataError
from anomalist.store.rows import NewFeedback

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from anomalist.engine.workspace import Workspace

ROWS = 60


def columns(seed: int) -> dict[str, list[str]]:
    """Columns as a German spreadsheet writes them, a tenth of the values missing; `rare` has few values at all."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[str]] = {
        "betrag": [f"{x:,.2f}".translate(str.maketrans(",.", ".,")) for x in rng.normal(5_000, 2_000, ROWS)],
        "anteil": [f"{x:.1f}".replace(".", ",") + " %" for x in rng.uniform(0, 100, ROWS)],
        "stück": [str(x) for x in rng.integers(0, 9, ROWS)],
        "tag": [
            f"{d:02d}/{m:02d}/2024" for d, m in zip(rng.integers(1, 29, ROWS), rng.integers(1, 13, ROWS), strict=True)
        ],
        "um": [
            f"2024-03-{d:02d} {h:02d}:15:00"
            for d, h in zip(rng.integers(1, 29, ROWS), rng.integers(0, 24, ROWS), strict=True)
        ],
        "ort": rng.choice(["Basel", "Bern", "Chur"], ROWS).tolist(),
        "plz": rng.choice(["01067", "04109", "10115"], ROWS).tolist(),
        "bezahlt": rng.choice(["yes", "no"], ROWS).tolist(),
        "text": [" ".join(rng.choice(["late", "paid", "twice", "by", "card", "in", "cash"], 6)) for _ in range(ROWS)],
    }
    for values in found.values():
        for row in rng.permutation(ROWS)[: ROWS // 10]:
            values[row] = ""
    found["rare"] = ["" if i < ROWS // 2 else f"{x:.3f}" for i, x in enumerate(rng.normal(size=ROWS))]
    return {"id": [f"{i:03d}" for i in range(ROWS)]} | found


def as_csv(folder: Path, seed: int) -> Table:
    """Read as text that has to be understood."""
    names = columns(seed)
    lines = [";".join(names), *map(";".join, zip(*names.values(), strict=True))]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")
    return read_table(str(folder / "rows.csv"), key="id")


def as_parquet(folder: Path, seed: int) -> Table:
    """Read with the types of the file, a date with its zone and one without a time of day among them."""
    frame = as_csv(folder, seed).frame.with_columns(
        pl.col("um").dt.replace_time_zone("UTC"), pl.col("tag").cast(pl.Date), pl.col("stück").cast(pl.Int16)
    )
    frame.write_parquet(folder / "rows.parquet")
    return read_table(str(folder / "rows.parquet"), key="id")


def as_pandas(folder: Path, seed: int) -> Table:
    """A frame from memory, of objects, categories and extension types."""
    read = as_csv(folder, seed).frame
    frame = pd.DataFrame({name: read[name].to_list() for name in read.columns})
    frame["ort"] = frame["ort"].astype("category")
    frame["bezahlt"] = frame["bezahlt"].map(lambda truth: truth)
    frame["stück"] = frame["stück"].astype("Int64")
    frame["um"] = pd.to_datetime(frame["um"]).dt.tz_localize("Europe/Zurich")
    return Table.from_frame(frame, key="id")


def through_the_store(values: Mapping[str, Any]) -> dict[str, Any]:
    """What comes back of values that were stored as JSON."""
    found: dict[str, Any] = json.loads(json.dumps(values, allow_nan=False))
    return found


@pytest.mark.parametrize("read", [as_csv, as_parquet, as_pandas])
@pytest.mark.parametrize("seed", range(6))
def test_rows_rebuilt_from_their_values_are_encoded_as_they_were(tmp_path: Path, read: Any, seed: int) -> None:
    table = read(tmp_path, seed)
    encoder = Encoder.fit(table)
    assert len({coder.kind for coder in encoder.coders}) >= 4
    expected = encoder.encode(table).values
    rng = np.random.default_rng(seed)
    for rows in (np.arange(ROWS // 2), rng.permutation(ROWS)[:7], rng.permutation(ROWS)[:1], np.arange(ROWS)):
        values = [through_the_store(table.values(int(row))) for row in rows]
        again = rebuilt(values, encoder.reading, source="rows")
        np.testing.assert_array_equal(encoder.encode(again).values, expected[rows])


def test_infinities_that_were_stored_as_text_are_read_as_they_were() -> None:
    frame = pl.DataFrame({"x": [float("inf"), -float("inf"), *map(float, range(20))], "y": np.arange(22) % 5})
    table = Table.from_frame(frame)
    encoder = Encoder.fit(table)
    again = rebuilt([through_the_store(table.values(row)) for row in range(6)], encoder.reading, source="rows")
    np.testing.assert_array_equal(encoder.encode(again).values, encoder.encode(table).values[:6])


def test_neither_the_key_nor_the_label_of_rows_that_were_judged_elsewhere_matters(table: Table) -> None:
    encoder = Encoder.fit(table)
    values = [{**table.values(row), "id": "the same", "fraud": None} for row in range(4)]
    expected = encoder.encode(table).values[:4]
    np.testing.assert_array_equal(encoder.encode(rebuilt(values, encoder.reading, source="x")).values, expected)
    bare = [{name: value for name, value in row.items() if name not in ("id", "fraud")} for row in values]
    np.testing.assert_array_equal(encoder.encode(rebuilt(bare, encoder.reading, source="x")).values, expected)


def test_values_that_make_no_table_are_bad_data() -> None:
    reading = Encoder.fit(Table.from_frame(pl.DataFrame({"x": np.arange(20.0)}))).reading
    for values in ([{}], [{"x": "much"}], [{"x": [1, 2]}], [{"x": 1.0}, {"x": "much"}]):
        with pytest.raises(DataError):
            rebuilt(values, reading, source="rows")


def entry(table: Table, row: int, verdict: str, **given: Any) -> NewFeedback:
    values = {"fingerprint": table.fingerprint, "key": table.keys[row], "analyst": "ann", "values": table.values(row)}
    return NewFeedback(verdict=verdict, **{**values, **given})  # type: ignore[arg-type]


def say(workspace: Workspace, *entries: NewFeedback) -> list[Judged]:
    workspace.store.add_feedback(list(entries))
    return settle(workspace.store.feedback())


def fitted(workspace: Workspace, table: Table) -> Any:
    result = run(workspace, table, RunOptions(detectors=("distance", "explaining:power=1")), name="m")
    return result.model


def asked(model: Any, judged: list[Judged], table: Table) -> Any:
    data = model.encoder.encode(table)
    return evidence_of_judged(model, judged, table, data, model.score_encoded(data).surprises)


def test_rows_of_the_table_and_rows_of_others_give_the_same_evidence(
    workspace: Workspace, table: Table, frame: pl.DataFrame
) -> None:
    model = fitted(workspace, table)
    other = Table.from_frame(frame.head(50), source="other.csv", key="id", label="fraud")
    run(workspace, other, RunOptions(detectors=("distance",)), name="n")
    judged = say(
        workspace,
        entry(other, 7, "anomaly"),
        entry(table, 9, "anomaly"),
        entry(other, 3, "expected"),
        entry(table, 7, "unsure"),
    )
    known = asked(model, judged, table)
    assert known.rows.tolist() == [0, 1, 2, 3]
    assert known.notes == ()
    scores = model.score(table)
    np.testing.assert_array_equal(known.evidence.surprises, scores.surprises[[7, 9, 3, 7]])
    np.testing.assert_array_equal(known.evidence.consensus, scores.score[[7, 9, 3, 7]])
    np.testing.assert_array_equal(known.evidence.columns, model.encoder.encode(table).values[[7, 9, 3, 7]])


def test_rows_that_were_judged_under_another_key_are_known_by_their_values(
    workspace: Workspace, table: Table, frame: pl.DataFrame
) -> None:
    model = fitted(workspace, table)
    by_content = Table.from_frame(frame, source="payments.csv", label="fraud")
    assert by_content.fingerprint == table.fingerprint
    judged = say(workspace, entry(by_content, 7, "anomaly"), entry(table, 9, "false_alarm"))
    known = asked(model, judged, table)
    np.testing.assert_array_equal(known.evidence.consensus, model.score(table).score[[7, 9]])


def test_rows_without_the_columns_of_the_model_are_left_out_and_said(
    workspace: Workspace, table: Table, frame: pl.DataFrame
) -> None:
    model = fitted(workspace, table)
    other = Table.from_frame(frame.drop("weight").head(50), source="other.csv", key="id", label="fraud")
    run(workspace, other, RunOptions(detectors=("distance",)), name="n")
    known = asked(model, say(workspace, entry(other, 7, "anomaly"), entry(table, 9, "anomaly")), table)
    assert known.rows.tolist() == [1]
    (note,) = known.notes
    assert note.startswith("left out: 1 judged row of other.csv: ")
    assert "'weight' is missing" in note
    only = asked(model, say(workspace)[:1], table)
    assert (only.rows.size, len(only.evidence)) == (0, 0)


def test_labels_are_found_by_dataset_and_key_alike(workspace: Workspace, table: Table) -> None:
    fitted(workspace, table)
    judged = say(workspace, entry(table, 7, "anomaly"), entry(table, 8, "expected"), entry(table, 9, "unsure"))
    places = [(table.fingerprint, key) for key in ("r8", "r9", "r7", "r1")] + [("elsewhere", "r7")]
    np.testing.assert_array_equal(labels_at(places, judged), [0.0, np.nan, 1.0, np.nan, np.nan])
