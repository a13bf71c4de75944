"""A row reads and encodes the same alone as in its file, however odd its numbers, dates and words are written."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from anomalist.data.conventions import Convention, Reading
from anomalist.data.encode import Encoder
from anomalist.data.readers import read_table
from anomalist.data.table import Table
from anomalist.errors import DataError, SchemaMismatchError

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 40


def moments(form: str) -> list[str]:
    """Dates in a format, the first of which could be read in two ways."""
    start = dt.datetime(2024, 1, 2, 15, 4, 5, tzinfo=dt.UTC)
    return [(start + dt.timedelta(hours=61 * i)).strftime(form) for i in range(ROWS)]


ODD: dict[str, tuple[list[Any], dict[str, str]]] = {
    "thousands": (["1,234", "5,678.5", *(f"{i}.25" for i in range(38))], {}),
    "thousands only": ([f"{i},234" for i in range(1, 41)], {}),
    "decimal commas": (["1,234", "0,500", *(f"{i},25" for i in range(38))], {}),
    "points for thousands": (["1.234", "12.345,5", *(f"{i},25" for i in range(38))], {}),
    "blanks for thousands": (["1 234", "123", *(f"{i} 234,5" for i in range(1, 39))], {}),
    "percents": ([f"{i}.5 %" for i in range(40)], {}),
    "dollars": (["$1,234", "($3.00)", "-$4", *(f"${i}.50" for i in range(37))], {}),
    "euros": ([f"1.{i:03d},50 €" for i in range(40)], {}),
    "numbers and dashes": (["-", "n/a", *map(str, range(0, 114, 3))], {}),
    "signs and blanks": (["+5", " 7 ", *map(str, range(0, 114, 3))], {"x": "categorical"}),
    "levels of digits": ([f"{i % 4}.50" for i in range(40)], {"x": "categorical"}),
    "levels with zeros": ([f"00{i % 4}" for i in range(40)], {}),
    "levels and digits": ([str(i % 4) if i % 5 else "x" for i in range(40)], {}),
    "whole numbers under the name of a code": ([str(i % 4) for i in range(40)], {}),
    "true and false": (["true", "FALSE", " True", "false"] * 10, {}),
    "yes and no": (["yes", "no", "no", None] * 10, {}),
    "on and off": (["on", "off", "on", "off"] * 10, {}),
    "words or missing": (["red", None, "NA", "unknown"] * 10, {}),
    "texts": ([f"the {i} order came late to shop {i * 7}" for i in range(40)], {}),
    "day first": (moments("%d/%m/%Y"), {}),
    "month first": (moments("%m/%d/%Y"), {}),
    "day first of two digits": (moments("%d/%m/%y"), {}),
    "month first with dashes": (moments("%m-%d-%Y"), {}),
    "points": (moments("%d.%m.%Y %H:%M"), {}),
    "afternoons": (moments("%m/%d/%Y %I:%M %p"), {}),
    "zones": (moments("%Y-%m-%dT%H:%M:%S%z"), {}),
    "bare midnights": (["02/01/2024", *moments("%d/%m/%Y %H:%M")[1:]], {}),
    "missing dates": (["?", "0000-00-00", *moments("%d.%m.%Y")[2:]], {}),
    "digits of dates": (moments("%Y%m%d"), {"x": "datetime"}),
    "milliseconds": ([str(1_000 + 86_400_000 * 400 * i) for i in range(40)], {"x": "datetime"}),
    "dates as levels": (moments("%d/%m/%Y"), {"x": "categorical"}),
}


def training(values: list[Any]) -> pl.DataFrame:
    """A column of text beside one of numbers."""
    return pl.DataFrame(
        {"x": values, "z": [f"{i % 7}.5" for i in range(len(values))]}, schema_overrides={"x": pl.String}
    )


def revived(encoder: Encoder) -> Encoder:
    """An encoder after a trip through JSON."""
    state = encoder.state()
    plain = {name: value for name, value in state.items() if not isinstance(value, np.ndarray)}
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    return Encoder.from_state({**json.loads(json.dumps(plain, allow_nan=False)), **arrays})


def write(frame: pl.DataFrame, path: Path) -> str:
    """A file, or a database, of one of the formats; returns where it is."""
    match path.suffix:
        case ".csv":
            frame.write_csv(path)
        case ".parquet":
            frame.write_parquet(path)
        case ".jsonl":
            frame.write_ndjson(path)
        case ".json":
            path.write_text(json.dumps(frame.to_dicts()))
        case ".db":
            engine = create_engine(f"sqlite:///{path}")
            frame.to_pandas().to_sql("rows", engine, index=False)
            engine.dispose()
            return f"sqlite:///{path}"
    return str(path)


@pytest.mark.parametrize(("values", "roles"), ODD.values(), ids=ODD.keys())
def test_one_row_of_a_frame_is_the_row_in_the_frame(values: list[Any], roles: dict[str, str]) -> None:
    frame = training(values)
    table = Table.from_frame(frame, roles=roles)
    fitted = Encoder.fit(table)
    encoder = revived(fitted)
    together = fitted.encode(table).values
    again = Table.from_frame(frame, like=encoder.reading)
    assert np.array_equal(encoder.encode(again).values, together)
    assert again.fingerprint == table.fingerprint
    assert again.roles == table.roles
    pandas = frame.to_pandas()
    for i in range(ROWS):
        for rows in (frame[i : i + 1], pandas.iloc[i : i + 1]):
            alone = Table.from_frame(rows, like=encoder.reading)
            assert np.array_equal(encoder.encode(alone).values[0], together[i]), (i, values[i])
            assert alone.keys[0] == table.keys[i].partition("-")[0]


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl", ".json", ".db"])
def test_one_row_of_a_file_is_the_row_in_the_file(ending: str, tmp_path: Path) -> None:
    frame = pl.DataFrame({name: pl.Series(values, dtype=pl.String) for name, (values, _) in ODD.items()})
    roles = {name: said["x"] for name, (_, said) in ODD.items() if said}
    table = read_table(write(frame, tmp_path / f"all{ending}"), roles=roles)
    encoder = revived(Encoder.fit(table))
    together = encoder.encode(table).values
    for i in (0, 1, 2, 3, 17, 39):
        place = write(frame[i : i + 1], tmp_path / f"one{i}{ending}")
        alone = read_table(place, like=encoder.reading)
        assert np.array_equal(encoder.encode(alone).values[0], together[i]), i
        assert alone.keys[0] == table.keys[i]


def test_time_and_entity_read_as_they_were() -> None:
    rows = pl.DataFrame({"t": moments("%d/%m/%Y"), "host": ["1", "+2"] * 20, "x": [f"{i % 7}.5" for i in range(40)]})
    table = Table.from_frame(rows, time="t", entity="host")
    encoder = revived(Encoder.fit(table))
    together = encoder.encode(table)
    for i in range(40):
        alone = encoder.encode(Table.from_frame(rows[i : i + 1], like=encoder.reading))
        assert alone.time is not None
        assert together.time is not None
        assert alone.entity is not None
        assert together.entity is not None
        assert (alone.time[0], alone.entity[0]) == (together.time[i], together.entity[i])


@pytest.mark.parametrize(
    "values",
    [
        [1, "x", 2.5, 1.0, True, None] * 5,
        [{"a": 1}, {"b": 2}, {"a": 1, "b": 2.0}, None] * 8,
        [[1], [2.5], [1, 2.5], "[1]"] * 8,
        [True, "true", "no", False] * 8,
        [1, 2.5, 7, None] * 8,
        [2**60, 2**70, 5, 2.5] * 8,
        [1e20, "x", 1.5e-9] * 10,
    ],
)
def test_values_of_several_types_in_one_column(values: list[Any], tmp_path: Path) -> None:
    items = [{"x": value, "z": i % 7 + 0.5} for i, value in enumerate(values)]
    (tmp_path / "all.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    (tmp_path / "all.json").write_text(json.dumps(items))
    for ending in ("jsonl", "json"):
        table = read_table(tmp_path / f"all.{ending}")
        encoder = Encoder.fit(table)
        together = encoder.encode(table).values
        for i, item in enumerate(items):
            (tmp_path / f"one.{ending}").write_text(json.dumps(item if ending == "jsonl" else [item]))
            alone = read_table(tmp_path / f"one.{ending}", like=encoder.reading)
            assert np.array_equal(encoder.encode(alone).values[0], together[i]), (ending, item)
    frame = pd.DataFrame({"x": pd.Series(values, dtype=object), "z": [i % 7 + 0.5 for i in range(len(values))]})
    table = Table.from_frame(frame)
    encoder = Encoder.fit(table)
    together = encoder.encode(table).values
    for i in range(len(frame)):
        alone = Table.from_frame(frame.iloc[i : i + 1], like=encoder.reading)
        assert np.array_equal(encoder.encode(alone).values[0], together[i]), values[i]


WRITTEN = st.sampled_from(
    [
        *(
            "1",
            "12",
            "1,234",
            "0,5",
            "1.5",
            "1.234,5",
            "2,50",
            "$3",
            "4 %",
            "1 234",
            "-",
            "",
            "NA",
            "none",
            "true",
            "False",
        ),
        *("yes", "red", "02/01/2024", "13/01/2024", "01/13/2024", "2024-01-02", "2024-01-02 03:04", "3.4.2024", "007"),
        *("9007199254740993", "1e5", "inf", "nan", " 5", "+5", "20240102", "some words of a longer text", "None"),
    ]
)


@given(st.data(), st.integers(1, 3), st.integers(2, 30))
@settings(max_examples=150, deadline=None)
def test_any_table_encodes_each_row_by_itself(data: st.DataObject, columns: int, rows: int) -> None:
    few = [data.draw(st.lists(WRITTEN, min_size=1, max_size=4)) for _ in range(columns)]
    drawn = [data.draw(st.lists(st.sampled_from(words), min_size=rows, max_size=rows)) for words in few]
    frame = pl.DataFrame({f"c{i}": values for i, values in enumerate(drawn)}).with_columns(z=pl.int_range(pl.len()) % 3)
    try:
        table = Table.from_frame(frame, roles={"z": "numeric"})
    except DataError:  # nearly all of a column are numbers or dates
        return
    encoder = revived(Encoder.fit(table))
    together = encoder.encode(table).values
    for i in range(rows):
        alone = Table.from_frame(frame[i : i + 1], like=encoder.reading)
        assert np.array_equal(encoder.encode(alone).values[0], together[i])
        assert alone.keys[0] == table.keys[i].partition("-")[0]
    new = pl.DataFrame({f"c{i}": data.draw(st.lists(WRITTEN, min_size=3, max_size=3)) for i in range(columns)})
    new = new.with_columns(z=pl.lit(1))
    singles = []
    for i in range(3):
        try:
            singles.append(encoder.encode(Table.from_frame(new[i : i + 1], like=encoder.reading)).values[0])
        except SchemaMismatchError:
            with pytest.raises(SchemaMismatchError):
                encoder.encode(Table.from_frame(new, like=encoder.reading))
            return
    assert np.array_equal(encoder.encode(Table.from_frame(new, like=encoder.reading)).values, np.stack(singles))


REFUSED: dict[str, tuple[list[Any], dict[str, str], Any, str]] = {
    "a thousands comma": (["1.5", "2.5"] * 20, {}, "1,234", "'1,234' is not a number: .* written like 1234.5"),
    "a decimal point": (["1,5", "0,5"] * 20, {}, "2.5", "'2.5' is not a number: .* written like 1.234,5"),
    "no percent": (["1.5%", "2%"] * 20, {}, "2", "'2' is not a number: .* like 1234.5 with '%'"),
    "another currency": (["$1.5", "$2"] * 20, {}, "€2", "'€2' is not a number: .* with '\\$'"),
    "a decimal among thousands": (["1,234", "5,678.5"] * 20, {}, "0,123", "'0,123' is not a number: .* like 1,234.5"),
    "words": (["1.5", "2.5"] * 20, {}, "high", "'high' is not a number"),
    "a date among numbers": (["1.5", "2.5"] * 20, {}, dt.date(2024, 1, 2), "2024-01-02 is not a number"),
    "another order": (moments("%d/%m/%Y"), {}, "01/13/2024", "'01/13/2024' is not a date or time: .* like 31/12/2024"),
    "another form": (moments("%d.%m.%Y"), {}, "2024-01-02", "'2024-01-02' is not a date .* like 31.12.2024"),
    "a number among dates": (moments("%Y-%m-%d"), {}, 5, "5 is not a date or time: .* like 2024-12-31"),
    "a truth value among dates": (moments("%Y-%m-%d"), {}, True, "True is not a date or time"),
    "no such day": (moments("%Y%m%d"), {"x": "datetime"}, "20240230", "'20240230' is not a date .* like 20241231"),
    "no epoch": (
        ["86400", "9999999"] * 20,
        {"x": "datetime"},
        "soon",
        "'soon' is .* like 1735654500, seconds since 1970",
    ),
}


@pytest.mark.parametrize(("values", "roles", "new", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_written_otherwise_is_refused(values: list[Any], roles: dict[str, str], new: Any, says: str) -> None:
    encoder = Encoder.fit(Table.from_frame(training(values), roles=roles))
    fine = values[0] if isinstance(new, str) else None
    rows = pl.DataFrame({"x": [fine, new], "z": ["0.5", "0.5"]})
    with pytest.raises(SchemaMismatchError, match=f"^new.csv: row 2, column 'x': {says}") as caught:
        Table.from_frame(rows, source="new.csv", like=encoder.reading)
    assert "\n" not in str(caught.value)


def test_a_level_that_is_written_otherwise_is_just_unseen() -> None:
    for values, new in ((["1", "2"], "x"), (["true", "false"], "maybe"), (["7.50", "2.25"], "1,5")):
        table = Table.from_frame(training(values * 20), roles={"x": "categorical"})
        encoder = Encoder.fit(table)
        rows = Table.from_frame(training([values[1], new]), like=encoder.reading)
        encoded = encoder.encode(rows).values
        assert np.array_equal(encoded[0], Encoder.fit(table).encode(table).values[1] * [1, 0] + encoded[0] * [0, 1])
        (said,) = encoder.surprises(rows)
        assert said == f"column 'x': 1 level never seen in training in 1 row, first {new!r} in row 2"


def test_rows_read_by_another_convention_are_refused_by_the_encoder() -> None:
    encoder = Encoder.fit(Table.from_frame(training(moments("%d/%m/%Y"))))
    with pytest.raises(
        SchemaMismatchError, match=r"written like 12/31/2024, and .* like 31/12/2024: read these rows with"
    ):
        encoder.encode(Table.from_frame(training(["02/01/2024"])))
    commas = Encoder.fit(Table.from_frame(training(["1,5", "0,25"] * 20)))
    with pytest.raises(SchemaMismatchError, match=r"'x' was read as numbers written like 1,234\.5, and"):
        commas.encode(Table.from_frame(training(["1,234"])))
    assert commas.encode(Table.from_frame(training(["3"]))).values.shape == (1, 2)


def test_what_the_user_asks_of_a_column_comes_before_what_it_was() -> None:
    encoder = Encoder.fit(Table.from_frame(training(["1,5", "0,25"] * 20)))
    table = Table.from_frame(training(["1,5", "0,25"]), key="x", like=encoder.reading)
    assert table.keys.to_list() == ["1,5", "0,25"]
    assert np.array_equal(
        encoder.encode(table).values,
        encoder.encode(Table.from_frame(training(["1,5", "0,25"]), like=encoder.reading)).values,
    )


def test_a_reading_is_plain_json() -> None:
    reading = Table.from_frame(training(moments("%d/%m/%Y"))).reading
    assert reading.conventions["x"] == Convention(kind="date", form="%d/%m/%Y", whole=True)
    assert Reading.from_dict(json.loads(json.dumps(reading.to_dict()))) == reading
    assert Reading.from_dict({}) == Reading()


def said(train: dict[str, list[Any]], new: dict[str, list[Any]], **roles: str) -> tuple[str, ...]:
    """What is surprising in new rows."""
    filler = {"z": [0.5, 1.5, 2.5, 0.25] * 10}
    encoder = revived(Encoder.fit(Table.from_frame(pl.DataFrame({**train, **filler}), roles=roles)))
    rows = pl.DataFrame({**new, "z": [0.5] * len(next(iter(new.values())))}, strict=False)
    return encoder.surprises(Table.from_frame(rows, like=encoder.reading))


def test_what_is_silent_in_the_scores_is_said() -> None:
    x = [1.0, 2.0, 4.0, 8.0] * 10
    assert said({"x": x}, {"x": [1.0, None, None]}) == (
        "column 'x': 2 values missing where training had none, first in row 2: taken as the usual 3",
    )
    assert said({"x": [*x[:-1], None]}, {"x": [1.0, None]}) == ()
    assert said({"x": [5] * 40}, {"x": [5, 6, None]}) == (
        "column 'x': '5' throughout in training and something else in 2 rows, first 6 in row 2: it is not looked at",
    )
    assert said({"x": [5] * 40}, {"x": [5.0, 5.0]}) == ()
    assert said({"x": [None] * 40}, {"x": ["a", None]}) == (
        "column 'x': missing throughout in training and something else in 1 row, first 'a' in row 1:"
        " it is not looked at",
    )
    assert said({"x": ["a", "b", "c", "a"] * 10}, {"x": ["a", "d", "e", "d"]}) == (
        "column 'x': 2 levels never seen in training in 3 rows, first 'd' in row 2",
    )
    assert said({"x": ["a", "b", "c", "a"] * 10}, {"x": [1, 2]}) == (
        "column 'x': none of its values was there in training, first 1 in row 1:"
        " they are numbers, where training had text",
    )
    assert said({"x": [True, False, True, True] * 10}, {"x": ["wahr", "falsch"]})[0].endswith(
        "first 'wahr' in row 1: they are text, where training had truth values"
    )


def test_an_entity_never_seen_is_said() -> None:
    frame = pl.DataFrame({"t": range(40), "host": ["a", "b"] * 20, "x": [0.5, 1.5, 2.5, 0.25] * 10})
    encoder = Encoder.fit(Table.from_frame(frame, time="t", entity="host"))
    new = Table.from_frame(frame.with_columns(host=pl.lit("c")), like=encoder.reading)
    assert encoder.surprises(new) == ("column 'host': 1 entity never seen in training in 40 rows, first 'c' in row 1",)


def test_labels_and_keys_surprise_nobody() -> None:
    frame = pl.DataFrame({"id": range(40), "y": [0] * 40, "w": [0] * 40, "x": [0.5, 1.5, 2.5, 0.25] * 10})
    encoder = Encoder.fit(Table.from_frame(frame, key="id", label="y", ignore=["w"]))
    assert encoder.surprises(Table.from_frame(frame.with_columns(y=1, w=1), like=encoder.reading)) == ()
