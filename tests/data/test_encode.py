"""The encoder: finite, deterministic, by name, each row by itself, and balanced."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalist.data.encode import Encoder
from anomalist.data.encoding.scale import Scale
from anomalist.data.profile import profile
from anomalist.data.readers import read_table
from anomalist.data.roles import Role
from anomalist.data.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.detector import State

ROWS = 300


def mixed(rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    """Every kind of column, with missing values."""
    rng = np.random.default_rng(seed)
    words = np.array(["order", "late", "came", "shop", "again", "please", "return", "money", "broken", "box"])
    start = dt.datetime(2019, 1, 1, 8)
    return pl.DataFrame(
        {
            "id": [f"R{i:05d}" for i in range(rows)],
            "amount": np.where(rng.random(rows) < 0.1, np.nan, rng.lognormal(size=rows)),
            "count": rng.poisson(3, rows),
            "shop": rng.choice(["north", "south", "west"], rows, p=[0.6, 0.3, 0.1]),
            "city": [f"city {i}" for i in rng.integers(0, 60, rows)],
            "paid": rng.random(rows) < 0.05,
            "when": [start + dt.timedelta(minutes=int(m)) for m in rng.integers(0, 900_000, rows)],
            "note": [" ".join(rng.choice(words, 6)) + f" {i}" for i in range(rows)],
            "one": [1] * rows,
        }
    ).with_columns(pl.col("amount").fill_nan(None))


def revived(state: State) -> Encoder:
    """An encoder from its state after a trip through JSON and raw bytes."""
    plain = {name: value for name, value in state.items() if not isinstance(value, np.ndarray)}
    arrays = {name: np.array(value) for name, value in state.items() if isinstance(value, np.ndarray)}
    return Encoder.from_state({**json.loads(json.dumps(plain, allow_nan=False)), **arrays})


def test_what_it_makes_of_each_column() -> None:
    table = Table.from_frame(mixed())
    encoder = Encoder.fit(table)
    data = encoder.encode(table)
    assert data.values.dtype == np.float32
    assert data.values.flags.c_contiguous
    assert np.isfinite(data.values).all()
    assert data.columns == encoder.columns
    assert data.origins == encoder.origins
    assert data.time is None
    assert data.entity is None
    assert encoder.columns == (
        *("amount", "amount:missing", "count", "shop=north", "shop=south", "shop=west", "shop:rarity", "city:rarity"),
        *("paid=1", "when:hour sin", "when:hour cos", "when:weekday sin", "when:weekday cos"),
        *("when:season sin", "when:season cos", "note:length", "note:words", "note:digits", "note:punctuation"),
        *("note:upper case", "note:rare words", "note:rarest word"),
    )
    assert set(encoder.origins) == {"amount", "count", "shop", "city", "paid", "when", "note"}
    assert encoder.left_out.keys() == {"id", "one"}
    assert encoder.left_out["one"] == "constant: every value is 1"
    assert "identifier" in encoder.left_out["id"]


def test_typical_values_and_baseline() -> None:
    table = Table.from_frame(mixed())
    encoder = Encoder.fit(table)
    assert encoder.typical["count"] == 3
    assert encoder.typical["shop"] == "north"
    assert encoder.typical["paid"] is False
    assert str(encoder.typical["when"]).startswith("20")
    assert encoder.typical["note"] == "about 38 characters"
    assert encoder.baseline.shape == (len(encoder.columns),)
    typical = table.frame[:1].with_columns(
        amount=pl.lit(table.frame["amount"].median()), count=pl.lit(3), shop=pl.lit("north"), paid=pl.lit(False)
    )
    encoded = encoder.encode(Table.from_frame(typical)).values[0]
    first = encoder.columns.index("city:rarity")
    assert encoded[:first] == pytest.approx(encoder.baseline[:first], abs=1e-6)


def test_one_row_encodes_as_in_a_batch_in_any_order() -> None:
    table = Table.from_frame(mixed())
    encoder = Encoder.fit(table)
    together = encoder.encode(table).values
    for i in range(0, ROWS, 7):
        alone = encoder.encode(Table.from_frame(table.frame[i : i + 1]))
        assert np.array_equal(alone.values[0], together[i]), i
    order = np.random.default_rng(1).permutation(ROWS)
    assert np.array_equal(encoder.encode(table.take(order)).values, together[order])
    assert np.array_equal(Encoder.fit(table.take(order)).encode(table).values, together)


@given(
    st.lists(st.one_of(st.none(), st.floats(width=64)), min_size=2, max_size=40),
    st.lists(st.one_of(st.none(), st.floats(width=64)), min_size=1, max_size=10),
)
@settings(max_examples=150, deadline=None)
def test_any_numbers_encode_finitely_and_alone(train: list[float | None], new: list[float | None]) -> None:
    schema = {"x": pl.Float64}
    frame = pl.DataFrame({"x": train}, schema=schema).with_columns(z=pl.int_range(pl.len()) % 3)
    table = Table.from_frame(frame, roles={"x": "numeric", "z": "numeric"})
    encoder = revived(Encoder.fit(table).state())
    rows = Table.from_frame(pl.DataFrame({"x": new}, schema=schema).with_columns(z=pl.lit(1)))
    values = encoder.encode(rows).values
    assert np.isfinite(values).all()
    for i in range(len(new)):
        assert np.array_equal(encoder.encode(rows.take(slice(i, i + 1))).values[0], values[i])


@given(
    st.lists(st.one_of(st.none(), st.text(max_size=20)), min_size=2, max_size=30),
    st.sampled_from(["text", "categorical"]),
)
@settings(max_examples=80, deadline=None)
def test_any_text_encodes_finitely_and_alone(texts: list[str | None], role: str) -> None:
    texts = [None if text is None else text.encode(errors="replace").decode() for text in texts]
    frame = pl.DataFrame({"x": texts}, schema={"x": pl.String}).with_columns(z=pl.int_range(pl.len()) % 3)
    table = Table.from_frame(frame, roles={"x": role, "z": "numeric"})
    encoder = revived(Encoder.fit(table).state())
    values = encoder.encode(table).values
    assert np.isfinite(values).all()
    for i in range(len(texts)):
        assert np.array_equal(encoder.encode(table.take(slice(i, i + 1))).values[0], values[i])


def test_a_stored_encoder_encodes_the_same() -> None:
    table = Table.from_frame(mixed(), time="when", entity="shop")
    encoder = Encoder.fit(table)
    again = revived(encoder.state())
    data, same = encoder.encode(table), again.encode(table)
    assert np.array_equal(data.values, same.values)
    assert data.time is not None
    assert same.time is not None
    assert np.array_equal(data.time, same.time)
    assert again.columns == encoder.columns
    assert again.origins == encoder.origins
    assert again.typical == encoder.typical
    assert again.left_out == encoder.left_out
    assert again.reading == encoder.reading
    assert again.constants == encoder.constants
    assert np.array_equal(again.baseline, encoder.baseline)


def test_encoding_is_the_same_in_another_process() -> None:
    code = (
        "import hashlib, polars as pl; from anomalist.data.table import Table;"
        "from anomalist.data.encode import Encoder;"
        "f = pl.DataFrame({'a': [1.5, None, 2.0, 9.0] * 9, 'b': ['x', 'y', 'z', 'x'] * 9,"
        "'t': [f'some words {i} and more of them' for i in range(36)]}); t = Table.from_frame(f);"
        "print(hashlib.sha256(Encoder.fit(t).encode(t).values.tobytes()).hexdigest())"
    )
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(runs) == 1


def test_one_row_of_a_file_encodes_as_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text(mixed().with_columns(ok=pl.Series(["yes", "no"] * 150)).write_csv())
    table = read_table(tmp_path / "all.csv")
    encoder = Encoder.fit(table)
    together = encoder.encode(table).values
    header, *lines = (tmp_path / "all.csv").read_text().splitlines()
    for i in range(0, ROWS, 29):
        (tmp_path / "one.csv").write_text(f"{header}\n{lines[i]}\n")
        for like in (None, encoder.reading):
            one = read_table(tmp_path / "one.csv", like=like)
            assert np.array_equal(encoder.encode(one).values[0], together[i]), (i, like)
            assert one.keys[0] == table.keys[i]


@pytest.mark.parametrize(
    "name", ["level", "rows", "count", "n", "index", "key", "hash", "row", "word", "bucket", "a:b", "é", "x=1"]
)
def test_no_name_of_a_column_is_special(name: str) -> None:
    for kind in ("shop", "note", "amount", "paid", "when"):
        frame = mixed(1000).select("count", kind).rename({"count": "other", kind: name})
        table = Table.from_frame(frame)
        assert np.isfinite(Encoder.fit(table).encode(table).values).all()
        assert profile(table).columns[1].name == name
        assert table.keys.n_unique() == 1000
    labelled = Table.from_frame(mixed().select("amount", "paid").rename({"paid": name}), label=name)
    assert labelled.labels().sum() > 0
    assert profile(labelled).anomalies == labelled.labels().sum()


def test_columns_go_by_name_and_extra_ones_are_named() -> None:
    table = Table.from_frame(mixed())
    encoder = Encoder.fit(table)
    shuffled = Table.from_frame(mixed().select(reversed(mixed().columns)).with_columns(new=pl.lit(1)))
    assert np.array_equal(encoder.encode(shuffled).values, encoder.encode(table).values)
    assert encoder.extra_columns(shuffled) == ("new",)
    assert encoder.extra_columns(table) == ()


def test_what_is_left_out_need_not_be_there() -> None:
    table = Table.from_frame(mixed().with_columns(y=pl.int_range(pl.len()) % 2), label="y", key="id")
    encoder = Encoder.fit(table)
    assert encoder.left_out["y"] == "it is the label"
    assert encoder.left_out["id"] == "it names the row"
    assert len(encoder.encode(Table.from_frame(mixed().drop("id", "one")))) == ROWS


def test_other_types_of_the_same_values_are_understood() -> None:
    table = Table.from_frame(mixed())
    encoder = Encoder.fit(table)
    expected = encoder.encode(table).values
    as_text = mixed().with_columns(pl.all().cast(pl.String))
    as_text = as_text.with_columns(pl.col("paid").replace({"true": "1", "false": "0"}))
    assert np.array_equal(encoder.encode(Table.from_frame(as_text)).values, expected)
    raw = Table.from_frame(as_text, roles=dict.fromkeys(as_text.columns, Role.IGNORED))
    assert raw.frame.schema["amount"] == pl.String
    assert np.array_equal(encoder.encode(raw).values, expected)
    seconds = mixed().with_columns(pl.col("when").dt.epoch("s"), pl.col("count").cast(pl.Float32))
    assert np.array_equal(encoder.encode(Table.from_frame(seconds)).values, expected)


def test_a_column_that_is_all_missing_in_new_rows() -> None:
    encoder = Encoder.fit(Table.from_frame(mixed()))
    data = encoder.encode(Table.from_frame(mixed().with_columns(pl.lit(None).alias(name) for name in mixed().columns)))
    assert np.isfinite(data.values).all()
    assert (data.values == data.values[0]).all()


def column(values: list[Any], new: list[Any], role: str = "numeric", **options: Any) -> np.ndarray[Any, Any]:
    """New values encoded as learned from others."""
    kind = pl.Series([*values, *new]).dtype
    filler = {"filler": pl.int_range(pl.len()) % 5}
    table = Table.from_frame(
        pl.DataFrame({"x": pl.Series(values, dtype=kind)}).with_columns(**filler), roles={"x": role}
    )
    encoder = Encoder.fit(table, **options)
    rows = Table.from_frame(pl.DataFrame({"x": pl.Series(new, dtype=kind)}).with_columns(**filler))
    return encoder.encode(rows).values[:, [i for i, origin in enumerate(encoder.origins) if origin == "x"]]


def test_numbers_are_scaled_robustly_and_capped() -> None:
    values = np.random.default_rng(0).normal(5, 2, 4001).tolist()
    scaled = column([*values, 1e9], [5.0, 7.0, 25.0, 45.0, 1e5, float("inf"), -float("inf"), None])[:, 0]
    assert scaled[:3] == pytest.approx([0, 1, 10], abs=0.4)
    assert (np.diff(scaled[:5]) > 0).all()
    assert scaled[4] < scaled[5] == -scaled[6] < 25
    assert scaled[7] == 0


@pytest.mark.parametrize("scale", [1e-30, 1e-5, 1.0, 1e12, 1e300])
def test_units_do_not_matter(scale: float) -> None:
    values = np.random.default_rng(0).normal(size=200)
    expected = column(values.tolist(), [-1.0, 0.0, 3.0])
    assert column((values * scale).tolist(), [-scale, 0.0, 3 * scale]) == pytest.approx(expected, rel=1e-5)


def test_numbers_as_large_as_there_are() -> None:
    values = np.linspace(-1.0, 1.0, 201)
    new = [-1.0, -0.5, 0.0, 0.25, 1.0]
    expected = column((values * 2.0**10).tolist(), [value * 2.0**10 for value in new])
    for size in (2.0**1000, 2.0**1022, 2.0**1023):
        assert np.array_equal(column((values * size).tolist(), [value * size for value in new]), expected)
    assert np.isfinite(column([1.7e308, -1.7e308] * 20, [1.7e308, -1.7e308, 0.0, float("inf"), -1e-320])).all()


def test_numbers_that_are_mostly_equal_still_have_a_scale() -> None:
    rare = column([0.0] * 95 + [1.0, 2.0, 3.0, 2.0, 1.0], [0.0, 1.0, 3.0])[:, 0]
    assert rare[0] == 0
    assert 1 < rare[1] < rare[2] < 25
    assert column([0.0] * 5000 + [7.0], [0.0, 7.0])[1, 0] > 10
    assert column([3.0] * 50, [3.0, 4.0])[:, 0].tolist() == [0.0, 1.0]


def test_the_scale_is_smooth_where_the_cap_begins() -> None:
    scale = Scale(center=0.0, spread=1.0, cap=10.0)
    near = scale.apply(np.array([9.999, 10.0, 10.001]))
    assert np.diff(near) == pytest.approx([0.001, 0.001], rel=1e-2)


def test_missing_numbers_have_a_column_where_training_had_some() -> None:
    assert column([1.0, 2.0, 3.0, None] * 20, [2.0, None]).shape == (2, 2)
    assert column([1.0, 2.0, 3.0] * 20, [2.0, None]).tolist() == [[0.0], [0.0]]
    often = column([1.0, 2.0, None] * 20, [None])[0, 1]
    seldom = column([1.0, 2.0] * 999 + [None], [None])[0, 1]
    assert 0.5 < often < seldom < 5


def test_rare_and_unseen_levels_lie_further_out() -> None:
    values = ["a"] * 600 + ["b"] * 300 + ["c"] * 99 + ["d"]
    rarity = column(values, ["a", "b", "c", "d", "never", None], "categorical")[:, -1]
    assert rarity[0] == 0
    assert (np.diff(rarity[:5]) > 0).all()
    assert rarity[5] == rarity[4]
    assert rarity[4] < 5


def test_a_category_does_not_outweigh_a_number() -> None:
    rng = np.random.default_rng(0)
    for levels in (2, 3, 10, 20):
        names = [f"l{i}" for i in rng.integers(0, levels, 2000)]
        encoded = column(names, names, "categorical")
        assert encoded.var(axis=0).sum() < 1.0
        assert encoded.var(axis=0).sum() > 0.05


def test_many_levels_have_no_column_each() -> None:
    values = [f"l{i % 30}" for i in range(300)]
    assert column(values, ["l1"], "categorical").shape == (1, 1)
    assert column(values, ["l1"], "categorical", max_levels=30).shape == (1, 31)


def test_the_widest_categories_give_way() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({f"c{k}": [f"l{i}" for i in rng.integers(0, k, 300)] for k in (3, 9, 15)})
    table = Table.from_frame(frame.with_columns(x=pl.lit(rng.normal(size=300))))
    assert len(Encoder.fit(table).columns) == 31
    assert len(Encoder.fit(table, max_columns=20).columns) == 16
    assert len(Encoder.fit(table, max_columns=4).columns) == 4


def test_dates_do_not_say_how_long_ago_they_are() -> None:
    days = [dt.datetime(2019, 1, 1) + dt.timedelta(hours=7 * i) for i in range(2000)]
    encoded = column(days, [dt.datetime(2019, 3, 4, 12), dt.datetime(2030, 3, 4, 12)], "datetime")
    assert encoded.shape == (2, 6)
    assert encoded[0, [0, 1, 4, 5]] == pytest.approx(encoded[1, [0, 1, 4, 5]], abs=1e-6)


def test_dates_of_less_than_a_year_have_no_season() -> None:
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(100)]
    assert column(days, [dt.date(2020, 7, 1)], "datetime").shape == (1, 2)


def test_midnight_lies_close_to_midnight() -> None:
    times = [dt.datetime(2020, 1, 1) + dt.timedelta(minutes=37 * i) for i in range(300)]
    encoded = column(times, [dt.datetime(2020, 1, 1, 23, 59), dt.datetime(2020, 1, 1, 0, 1), times[20]], "datetime")
    assert np.linalg.norm(encoded[0] - encoded[1]) < 0.01 < np.linalg.norm(encoded[0] - encoded[2])


def test_dates_that_are_all_alike_are_left_out() -> None:
    rows = pl.DataFrame({"d": [dt.date(2020, 1, 6), dt.date(2020, 1, 13)] * 20, "x": [1.0, 2.0, 3.0, 4.0] * 10})
    assert "alike" in Encoder.fit(Table.from_frame(rows)).left_out["d"]


def test_odd_texts_stand_out() -> None:
    rng = np.random.default_rng(0)
    words = ["order", "late", "came", "shop", "again", "please", "return"]
    texts = [" ".join(rng.choice(words, 8)) for _ in range(400)]
    odd = ["x" * 400, "ORDER LATE CAME SHOP AGAIN", "1 2 3 4 5 6 7 8", "&&& !!! ???", "xylophone zugzwang qwerty"]
    usual = np.abs(column(texts, texts, "text")).max(axis=1)
    assert (np.abs(column(texts, odd, "text")).max(axis=1) > np.quantile(usual, 0.99)).all()


def test_time_and_entity() -> None:
    days = [dt.datetime(2020, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=i) for i in range(50)]
    frame = pl.DataFrame({"t": days, "host": ["b", "a"] * 25, "x": np.arange(50.0) % 7})
    table = Table.from_frame(frame, time="t", entity="host")
    encoder = Encoder.fit(table)
    assert encoder.columns == ("x",)
    data = encoder.encode(table)
    assert data.time is not None
    assert data.entity is not None
    assert data.time.dtype == np.float64
    assert data.time.tolist() == [day.timestamp() for day in days]
    assert data.entity.tolist() == [1, 0] * 25
    new = Table.from_frame(frame.with_columns(pl.col("host").replace({"a": "zz", "b": "aa"})))
    unseen = encoder.encode(new)
    assert unseen.entity is not None
    assert unseen.entity.tolist() == [2, 3] * 25


def test_the_unit_of_a_numeric_time_is_that_of_training() -> None:
    frame = pl.DataFrame({"t": np.arange(50) * 1000 + 1_600_000_000_000, "x": np.arange(50.0) % 7})
    encoder = Encoder.fit(Table.from_frame(frame, time="t"))
    early = encoder.encode(Table.from_frame(frame.with_columns(t=pl.int_range(50) * 1000)))
    assert early.time is not None
    assert early.time.tolist() == list(range(50))


def test_a_table_of_one_row_and_of_one_column() -> None:
    one = Table.from_frame(pl.DataFrame({"x": [1.5], "y": ["a"]}), roles={"x": "numeric", "y": "categorical"})
    assert Encoder.fit(one).encode(one).values.shape == (1, 2)
    assert len(Encoder.fit(Table.from_frame(pl.DataFrame({"x": [1.5, 2.5]}))).columns) == 1


def test_it_is_fast_and_lean() -> None:
    rows = Table.from_frame(pl.DataFrame(np.random.default_rng(0).normal(size=(100_000, 20))))
    started = time.process_time()
    data = Encoder.fit(rows).encode(rows)
    assert time.process_time() - started < 1.5  # 0.08 s when measured by itself
    assert data.values.nbytes == 100_000 * 20 * 4
