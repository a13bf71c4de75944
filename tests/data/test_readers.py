"""Files and databases become the same Table, whatever their format."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import json
import lzma
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from anomalist.data.readers import read_table
from anomalist.data.reading.jsonl import stack
from anomalist.data.reading.sql import masked
from anomalist.data.table import Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anomalist.data.table import Table

TEXT = "id,amount,shop,paid,day\n" + "".join(
    f"A{i},{i * 1.25},{'north' if i % 3 else 'south'},{'true' if i % 2 else 'false'},2020-01-{i + 1:02d}\n"
    for i in range(25)
)


def read(folder: Path, data: str | bytes, name: str = "sales.csv", **options: Any) -> Table:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_table(path, **options)


def test_csv(tmp_path: Path) -> None:
    table = read(tmp_path, TEXT, key="id")
    assert table.frame.schema == {
        "id": pl.String,
        "amount": pl.Float64,
        "shop": pl.String,
        "paid": pl.Boolean,
        "day": pl.Date,
    }
    assert list(table.roles.values()) == [Role.KEY, Role.NUMERIC, Role.CATEGORICAL, Role.BOOLEAN, Role.DATETIME]
    assert table.keys[3] == "A3"
    assert table.source == "sales.csv"
    assert table.notes == ()


PACKERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("ending", PACKERS)
def test_compressed(ending: str, tmp_path: Path) -> None:
    packed = PACKERS[ending](TEXT.encode())
    assert read(tmp_path, packed, f"sales.csv{ending}").frame.equals(read(tmp_path, TEXT).frame)
    assert read(tmp_path, packed, "without_ending.csv").frame.equals(read(tmp_path, TEXT).frame)


@pytest.mark.parametrize(("delimiter", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_other_delimiters_are_found_and_said(delimiter: str, word: str, tmp_path: Path) -> None:
    table = read(tmp_path, TEXT.replace(",", delimiter))
    assert table.frame.equals(read(tmp_path, TEXT).frame)
    assert word in table.notes[0]


def test_a_tsv_has_tabs_without_a_word(tmp_path: Path) -> None:
    assert read(tmp_path, TEXT.replace(",", "\t"), "sales.tsv").notes == ()


def test_a_delimiter_in_quotes_does_not_count(tmp_path: Path) -> None:
    table = read(tmp_path, 'name;note\nann;"a, b, c"\nbob;"d, e, f"\n')
    assert table.frame.row(0) == ("ann", "a, b, c")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    table = read(tmp_path, "name,n\ncafé,1\nnaïve,2\n".encode(encoding))
    assert table.frame.get_column("name").to_list() == ["café", "naïve"]
    assert bool(table.notes) == (not encoding.startswith("utf-8"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end: str, tmp_path: Path) -> None:
    assert read(tmp_path, TEXT.replace("\n", end).encode()).frame.equals(read(tmp_path, TEXT).frame)


def test_no_newline_at_the_end(tmp_path: Path) -> None:
    assert read(tmp_path, TEXT.rstrip()).frame.equals(read(tmp_path, TEXT).frame)


def test_blank_lines_are_skipped(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\n\n1,2\n\n3,4\n\n").frame.rows() == [(1, 2), (3, 4)]


def test_blank_lines_among_quotes_and_empty_rows(tmp_path: Path) -> None:
    assert read(tmp_path, 'a,b\n\n"1",2\n\n3,\n').frame.rows() == [(1, 2), (3, None)]
    assert read(tmp_path, "a,b\n1,2\n\n,\n3,4\n").frame.rows() == [(1, 2), (None, None), (3, 4)]


def test_a_blank_line_of_one_column_is_a_missing_value(tmp_path: Path) -> None:
    assert read(tmp_path, "a\n1\n\n3\n\n").frame.rows() == [(1,), (None,), (3,)]


def test_newlines_and_stray_quotes_in_values(tmp_path: Path) -> None:
    assert read(tmp_path, 'a,b\n1,"x\ny"\n2,"z ""q"""\n').frame.rows() == [(1, "x\ny"), (2, 'z "q"')]
    assert read(tmp_path, 'a,b\n1,5" disk\n2,z\n').frame.rows() == [(1, '5" disk'), (2, "z")]


def test_nameless_columns_are_numbered_and_said(tmp_path: Path) -> None:
    table = read(tmp_path, ",a\n5,2\n6,4\n")
    assert table.frame.columns == ["column_1", "a"]
    assert "column_1" in table.notes[0]


def test_made_up_names_are_new(tmp_path: Path) -> None:
    assert read(tmp_path, ",column_1,\n5,2,x\n6,4,y\n").frame.columns == ["column_1_", "column_1", "column_3"]


def test_a_delimiter_at_each_line_end_is_forgiven(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b,\n1,2,\n3,4,\n")
    assert table.frame.columns == ["a", "b"]
    assert "dropped" in table.notes[0]


def test_a_header_of_numbers_is_doubted(tmp_path: Path) -> None:
    assert "header" in read(tmp_path, "1.5,2.5\n3,4\n5,6\n").notes[0]


def test_types_come_from_the_whole_file(tmp_path: Path) -> None:
    long = "a,b\n" + "1,2020-01-01\n" * 60_000
    assert read(tmp_path, long + "2.5,2020-01-02\n").frame.schema == {"a": pl.Float64, "b": pl.Date}
    assert read(tmp_path, long + "x1,\n" * 9000).frame.schema == {"a": pl.String, "b": pl.Date}


def test_parquet_and_json_lines_equal_csv(tmp_path: Path) -> None:
    expected = read(tmp_path, TEXT).frame
    expected.write_parquet(tmp_path / "sales.parquet")
    expected.write_ndjson(tmp_path / "sales.jsonl")
    (tmp_path / "sales.json").write_text(json.dumps(json.loads(f"[{','.join(_lines(tmp_path))}]")))
    (tmp_path / "sales.ndjson.gz").write_bytes(gzip.compress((tmp_path / "sales.jsonl").read_bytes()))
    for name in ("sales.parquet", "sales.jsonl", "sales.json", "sales.ndjson.gz"):
        table = read_table(tmp_path / name)
        assert table.frame.equals(expected), name
        assert table.fingerprint == read(tmp_path, TEXT).fingerprint
        assert table.keys.equals(read(tmp_path, TEXT).keys)


def _lines(folder: Path) -> list[str]:
    return (folder / "sales.jsonl").read_text().splitlines()


def test_json_lines_of_changing_shape(tmp_path: Path) -> None:
    table = read(tmp_path, '{"a":1,"b":"x"}\n\n{"b":"y","c":[1,2]}\n{"a":2.5,"c":{"d":1}}\n', "log.jsonl")
    assert table.frame.get_column("a").to_list() == [1.0, None, 2.5]
    assert table.frame.get_column("c").to_list() == [None, "[1, 2]", '{"d": 1}']


def test_no_key_of_nested_values_is_lost(tmp_path: Path) -> None:
    lines = ['{"a":{"x":1},"n":NaN}', *['{"a":{"x":2}}'] * 300, '{"a":{"y":3}}']
    table = read(tmp_path, "\n".join(lines), "log.jsonl")
    assert table.frame.get_column("a")[301] == '{"y": 3}'


def test_json_lines_with_nan_and_infinity(tmp_path: Path) -> None:
    table = read(tmp_path, '{"a":NaN}\n{"a":1}\n{"a":-Infinity}\n', "log.jsonl")
    assert table.frame.get_column("a").to_list() == [None, 1.0, float("-inf")]


def test_json_lines_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [json.dumps({"n": i if i < 900 else f"x{i}", "late": i} if i > 500 else {"n": i}) for i in range(1000)]
    whole = read(tmp_path, "\n".join(lines), "log.jsonl")
    monkeypatch.setattr("anomalist.data.reading.jsonl._BLOCK", 100)
    assert read(tmp_path, "\n".join(lines), "log.jsonl").frame.equals(whole.frame)
    assert whole.frame.get_column("n")[999] == "x999"
    assert whole.frame.get_column("late").null_count() == 501


def test_blocks_of_types_that_do_not_agree_become_text() -> None:
    stacked = stack([pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [dt.date(2020, 1, 1)], "b": [1]})])
    assert stacked.rows() == [("1", None), ("2020-01-01", 1)]


def test_a_format_can_be_named(tmp_path: Path) -> None:
    assert read(tmp_path, TEXT, "sales.dat", format="csv").frame.equals(read(tmp_path, TEXT).frame)


def test_readers_of_plugins(tmp_path: Path) -> None:
    def read_lengths(path: Path) -> pl.DataFrame:
        return pl.DataFrame({"length": [len(line) for line in path.read_text().splitlines()]})

    assert read(tmp_path, "aa\nb\n", "x.len", readers={".len": read_lengths}).frame.rows() == [(2,), (1,)]
    assert read(tmp_path, "aa\nb\n", "x.txt", readers={".len": read_lengths}, format="len").frame.rows() == [(2,), (1,)]
    assert read(tmp_path, "a\n7\n", "x.csv", readers={".csv": read_lengths}).frame.rows() == [(1,), (1,)]


def test_sqlite(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("create table orders (id integer, paid boolean, day date, at datetime, amount real)")
        connection.executemany(
            "insert into orders values (?, ?, ?, ?, ?)",
            [
                (i * 7, i % 2, f"2020-01-{i + 1:02d}", f"2020-01-01 {i % 24:02d}:00:00.5", i / 4 or None)
                for i in range(30)
            ],
        )
        connection.execute("create view cheap as select * from orders where amount < 2")
    connection.close()
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    table = read_table(url, query="orders", key="id")
    roles = [Role.KEY, Role.BOOLEAN, Role.DATETIME, Role.DATETIME, Role.NUMERIC]
    assert list(table.roles.values()) == roles
    assert table.frame.get_column("amount").null_count() == 1
    assert table.source == url
    assert len(read_table(url, query="cheap")) == 7
    assert read_table(url, query="select id, amount * 2 as twice from orders where id > 7").frame.columns == [
        "id",
        "twice",
    ]


def test_the_only_table_needs_no_name(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute('create table "odd ""name" (a integer)')
        connection.execute('insert into "odd ""name" values (5)')
    connection.close()
    assert read_table(f"sqlite:///{tmp_path / 'shop.db'}").frame.rows() == [(5,)]


def test_sqlite_holds_any_type_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anomalist.data.reading.sql._ROWS", 2)
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("create table t (a, b)")
        connection.executemany("insert into t values (?, ?)", [(1, 1), (2.5, 2), ("x", 3), (None, 4), (b"y", 5)])
    connection.close()
    frame = read_table(f"sqlite:///{tmp_path / 'shop.db'}").frame
    assert frame.get_column("a").to_list() == ["1", "2.5", "x", None, "y"]
    assert frame.get_column("b").to_list() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://ann:hunter2@host:5432/shop", "postgresql+psycopg://ann:***@host:5432/shop"),
        ("postgresql://host/shop?user=ann&password=hunter2", "postgresql://host/shop?password=***&user=ann"),
        ("sqlite:////tmp/shop.db", "sqlite:////tmp/shop.db"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_reading_a_file_does_not_import_sqlalchemy_or_pandas(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(TEXT)
    code = (
        "import sys; from anomalist.data.readers import read_table; read_table(sys.argv[1]).fingerprint;"
        "print([name for name in ('sqlalchemy', 'pandas', 'pyarrow', 'sklearn', 'torch') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "sales.csv"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_many_rows_keep_their_order(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=50_000)
    table = read(tmp_path, "x\n" + "\n".join(map(repr, values.tolist())))
    assert np.array_equal(table.frame.get_column("x").to_numpy(), values)
