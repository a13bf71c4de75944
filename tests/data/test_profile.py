"""Profiles say what a table is like and what to worry about."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from anomalist.data.profile import Profile, profile
from anomalist.data.profiling.times import duration
from anomalist.data.table import Table

RNG = np.random.default_rng(0)
N = 2000


def described(label: str | None = None, time: str | None = None, entity: str | None = None, **columns: Any) -> Profile:
    return profile(Table.from_frame(pl.DataFrame(columns), label=label, time=time, entity=entity))


def warnings(values: Any, **others: Any) -> str:
    filler = {} if others else {"filler": RNG.normal(size=len(values))}
    return " | ".join(described(x=values, **filler, **others).columns[0].warnings)


def test_numbers() -> None:
    column = described(x=[*range(1, 100), None], y=["a"] * 100).columns[0]
    assert (column.missing, column.missing_share, column.distinct) == (1, 0.01, 99)
    assert column.quantiles["0"] == 1
    assert column.quantiles["0.5"] == 50
    assert column.quantiles["1"] == 99
    assert column.top == ()


def test_levels() -> None:
    column = described(x=["a", "b", "a", None, "a", "b", "c"] * 10).columns[0]
    assert column.top == (("a", 30), ("b", 20), ("c", 10))
    assert column.quantiles == {}


def test_dates() -> None:
    column = described(x=[dt.date(2020, 1, 1) + dt.timedelta(days=i % 31) for i in range(93)]).columns[0]
    assert column.quantiles["0"] == "2020-01-01 00:00:00"
    assert column.quantiles["1"] == "2020-01-31 00:00:00"


def test_quiet_data_has_no_worries() -> None:
    found = described(x=RNG.normal(size=N), n=RNG.poisson(3, N), shop=RNG.choice(["a", "b", "c"], N))
    assert found.worries == ()
    assert all(column.warnings == () for column in found.columns)


WARNINGS: dict[str, tuple[Any, str]] = {
    "constant": ([7] * N, "constant"),
    "all missing": ([None] * N, "no value at all"),
    "mostly missing": ([None, None, None, 1.5, 2.5] * (N // 5), "missing in 60 %"),
    "identifier": (list(range(N)), "nearly unique"),
    "nearly constant": ([0] * (N - 1) + [5], "99.95 %"),
    "sentinel": ([*RNG.uniform(0, 50, N - 20).tolist(), *[-999.0] * 20], "-999 in 20 rows"),
    "high sentinel": ([*RNG.uniform(0, 50, N - 20).tolist(), *[9999.0] * 20], "9999 in 20 rows"),
    "minus one": ([*RNG.integers(0, 500, N - 100).tolist(), *[-1] * 100], "-1 in 100 rows"),
    "infinite": ([*RNG.normal(size=N - 1).tolist(), float("inf")], "1 infinite"),
    "skewed": (RNG.lognormal(0, 3, N).tolist(), "skewed"),
    "mixed units": (10.0 ** RNG.uniform(-4, 5, N), "orders of magnitude"),
    "many levels": ([f"shop {i}" for i in RNG.integers(0, 900, N)], "levels"),
}


@pytest.mark.parametrize(("values", "word"), WARNINGS.values(), ids=WARNINGS.keys())
def test_warnings(values: Any, word: str) -> None:
    assert word in warnings(values)


def test_no_sentinel_where_there_is_none() -> None:
    for values in (RNG.poisson(1, N), RNG.normal(size=N), RNG.integers(-5, 5, N), RNG.choice([0, 1, 10, 100, 1000], N)):
        assert "stand for" not in warnings(values)


def label() -> Any:
    return (RNG.random(N) < 0.05).astype(int)


def test_leaks_are_suspected() -> None:
    y = label()
    found = described(
        label="y",
        y=y,
        copy=y * 10.0 + RNG.normal(size=N),
        kind=np.where(y == 1, "attack", "normal"),
        part=np.where((y == 1) & (RNG.random(N) < 0.4), 1, 0),
        fair=RNG.normal(size=N) + y,
        shop=RNG.choice(["a", "b"], N),
    )
    leaks = [worry for worry in found.worries if "in advance" in worry]
    assert [worry.split("'")[1] for worry in leaks] == ["copy", "kind", "part"]
    assert found.positive == "1"
    assert found.anomalies == int(y.sum())


def test_odd_labels_are_worries() -> None:
    assert "50 %" in described(label="y", y=[0, 1] * 200, x=RNG.normal(size=400)).worries[0]
    assert "no row" in described(label="y", y=[0] * 400, x=RNG.normal(size=400)).worries[0]
    found = described(label="y", y=["a", "b", "c", "d"] * 100, x=RNG.normal(size=400))
    assert "4 values" in found.worries[0]
    assert found.positive is None


def test_duplicates_and_twins() -> None:
    x = RNG.normal(size=N // 2)
    found = described(x=[*x, *x], twin=[*x, *x], shop=["a", "b"] * (N // 2))
    assert found.duplicate_rows == N // 2
    assert any("repeat an earlier row" in worry for worry in found.worries)
    assert any("'x' and 'twin'" in worry for worry in found.worries)


def test_amounts_of_which_some_bear_a_sign_are_not_left_out_in_silence() -> None:
    amounts = [f"{'€ ' * (i % 2)}{value:.4f}" for i, value in enumerate(RNG.normal(50, 9, 200))]
    (worry,) = described(x=amounts, y=RNG.normal(size=200)).worries
    assert worry == (
        "column 'x' is left out as nearly unique, but holds numbers in more than one form, "
        f"like {amounts[0]!r} in 100 values and {amounts[1]!r} in 100: write all of them in one form"
    )
    words = [value if i % 4 else f"about {value}" for i, value in enumerate(amounts[::2])]
    (worry,) = described(x=words, y=RNG.normal(size=100)).worries
    assert worry == "column 'x' is left out as nearly unique, but 75 % of it are numbers: write all of it like them"
    assert described(x=[f"R{i:04}" for i in range(200)], y=RNG.normal(size=200)).worries == ()
    assert described(x=[f"{i * 7919:09}" for i in range(200)], y=RNG.normal(size=200)).worries == ()


DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=i * 7 % 40) for i in range(200)]
MIXED = {
    "days in front": ([f"{day:%d/%m/%Y}" if i % 4 else f"{day}" for i, day in enumerate(DAYS)], "dates", (150, 50)),
    "months in words": (
        [f"{day:%b %d, %Y}" if i % 5 == 1 else f"{day}" for i, day in enumerate(DAYS)],
        "dates",
        (160, 40),
    ),
    "some brackets": ([f"({i % 40})" if i % 10 == 3 else f"{i % 40}" for i in range(200)], "numbers", (180, 20)),
    "two currencies": ([f"{'$€'[i % 4 == 1]}{i % 40}" for i in range(200)], "numbers", (150, 50)),
    "two kinds of separators": (["1.234,50", "1,234.50", "1.234,75", "1.234,25"] * 50, "numbers", (150, 50)),
}


@pytest.mark.parametrize(("values", "what", "rows"), MIXED.values(), ids=MIXED.keys())
def test_dates_or_numbers_in_two_forms_are_no_categories_in_silence(
    values: list[str], what: str, rows: tuple[int, int]
) -> None:
    (worry,) = described(x=values, y=RNG.normal(size=200)).worries
    assert worry.startswith(f"column 'x' holds {what} in more than one form, like '")
    assert f"in {rows[0]} values and '" in worry
    assert worry.endswith(f" in {rows[1]}: write all of them in one form")


@pytest.mark.parametrize(
    "values", [["7", "(7)", "n.a. 5", "x"], ["1.2.3", "1.10.2"], ["01", "$2"], ["2024-01-31", "soon"]]
)
def test_other_words_are_not_mixed_forms(values: list[str]) -> None:
    assert described(x=values * 50, y=RNG.normal(size=50 * len(values))).worries == ()


def test_a_key_does_not_hide_duplicates() -> None:
    table = Table.from_frame(pl.DataFrame({"id": [1, 2, 3], "x": [5.5, 5.5, 7.5]}), key="id")
    assert profile(table).duplicate_rows == 1


def test_small_and_wide_tables() -> None:
    assert "only 30 rows" in described(x=RNG.normal(size=30)).worries[0]
    wide = described(**{f"x{i}": RNG.normal(size=120) for i in range(150)})
    assert "more columns (150) than rows (120)" in wide.worries[0]
    assert "no column is left" in described(x=list(range(200))).worries[0]


def test_time() -> None:
    start = dt.datetime(2020, 1, 1)
    times = [start + dt.timedelta(minutes=5 * i) for i in range(300)]
    times = [*times[:100], *times[150:]]
    found = described(time="t", t=times, x=RNG.normal(size=250)).time
    assert found is not None
    assert (found.step, found.gaps, found.longest_gap) == (300, 1, 51 * 300)
    assert found.ordered
    assert found.regular > 0.99
    assert found.entities == 1
    assert found.first == str(start)
    assert "time has 1 gap" in " ".join(found.worries())


def test_time_of_entities() -> None:
    t = np.tile(np.arange(100), 3)
    host = np.repeat(["a", "b", "c"], 100)
    found = described(time="t", entity="host", t=t, host=host, x=RNG.normal(size=300)).time
    assert found is not None
    assert (found.step, found.repeated, found.entities, found.ordered) == (1, 0, 3, True)
    alone = described(time="t", t=t, x=RNG.normal(size=300))
    assert alone.time is not None
    assert alone.time.repeated == 200
    assert not alone.time.ordered
    assert any("entity" in worry for worry in alone.worries)


def test_it_is_plain_json() -> None:
    found = described(
        label="y",
        time="t",
        y=label(),
        t=np.arange(N),
        x=[float("inf"), None] * (N // 2),
        d=[dt.date(2020, 1, 1)] * N,
        w=["a", "b"] * (N // 2),
    )
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["rows"] == N
    assert [column["name"] for column in plain["columns"]] == ["y", "t", "x", "d", "w"]
    assert plain["label"]["positive"] == "1"
    assert plain["time"]["column"] == "t"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "0.5 seconds"), (1, "1 second"), (90, "1.5 minutes"), (3600, "1 hour"), (172800, "2 days")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_numbers_as_large_as_there_are_go_in_silence() -> None:
    values = [-1.7e308, 1.7e308, 0.0, 1.0, 1e-300] * 8
    assert profile(Table.from_frame(pl.DataFrame({"x": values, "y": range(40)}))).columns[0].quantiles["1"] == 1.7e308


def test_positive_labels_may_be_given() -> None:
    frame = pl.DataFrame({"a": range(40), "kind": ["good"] * 30 + ["bad"] * 4 + ["odd"] * 6})
    table = Table.from_frame(frame, label="kind")
    found = profile(table, positive={"bad", "odd"})
    assert (found.positive, found.anomalies) == ("bad, odd", 10)
    assert profile(table).positive is None
