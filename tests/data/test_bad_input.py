"""A catalogue of bad inputs: each is refused in one line that names the file, and the row, line or column."""

from __future__ import annotations

import gzip
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from anomalist.data.encode import Encoder
from anomalist.data.readers import read_table
from anomalist.data.table import Table
from anomalist.errors import AnomalistError, DataError, ModelFileError, ParameterError, SchemaMismatchError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = "\n".join(f"{i * 1.5},1" for i in range(100))
DAYS = "\n".join(f"2020-{i // 28 + 1:02d}-{i % 28 + 1:02d},1" for i in range(100))


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that must be refused, and what the message must say."""

    name: str
    data: bytes
    error: type[AnomalistError] = DataError
    says: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)


def csv(
    text: str | bytes, *says: str, name: str = "sales.csv", error: type[AnomalistError] = DataError, **options: Any
) -> File:
    data = text if isinstance(text, bytes) else text.encode()
    return File(name=name, data=data, error=error, says=(*says,), options=options)


FILES = {
    "empty file": csv("", "sales.csv", "empty"),
    "only blank lines": csv("\n\n\n", "sales.csv", "blank"),
    "header only": csv("a,b\n", "sales.csv", "2 columns and no rows"),
    "empty header": csv(",,\n1,2,3\n", "sales.csv", "header is empty"),
    "duplicate column": csv("a,b,a\n1,2,3\n", "sales.csv", "'a'", "columns 1 and 3"),
    "duplicate column but for blanks": csv("a, a\n1,2\n", "sales.csv", "'a'", "twice"),
    "short row": csv("a,b,c\n1,2,3\n4,5\n7,8,9\n", "sales.csv", "line 3", "2 fields", "has 3"),
    "short row among quoted ones": csv('a,b\n"x,1",\n"y"\n', "sales.csv", "line 3", "1 field "),
    "long row": csv("a,b,c\n1,2,3\n4,5,6,7\n", "sales.csv", "line 3", "4 fields", "quote a value that holds ','"),
    "thousands under one header": csv("amount\n1,234\n5,678\n", "sales.csv", "line 2", "quote"),
    "open quote": csv('a,b\n1,"xy\n7,8\n', "sales.csv", "quote", "line 2", "never closed"),
    "NUL byte": csv(b"a,b\n1,\x00\n", "sales.csv", "line 2", "NUL"),
    "UTF-16 without its mark": csv("a,b\n1,2\n".encode("utf-16-le"), "sales.csv", "NUL", "UTF-16"),
    "broken UTF-16": csv(b"\xff\xfea\x00,\x00\x00\xd8", "sales.csv", "UTF-16"),
    "unknown encoding": csv(b"a,b\n1,caf\x81\n", "sales.csv", "line 2", "0x81", "UTF-8"),
    "two encodings": csv("a,b\n1,é\n".encode() + b"2,\xe9\n", "sales.csv", "line 3", "0xE9"),
    "not a gzip": csv("a,b\n1,2\n", "sales.csv.gz", "not gz", name="sales.csv.gz"),
    "cut gzip": csv(gzip.compress(b"a,b\n" + b"1,2\n" * 999)[:-9], "sales.csv.gz", "damaged", name="sales.csv.gz"),
    "gzip of nothing": csv(gzip.compress(b""), "sales.csv.gz", "empty", name="sales.csv.gz"),
    "Parquet called CSV": csv(b"PAR1\x15\x04\x15", "sales.csv", "Parquet"),
    "Excel called CSV": csv(b"PK\x03\x04\x14\x00", "sales.csv", "Excel"),
    "SQLite called CSV": csv(b"SQLite format 3\x00\x10\x00", "sales.csv", "SQLite"),
    "zstd called CSV": csv(b"\x28\xb5\x2f\xfd\x04\x00", "sales.csv", "zstd"),
    "CSV called Parquet": csv("a,b\n1,2\n", "sales.parquet", "not a Parquet file", name="sales.parquet"),
    "unknown ending": csv("a,b\n1,2\n", "sales.xlsx", "'.xlsx'", ".csv", name="sales.xlsx"),
    "no ending": csv("a,b\n1,2\n", "sales", "not known", name="sales"),
    "unknown format": csv("a\n1\n", "'excel'", "csv, parquet", error=UsageError, format="excel"),
    "a query of a file": csv("a\n1\n", "query", "sales.csv", error=UsageError, query="select 1"),
    "word among numbers": csv(f"a,b\n{NUMBERS}\noops,2\n", "sales.csv", "row 101", "'a'", "'oops'", "100 numbers"),
    "word among dates": csv(f"a,b\n{DAYS}\nsoon,2\n", "sales.csv", "row 101", "'a'", "'soon'", "100 dates"),
    "no 13th month": csv(f"a,b\n{DAYS}\n2020-13-01,2\n", "sales.csv", "row 101", "'a'", "'2020-13-01'"),
    "long wrong value": csv(f"a,b\n{NUMBERS}\n{'x' * 500},2\n", "sales.csv", "row 101", "..."),
    "not numeric": csv("a,b\n1,2\nx,1\n", "sales.csv", "row 2", "'a'", "'x'", "a number", roles={"a": "numeric"}),
    "not a date": csv("a,b\n2020-01-01,2\nx,1\n", "row 2", "'a'", "'x'", "a date", roles={"a": "datetime"}),
    "not boolean": csv("a,b\nx,2\ny,1\nz,3\n", "sales.csv", "'a'", "3 different", roles={"a": "boolean"}),
    "unknown role": csv("a,b\n1,2\n", "'a'", "'number'", "numeric", error=UsageError, roles={"a": "number"}),
    "role of no column": csv("a,b\n1,2\n", "sales.csv", "'A1'", "numeric", roles={"A1": "numeric"}),
    "two roles": csv("a,b\n1,2\n", "'a'", "key and label", error=UsageError, key="a", label="a"),
    "ignored key": csv("a,b\n1,2\n", "'a'", "key and ignored", error=UsageError, key="a", ignore=["a"]),
    "two keys": csv("a,b\n1,2\n", "key", "'a' and 'b'", error=UsageError, key="a", roles={"b": "key"}),
    "no such key": csv("amount,b\n1,2\n", "sales.csv", "'amout'", "did you mean 'amount'", key="amout"),
    "no such key but for case": csv("ID,b\n1,2\n", "sales.csv", "'id'", "did you mean 'ID'", key="id"),
    "no such time": csv("a,b\n1,2\n", "sales.csv", "'when'", "time", "columns are 'a', 'b'", time="when"),
    "no such entity": csv("host,b\n1,2\n", "sales.csv", "'hosts'", "entity", "did you mean 'host'", entity="hosts"),
    "no such label": csv("fraud,b\n1,2\n", "sales.csv", "'frauds'", "label", "did you mean 'fraud'", label="frauds"),
    "nothing to ignore": csv("a,b\n1,2\n", "sales.csv", "'c'", "ignored", ignore=["c"]),
    "duplicate key": csv("id,b\n7,2\n8,3\n7,4\n", "sales.csv", "'7'", "'id'", "rows 1, 3", key="id"),
    "missing key": csv("id,b\n7,2\n,3\n", "sales.csv", "'id'", "empty in row 2", key="id"),
    "blank key": csv('id,b\n7,2\n"  ",3\n', "sales.csv", "'id'", "empty in row 2", key="id"),
    "bad time": csv("t,b\n2020-01-01,2\nyesterday,3\n", "sales.csv", "row 2", "'t'", "'yesterday'", time="t"),
    "missing time": csv("t,b\n2020-01-01,2\n,3\n", "sales.csv", "'t'", "row 2", time="t"),
    "infinite time": csv("t,b\n1,2\ninf,3\n", "sales.csv", "'t'", "row 2", time="t"),
    "broken JSON": csv('{"a":1}\n{"a":\n', "log.jsonl", "line 2", "not JSON", name="log.jsonl"),
    "JSON array as a line": csv('{"a":1}\n\n[1]\n', "log.jsonl", "line 3", "list", name="log.jsonl"),
    "JSON number as a line": csv("5\n", "log.jsonl", "line 1", "int", name="log.jsonl"),
    "JSON without columns": csv("{}\n{}\n", "log.jsonl", "no columns", name="log.jsonl"),
    "blank JSON Lines": csv("\n \n", "log.jsonl", "blank", name="log.jsonl"),
    "JSON item is no object": csv('[{"a":1}, 2]', "log.json", "item 2", "int", name="log.json"),
    "cut JSON array": csv('[{"a":1}', "log.json", "not JSON", name="log.json"),
}


@pytest.mark.parametrize("file", FILES.values(), ids=FILES.keys())
def test_file(file: File, tmp_path: Path) -> None:
    path = tmp_path / file.name
    path.write_bytes(file.data)
    with pytest.raises(file.error) as caught:
        read_table(path, **file.options)
    check(caught.value, file.error, *file.says)


def check(error: AnomalistError, kind: type[AnomalistError], *says: str) -> None:
    message = str(error)
    assert type(error) is kind
    assert "\n" not in message
    assert len(message) < 300
    for word in says:
        assert word in message


def test_no_such_file(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("a\n1\n")
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / "sale.csv")
    check(caught.value, DataError, "sale.csv", "did you mean", "sales.csv")


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / "data" / "sales.csv")
    check(caught.value, DataError, "sales.csv", "no folder")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_table(tmp_path)
    check(caught.value, DataError, tmp_path.name, "is a folder")


def database(folder: Path) -> str:
    with sqlite3.connect(folder / "shop.db") as connection:
        connection.execute("create table orders (id integer, amount real)")
        connection.execute("create table hollow (id integer)")
        connection.executemany("insert into orders values (?, ?)", [(i, i * 1.5) for i in range(30)])
    connection.close()
    return f"sqlite:///{folder / 'shop.db'}"


QUERIES = {
    "no table named": (None, UsageError, ("hollow, orders",)),
    "no such table": ("order", DataError, ("'order'", "did you mean 'orders'")),
    "no such table in a query": ("select * from order_s", DataError, ("order_s",)),
    "no SQL": ("selec * from orders", DataError, ("selec",)),
    "no rows": ("select * from orders where id < 0", DataError, ("no rows",)),
    "an empty table": ("hollow", DataError, ("no rows",)),
    "a column twice": ("select id, id from orders", DataError, ("'id'", "2 times")),
    "no SELECT": ("delete from orders", UsageError, ("SELECT",)),
}


@pytest.mark.parametrize(("query", "kind", "says"), QUERIES.values(), ids=QUERIES.keys())
def test_query(query: str | None, kind: type[AnomalistError], says: tuple[str, ...], tmp_path: Path) -> None:
    url = database(tmp_path)
    with pytest.raises(kind) as caught:
        read_table(url, query=query)
    check(caught.value, kind, "shop.db", *says)
    assert len(read_table(url, query="orders")) == 30  # nothing was written


URLS = {
    "no database file": ("sqlite:////nowhere/shop.db", DataError, ("/nowhere/shop.db", "no database file")),
    "unknown database": ("nosuch://ann:hunter2@host/shop", UsageError, ("nosuch", "***")),
    "missing driver": ("mysql+nosuchdriver://ann:hunter2@host/shop", UsageError, ("nosuchdriver", "***")),
    "no server": ("postgresql+psycopg://ann:hunter2@localhost:1/shop", DataError, ("localhost", "***")),
    "secret in the query": ("nosuch://host/shop?password=hunter2", UsageError, ("nosuch", "***")),
    "no URL": ("://hunter2", UsageError, ("dialect",)),
}


@pytest.mark.parametrize(("url", "kind", "says"), URLS.values(), ids=URLS.keys())
def test_url(url: str, kind: type[AnomalistError], says: tuple[str, ...]) -> None:
    with pytest.raises(kind) as caught:
        read_table(url, query="orders")
    check(caught.value, kind, *says)
    assert "hunter2" not in str(caught.value)


def test_reader_of_a_plugin_fails(tmp_path: Path) -> None:
    path = tmp_path / "sales.xyz"
    path.write_text("x")

    def broken(path: Path) -> pl.DataFrame:
        raise RuntimeError("sheet 3 is\nlocked")

    with pytest.raises(DataError) as caught:
        read_table(path, readers={".xyz": broken})
    check(caught.value, DataError, "sales.xyz", "sheet 3 is")


def test_reader_of_a_plugin_returns_no_frame(tmp_path: Path) -> None:
    path = tmp_path / "sales.xyz"
    path.write_text("x")
    with pytest.raises(DataError) as caught:
        read_table(path, readers={".xyz": lambda path: [1, 2]})  # type: ignore[dict-item,return-value]  # the mistake
    check(caught.value, DataError, "sales.xyz", "DataFrame", "list")


FRAMES: dict[str, tuple[Any, dict[str, Any], tuple[str, ...]]] = {
    "no frame": ([1, 2, 3], {}, ("frame", "list")),
    "no columns": (pl.DataFrame(), {}, ("no columns",)),
    "no rows": (pl.DataFrame({"a": []}), {}, ("no rows",)),
    "a time of words": (pl.DataFrame({"t": [True, False], "a": [1, 2]}), {"time": "t"}, ("'t'", "neither dates nor")),
}


@pytest.mark.parametrize(("frame", "options", "says"), FRAMES.values(), ids=FRAMES.keys())
def test_frame(frame: Any, options: dict[str, Any], says: tuple[str, ...]) -> None:
    with pytest.raises(DataError) as caught:
        Table.from_frame(frame, **options)
    check(caught.value, DataError, *says)


LABELS: dict[str, tuple[list[Any], list[str] | None, tuple[str, ...]]] = {
    "missing": (["a", None, "b"], None, ("'y'", "row 2")),
    "three values": (["a", "b", "c"], None, ("'y'", "3 values", "'a'")),
    "equally frequent": (["a", "b", "a", "b"], None, ("'y'", "equally frequent")),
    "one value": (["a", "a"], None, ("'y'", "1 value")),
    "positive never there": (["a", "b"], ["c"], ("'y'", "'c'", "'a', 'b'")),
}


@pytest.mark.parametrize(("values", "positive", "says"), LABELS.values(), ids=LABELS.keys())
def test_labels(values: list[Any], positive: list[str] | None, says: tuple[str, ...]) -> None:
    table = Table.from_frame(pl.DataFrame({"x": range(len(values)), "y": values}), source="sales.csv", label="y")
    with pytest.raises(DataError) as caught:
        table.labels(positive)
    check(caught.value, DataError, "sales.csv", *says)
    assert positive is not None or "row" in str(caught.value) or "an anomaly as positive" in str(caught.value)


def test_no_label_column() -> None:
    with pytest.raises(DataError) as caught:
        Table.from_frame(pl.DataFrame({"x": [1, 2]}), source="sales.csv").labels()
    check(caught.value, DataError, "sales.csv", "label")


def table(**columns: Any) -> Table:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "amount": rng.normal(size=40),
            "shop": rng.choice(["north", "south", "west"], size=40),
            "day": pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 2, 9), eager=True),
            "t": np.arange(40) * 60,
        }
    )
    return Table.from_frame(frame.with_columns(**columns), source="new.csv")


DRIFTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "words for numbers": ({"amount": pl.lit("x")}, ("row 1", "'amount'", "'x'", "fitted on numbers")),
    "dates for numbers": (
        {"amount": pl.date(2020, 1, 1)},
        ("row 1", "'amount'", "2020-01-01", "is not a number", "fitted on numbers"),
    ),
    "words for dates": ({"day": pl.lit("x")}, ("row 1", "'day'", "'x'", "fitted on dates")),
    "numbers for dates": ({"day": pl.lit(5)}, ("'day'", "5", "fitted on dates")),
    "dates for a counting time": (
        {"t": pl.date(2020, 1, 1)},
        ("row 1", "'t'", "2020-01-01", "is not a number", "fitted on numbers"),
    ),
    "no time": ({"t": pl.lit(None, dtype=pl.Int64)}, ("'t'", "row 1")),
    "words for a time": ({"t": pl.lit("x")}, ("'t'", "row 1", "'x'")),
}


@pytest.mark.parametrize(("columns", "says"), DRIFTS.values(), ids=DRIFTS.keys())
def test_drift(columns: dict[str, Any], says: tuple[str, ...]) -> None:
    encoder = Encoder.fit(Table.from_frame(table().frame, time="t"))
    with pytest.raises(SchemaMismatchError) as caught:
        encoder.encode(table(**columns))
    check(caught.value, SchemaMismatchError, "new.csv", *says)


@pytest.mark.parametrize("name", ["amount", "shop", "day", "t"])
def test_missing_column(name: str) -> None:
    encoder = Encoder.fit(Table.from_frame(table().frame, time="t"))
    with pytest.raises(SchemaMismatchError) as caught:
        encoder.encode(Table.from_frame(table().frame.rename({name: f"{name}2"}), source="new.csv"))
    check(caught.value, SchemaMismatchError, "new.csv", f"{name!r} is missing", f"did you mean '{name}2'")


def test_nothing_to_encode() -> None:
    with pytest.raises(DataError) as caught:
        Encoder.fit(Table.from_frame(pl.DataFrame({"id": range(50), "one": [1] * 50}), source="new.csv"))
    check(caught.value, DataError, "new.csv", "no column is left", "id:", "one:")


def test_too_many_columns() -> None:
    with pytest.raises(DataError) as caught:
        Encoder.fit(table(), max_columns=2)
    check(caught.value, DataError, "new.csv", "more than 2")


@pytest.mark.parametrize("option", [{"cap": 0.0}, {"max_levels": -1}, {"max_columns": 0}])
def test_bad_encoder_option(option: dict[str, Any]) -> None:
    with pytest.raises(ParameterError) as caught:
        Encoder.fit(table(), **option)
    check(caught.value, ParameterError, *option)


@pytest.mark.parametrize("change", [{"format": 99}, {"coders": [{"kind": "magic"}]}, {"roles": {"a": "magic"}}])
def test_bad_encoder_state(change: dict[str, Any]) -> None:
    with pytest.raises(ModelFileError) as caught:
        Encoder.from_state({**Encoder.fit(table()).state(), **change})
    check(caught.value, ModelFileError, "encoder")
