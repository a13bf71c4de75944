"""Text that means numbers, dates or truth values is read as such; the rest stays as it is."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from anomalist.data.dates import epoch_unit, looks_like_dates, parse_dates
from anomalist.data.numerals import parse_numbers
from anomalist.data.roles import Role
from anomalist.data.tidy import tidy_column

INF = float("inf")

NUMBERS: dict[str, tuple[list[str | None], list[float | None], str]] = {
    "whole": (["1", "-2", "+3"], [1, -2, 3], ""),
    "decimals": (["1.5", "2", "-.5", "1e3"], [1.5, 2, -0.5, 1000], ""),
    "blanks around": ([" 5", "6 "], [5, 6], ""),
    "missing": (["1", "?", "NA", "n/a", "NULL", "-", "", None], [1] + [None] * 7, "read as missing"),
    "not a number": (["1.5", "NaN"], [1.5, None], ""),
    "infinite": (["1.5", "-inf", "Infinity"], [1.5, -INF, INF], ""),
    "thousands": (["1,234", "5,678.9", "12"], [1234, 5678.9, 12], "thousands separators"),
    "millions": (["1,234,567", "-1,000"], [1234567, -1000], "thousands separators"),
    "decimal commas": (["1.234,5", "3", "0,25"], [1234.5, 3, 0.25], "decimal commas"),
    "commas after a zero": (["0,123", "1,234"], [0.123, 1.234], "decimal commas"),
    "spaces": (["1 234", "12", "1 234 567"], [1234, 12, 1234567], "thousands separators"),
    "narrow spaces": (["1\u202f234,5", "12"], [1234.5, 12], "thousands separators"),
    "dollars": (["$1.50", "$2,000.00", "($3.00)", "-$4"], [1.5, 2000, -3, -4], "'$' removed"),
    "euros": (["1,50 €", "2.000,00 €"], [1.5, 2000], "'€' removed"),
    "percents": (["12%", "3.5 %", None], [12, 3.5, None], "'%' removed"),
}


@pytest.mark.parametrize(("text", "values", "note"), NUMBERS.values(), ids=NUMBERS.keys())
def test_numbers(text: list[str | None], values: list[float | None], note: str) -> None:
    numbers = parse_numbers(pl.Series(text, dtype=pl.String))
    assert numbers.values.to_list() == values
    assert not numbers.bad.any()
    assert note in numbers.note
    assert bool(note) == bool(numbers.note)


@pytest.mark.parametrize(
    "text", [["1", "abc"], ["$1", "2", "x"], ["1,2,3", "4"], ["12%", "13"], ["$1", "€2"], ["1_000"], ["0x1F"], ["1:30"]]
)
def test_no_numbers(text: list[str]) -> None:
    assert parse_numbers(pl.Series(text)).bad.any()


def test_codes_stay_text() -> None:
    for text in (["007", "12"], ["1234567890123456789012", "1"]):
        column, note, _ = tidy_column(pl.Series("a", text), source="s", role=None)
        assert column.to_list() == text
        assert "kept as text" in note
    assert tidy_column(pl.Series("a", ["0", "0.5"]), source="s", role=None)[0].to_list() == [0, 0.5]


def test_whole_numbers_are_int64() -> None:
    assert parse_numbers(pl.Series(["1", None, "-3"])).values.dtype == pl.Int64
    assert parse_numbers(pl.Series(["1.0", "2"])).values.dtype == pl.Float64


DATES: dict[str, tuple[list[str], list[dt.date]]] = {
    "ISO": (["2020-01-02", "2020-12-31"], [dt.date(2020, 1, 2), dt.date(2020, 12, 31)]),
    "ISO time": (["2020-01-02T03:04:05"], [dt.datetime(2020, 1, 2, 3, 4, 5)]),
    "fractions": (["2020-01-02 03:04:05.25"], [dt.datetime(2020, 1, 2, 3, 4, 5, 250_000)]),
    "Zulu": (["2020-01-02T03:04:05Z"], [dt.datetime(2020, 1, 2, 3, 4, 5)]),
    "offset": (["2020-01-02 03:04:05+02:00"], [dt.datetime(2020, 1, 2, 1, 4, 5)]),
    "minutes": (["2020-01-02 03:04"], [dt.datetime(2020, 1, 2, 3, 4)]),
    "month first": (["6/3/2014", "12/26/2014"], [dt.date(2014, 6, 3), dt.date(2014, 12, 26)]),
    "day first": (["26/3/2014", "1/2/2014"], [dt.date(2014, 3, 26), dt.date(2014, 2, 1)]),
    "points": (["31.12.2014", "1.2.2015"], [dt.date(2014, 12, 31), dt.date(2015, 2, 1)]),
    "slashes": (["2014/12/31"], [dt.date(2014, 12, 31)]),
    "month names": (["3 Jan 2020", "28 Feb 2020"], [dt.date(2020, 1, 3), dt.date(2020, 2, 28)]),
    "dashes": (["03-Jan-2020"], [dt.date(2020, 1, 3)]),
    "American": (["Jan 3, 2020"], [dt.date(2020, 1, 3)]),
    "afternoon": (["1/13/2020 5:06 PM"], [dt.datetime(2020, 1, 13, 17, 6)]),
    "bare midnight": (
        ["2020-01-02", "2020-01-02 03:00:00", "2020-01-02 04:00:00"],
        [dt.datetime(2020, 1, 2), dt.datetime(2020, 1, 2, 3), dt.datetime(2020, 1, 2, 4)],
    ),
}


@pytest.mark.parametrize(("text", "values"), DATES.values(), ids=DATES.keys())
def test_dates(text: list[str], values: list[dt.date]) -> None:
    series = pl.Series(text)
    assert looks_like_dates(series)
    dates = parse_dates(series)
    assert dates.values.to_list() == values
    assert not dates.bad.any()


def test_an_ambiguous_date_is_said() -> None:
    assert "month first" in parse_dates(pl.Series(["1/2/2014", "3/4/2015"])).note
    assert parse_dates(pl.Series(["1/2/2014", "13/4/2015"])).note == ""


def test_missing_dates() -> None:
    column, _, _ = tidy_column(pl.Series("d", ["2020-01-02", "?", "0000-00-00", ""]), source="s", role=None)
    assert column.to_list() == [dt.date(2020, 1, 2), None, None, None]


@pytest.mark.parametrize("text", [["1.2.3", "1.2.4"], ["192.168.1.1"], ["12-34"], ["555-1234-99"], ["2020"], ["10:30"]])
def test_no_dates(text: list[str]) -> None:
    assert not looks_like_dates(pl.Series(text))


TEXTS: dict[str, tuple[list[Any], list[Any], str]] = {
    "missing words": (["a", "?", "NA", "", "n/a", "b"], ["a", None, None, None, None, "b"], ""),
    "words that may be values": (["None", "-", "unknown", "x"], ["None", "-", "unknown", "x"], ""),
    "truth values": (["true", "FALSE", None], [True, False, None], ""),
    "one truth value": (["true", "true"], [True, True], ""),
    "truth values of any case": ([" True", "false ", "TRUE"], [True, False, True], ""),
    "yes and no": (["yes", "no"], ["yes", "no"], ""),
    "all missing": (["", "NA", None], [None, None, None], "read as missing"),
    "half numbers": (
        [*map(str, range(30)), *"abcdefghij"],
        [*map(str, range(30)), *"abcdefghij"],
        "75 % of the values",
    ),
}


@pytest.mark.parametrize(("text", "values", "note"), TEXTS.values(), ids=TEXTS.keys())
def test_text(text: list[Any], values: list[Any], note: str) -> None:
    column, said, _ = tidy_column(pl.Series("a", text, dtype=pl.String), source="s", role=None)
    assert column.to_list() == values
    assert note in said


TYPES: dict[str, tuple[pl.Series, pl.DataType]] = {
    "small whole numbers": (pl.Series([1, 2], dtype=pl.UInt8), pl.Int64()),
    "single precision": (pl.Series([1.5], dtype=pl.Float32), pl.Float64()),
    "decimals": (pl.Series([Decimal("1.50")]), pl.Float64()),
    "categories": (pl.Series(["x"], dtype=pl.Categorical), pl.String()),
    "zoned times": (pl.Series([dt.datetime(2020, 1, 1, tzinfo=dt.UTC)]), pl.Datetime("us")),
    "durations": (pl.Series([dt.timedelta(hours=1)]), pl.Float64()),
    "lists": (pl.Series([[1, 2], [3]]), pl.String()),
    "structures": (pl.Series([{"a": 1}]), pl.String()),
    "bytes": (pl.Series([b"xy"]), pl.String()),
    "too large": (pl.Series([2**64 - 1, 5], dtype=pl.UInt64), pl.String()),
    "nothing": (pl.Series([None, None]), pl.Null()),
}


@pytest.mark.parametrize(("series", "kind"), TYPES.values(), ids=TYPES.keys())
def test_types(series: pl.Series, kind: pl.DataType) -> None:
    column, _, _ = tidy_column(series, source="s", role=None)
    assert column.dtype == kind
    assert column.null_count() == series.null_count()


def test_nan_is_missing_and_infinity_is_said() -> None:
    column, note, _ = tidy_column(pl.Series("a", [1.0, float("nan"), INF]), source="s", role=None)
    assert column.to_list() == [1.0, None, INF]
    assert "row 3" in note


def test_a_given_role_decides() -> None:
    text = pl.Series("a", ["1", "2", "10"])
    assert tidy_column(text, source="s", role=Role.CATEGORICAL)[0].dtype == pl.String
    assert tidy_column(text, source="s", role=Role.KEY)[0].to_list() == ["1", "2", "10"]
    assert tidy_column(text, source="s", role=Role.NUMERIC)[0].dtype == pl.Int64
    assert tidy_column(pl.Series([True, False]), source="s", role=Role.NUMERIC)[0].to_list() == [1, 0]
    assert tidy_column(pl.Series(["5", "?"]), source="s", role=Role.TIME)[0].to_list() == [5, None]


def test_repairs_are_said_under_a_given_role_too() -> None:
    assert "thousands" in tidy_column(pl.Series("a", ["1,234"]), source="s", role=Role.NUMERIC)[1]
    assert "month first" in tidy_column(pl.Series("a", ["1/2/2020"]), source="s", role=Role.TIME)[1]
    assert "infinite" in tidy_column(pl.Series("a", [INF]), source="s", role=Role.NUMERIC)[1]
    assert "since 1970" in tidy_column(pl.Series("a", [1.6e9]), source="s", role=Role.DATETIME)[1]


def test_numbers_as_dates() -> None:
    day = dt.datetime(2020, 1, 2)
    for unit in (1, 1000, 10**6, 10**9):
        epoch = pl.Series([int(day.replace(tzinfo=dt.UTC).timestamp()) * unit])
        assert tidy_column(epoch, source="s", role=Role.DATETIME)[0].to_list() == [day]
        assert epoch_unit(epoch) == pytest.approx(1 / unit)
    assert tidy_column(pl.Series([20200102]), source="s", role=Role.DATETIME)[0].to_list() == [day.date()]
