"""Tables: roles, keys, fingerprints, labels, and frames of polars and pandas."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalist.data.keys import as_text, content_keys, hash_text
from anomalist.data.labels import guessed_label
from anomalist.data.roles import Role, find_role
from anomalist.data.table import Table
from anomalist.data.words import suggest

KNOWN = ["ab0f39530201ae99", "a778eb5b8104061f", "a778eb5b8104061f-2", "007e6db884e20fd8"]
RNG = np.random.default_rng(0)
N = 200

ROLES: dict[str, tuple[str, list[Any], Role]] = {
    "floats": ("x", RNG.normal(size=N).tolist(), Role.NUMERIC),
    "two floats": ("x", [0.0, 1.0] * 100, Role.NUMERIC),
    "counts": ("visits", RNG.poisson(3, N).tolist(), Role.NUMERIC),
    "large counts": ("bytes", RNG.integers(0, 10**9, N).tolist(), Role.NUMERIC),
    "0 and 1": ("x", [0, 1] * 100, Role.BOOLEAN),
    "0 and 1 and missing": ("x", [0, 1, None, 1] * 50, Role.BOOLEAN),
    "1 and 2": ("x", [1, 2] * 100, Role.NUMERIC),
    "truth values": ("x", [True, False] * 100, Role.BOOLEAN),
    "yes and no": ("x", ["Yes", "No", "No", None] * 50, Role.BOOLEAN),
    "f and t": ("x", ["f", "t"] * 100, Role.BOOLEAN),
    "two words": ("x", ["red", "blue"] * 100, Role.CATEGORICAL),
    "one word or missing": ("x", ["red", None] * 100, Role.CATEGORICAL),
    "words": ("x", [f"w{i % 30}" for i in range(N)], Role.CATEGORICAL),
    "many words": ("merchant", [f"shop {i % 90}" for i in range(N)], Role.CATEGORICAL),
    "row numbers": ("x", list(range(N)), Role.IDENTIFIER),
    "shuffled row numbers": ("x", RNG.permutation(N).tolist(), Role.IDENTIFIER),
    "rising numbers": ("x", np.cumsum(RNG.integers(1, 99, N)).tolist(), Role.IDENTIFIER),
    "numbers called id": ("customerId", (RNG.permutation(N) * 977).tolist(), Role.IDENTIFIER),
    "policy numbers": ("policy_number", (RNG.permutation(N) * 977).tolist(), Role.IDENTIFIER),
    "postal codes": ("zip", (10_000 + RNG.integers(0, 20, N) * 37).tolist(), Role.CATEGORICAL),
    "status codes": ("status_code", [200, 404, 500, 200] * 50, Role.CATEGORICAL),
    "unique words": ("x", [f"{i:x}f{i * 7919 % 1000}" for i in range(N)], Role.IDENTIFIER),
    "sentences": ("x", [f"the {i} order came late to shop {i * 7}" for i in range(N)], Role.TEXT),
    "dates": ("x", [dt.date(2020, 1, 1) + dt.timedelta(days=i % 50) for i in range(N)], Role.DATETIME),
    "one number or missing": ("x", [5.0, None] * 100, Role.NUMERIC),
    "one value": ("x", [7] * N, Role.CONSTANT),
    "no value": ("x", [None] * N, Role.CONSTANT),
}


@pytest.mark.parametrize(("name", "values", "role"), ROLES.values(), ids=ROLES.keys())
def test_roles_are_found(name: str, values: list[Any], role: Role) -> None:
    found, why = find_role(name, pl.Series(name, values))
    assert found == role, why
    assert why


@pytest.mark.parametrize("role", [Role.CATEGORICAL, Role.IGNORED, Role.IDENTIFIER, Role.DATETIME, Role.TEXT])
def test_roles_are_overridden(role: Role) -> None:
    table = Table.from_frame(pl.DataFrame({"a": [1, 2, 3], "b": [1.5, 2, 3]}), roles={"a": role.value})
    assert table.roles["a"] == role
    assert table.why["a"] == "as you said"
    assert table.features == (("b",) if role in {Role.IGNORED, Role.IDENTIFIER} else ("a", "b"))


def test_a_closest_name_is_suggested() -> None:
    assert suggest("Amonut", ["date", "amount"]) == "; did you mean 'amount'?"
    assert suggest("zzz", [f"c{i}" for i in range(20)]).endswith("'c7', ...")


def frame() -> pl.DataFrame:
    rng = np.random.default_rng(1)
    return pl.DataFrame(
        {
            "x": rng.normal(size=60).round(2),
            "n": rng.integers(0, 5, 60),
            "word": rng.choice(["a", "b", None], 60),
            "day": [dt.date(2020, 1, 1) + dt.timedelta(days=int(i)) for i in rng.integers(0, 30, 60)],
            "flag": rng.integers(0, 2, 60).astype(bool),
        }
    )


def test_keys_do_not_depend_on_order_types_or_chunks() -> None:
    rows = frame()
    keys = Table.from_frame(rows).keys
    assert keys.n_unique() == len(rows)
    assert keys.dtype == pl.String
    order = np.random.default_rng(2).permutation(60)
    shuffled = rows[order].select(reversed(rows.columns))
    assert Table.from_frame(shuffled).keys.to_list() == keys.gather(order).to_list()
    retyped = rows.with_columns(pl.col("n").cast(pl.Float32), pl.col("flag").cast(pl.Int8), pl.col("x").cast(pl.String))
    assert Table.from_frame(retyped).keys.to_list() == keys.to_list()
    chunked = pl.concat([rows[:7], rows[7:8], rows[8:]], rechunk=False)
    assert Table.from_frame(chunked).keys.to_list() == keys.to_list()
    alone = [Table.from_frame(rows[i : i + 1]).keys[0] for i in range(60)]
    assert alone == keys.to_list()


def test_keys_of_known_rows() -> None:
    """They are stored with every verdict: no version may change them."""
    rows = pl.DataFrame({"a": [1.5, 2.0, 2.0, None], "b": ["x", "é" * 3000, "é" * 3000, ""]})
    assert content_keys(rows, rows.columns).to_list() == KNOWN
    code = (
        "import polars as pl; from anomalist.data.keys import content_keys;"
        "rows = pl.DataFrame({'b': ['x', 'é' * 3000, 'é' * 3000, ''], 'a': [1.5, 2, 2, None]});"
        "print(content_keys(rows, rows.columns).to_list())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(KNOWN)


def test_equal_rows_are_numbered() -> None:
    keys = Table.from_frame(pl.DataFrame({"a": [1, 2, 1, 1], "b": ["x", "y", "x", "x"]})).keys.to_list()
    assert keys[2] == f"{keys[0]}-2"
    assert keys[3] == f"{keys[0]}-3"
    assert len(set(keys)) == 4


def test_the_label_and_ignored_columns_do_not_move_a_key() -> None:
    rows = frame().with_columns(y=pl.lit(1), note=pl.lit("z"))
    keys = Table.from_frame(rows, label="y", ignore=["note"]).keys
    assert keys.to_list() == Table.from_frame(frame()).keys.to_list()


def test_a_key_column_is_read_as_text() -> None:
    assert Table.from_frame(pl.DataFrame({"id": [1.0, 2.0], "a": [1, 2]}), key="id").keys.to_list() == ["1", "2"]
    assert Table.from_frame(pl.DataFrame({"id": ["007", "7"], "a": [1, 2]}), key="id").keys.to_list() == ["007", "7"]


def test_the_fingerprint_is_of_the_content() -> None:
    rows = frame()
    table = Table.from_frame(rows)
    assert len(table.fingerprint) == 64
    assert (
        table.fingerprint == Table.from_frame(rows.with_columns(pl.col("n").cast(pl.Int8)), source="other").fingerprint
    )
    assert table.fingerprint != Table.from_frame(rows[::-1]).fingerprint
    assert table.fingerprint != Table.from_frame(rows.rename({"x": "y"})).fingerprint
    changed = rows.with_columns(pl.when(pl.int_range(60) == 30).then(0.5).otherwise("x").alias("x"))
    assert table.fingerprint != Table.from_frame(changed).fingerprint


@given(st.lists(st.text(max_size=12), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_strings_hash_alike_anywhere(words: list[str]) -> None:
    words = [word.encode(errors="replace").decode() for word in words]
    together = hash_text(pl.Series(words, dtype=pl.String)).tolist()
    assert together == [int(hash_text(pl.Series([word], dtype=pl.String))[0]) for word in words]
    assert len(set(together)) == len(set(words))


def test_hashes_do_not_collide() -> None:
    words = [f"{a}{b}" for a in "abcdefghij" for b in range(20_000)]
    assert len(set(hash_text(pl.Series(words)).tolist())) == len(words)
    grid = pl.DataFrame({"a": np.repeat(np.arange(500), 500), "b": np.tile(np.arange(500), 500)})
    assert not content_keys(grid, grid.columns).str.contains("-").any()


def test_text_of_numbers_does_not_depend_on_their_type() -> None:
    expected = ["5", "-2", None]
    for kind in (pl.Int8, pl.Int64, pl.Float32, pl.Float64):
        assert as_text(pl.Series([5, -2, None], dtype=kind)).to_list() == expected
    assert as_text(pl.Series([0.5, float("inf")])).to_list() == ["0.5", "inf"]
    assert as_text(pl.Series([True, False])).to_list() == ["1", "0"]


LABELS: dict[str, tuple[list[Any], list[int]]] = {
    "0 and 1": ([0, 1, 1], [0, 1, 1]),
    "0.0 and 1.0": ([0.0, 1.0, 1.0], [0, 1, 1]),
    "only 0": ([0, 0, 0], [0, 0, 0]),
    "truth values": ([True, False, True], [1, 0, 1]),
    "words for truth": (["Yes", "no", "Yes"], [1, 0, 1]),
    "only no": (["no", "no", "no"], [0, 0, 0]),
    "the rarer word": (["ok", "ok", "fraud"], [0, 0, 1]),
    "the rarer number": ([1, -1, 1], [0, 1, 0]),
}


@pytest.mark.parametrize(("values", "expected"), LABELS.values(), ids=LABELS.keys())
def test_labels(values: list[Any], expected: list[int]) -> None:
    table = Table.from_frame(pl.DataFrame({"x": [1, 2, 3], "y": values}), label="y")
    assert table.labels().tolist() == expected
    guessed = guessed_label(table.frame.get_column("y"))
    assert (guessed is not None) == (str(values[0]) in {"ok", "1"} and values[1] != 0)


def test_positive_labels_can_be_named() -> None:
    table = Table.from_frame(pl.DataFrame({"x": range(4), "y": ["a", "b", "c", "a"]}), label="y")
    assert table.labels({"b", "c"}).tolist() == [0, 1, 1, 0]
    numbers = Table.from_frame(pl.DataFrame({"x": range(3), "y": [1.0, 2.0, 3.0]}), label="y")
    assert numbers.labels(["2"]).tolist() == [0, 1, 0]


def test_pandas() -> None:
    rows = frame()
    as_pandas = pd.DataFrame({name: rows[name].to_list() for name in rows.columns})
    as_pandas["word"] = as_pandas["word"].astype(object)
    as_pandas["when"] = pd.to_datetime(as_pandas["day"]).dt.tz_localize("UTC")
    as_pandas["kind"] = pd.Categorical(as_pandas["word"])
    as_pandas["mixed"] = [1, "x"] * 30
    as_pandas.index = range(100, 160)
    table = Table.from_frame(as_pandas)
    same = Table.from_frame(rows)
    assert table.frame.select(rows.columns).equals(same.frame)
    assert table.frame.schema["when"] == pl.Datetime("us")
    assert "column 'when': times with a zone converted to UTC" in table.notes
    assert table.frame["kind"].to_list() == rows["word"].to_list()
    assert table.frame["mixed"].to_list()[:2] == ["1", "x"]
    missing = pd.DataFrame({"a": [1.0, np.nan], "b": pd.array([1, None], dtype="Int64"), "c": ["x", None]})
    assert Table.from_frame(missing).frame.null_count().row(0) == (1, 1, 1)
    assert Table.from_frame(pd.DataFrame({0: [1.5, 2], 1: [1, 2]})).frame.columns == ["0", "1"]


def test_taking_rows_keeps_their_keys() -> None:
    table = Table.from_frame(frame().with_columns(y=pl.lit(0)), label="y", time="day")
    rows = np.array([5, 3, 3])
    assert table.take(rows).keys.to_list() == table.keys.gather([5, 3, 3]).to_list()
    assert table.take(rows).frame.equals(table.frame[[5, 3, 3]])
    assert len(table.take(slice(10, 20))) == 10
    mask = np.zeros(60, dtype=bool)
    mask[7] = True
    assert table.take(mask).keys[0] == table.keys[7]
    assert table.take(rows).roles == table.roles
    assert (table.label, table.time, table.key, table.entity) == ("y", "day", None, None)


def test_values_are_plain_json() -> None:
    rows = pl.DataFrame(
        {
            "a": [1, None],
            "b": [float("inf"), 0.5],
            "c": ["x", None],
            "d": [True, None],
            "e": [dt.datetime(2020, 1, 1), None],
        }
    )
    table = Table.from_frame(rows)
    assert json.loads(json.dumps(table.values(0), allow_nan=False)) == {
        "a": 1,
        "b": "inf",
        "c": "x",
        "d": True,
        "e": "2020-01-01T00:00:00",
    }
    assert set(table.values(1).values()) == {None, 0.5}
