"""Whole numbers that are codes: told from measurements by their frequencies, and encoded by how rare they are, too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from anomalist.data.aspects import aspects
from anomalist.data.encode import Encoder
from anomalist.data.encoding.codes import CodeCoder, code_counts
from anomalist.data.encoding.numeric import NumericCoder
from anomalist.data.profile import profile
from anomalist.data.roles import Role
from anomalist.data.table import Table
from anomalist.errors import ModelFileError

if TYPE_CHECKING:
    from anomalist.detector import Floats


def counties(rows: int, levels: int = 60) -> Floats:
    """Numbers of counties, each as frequent as it happens to be; 1000 is the most frequent."""
    rng = np.random.default_rng(1)
    numbers = 1000.0 + rng.permutation(np.append(0, rng.choice(np.arange(1, 5 * levels), levels - 1, replace=False)))
    shares = rng.gamma(0.5, size=levels)
    shares[numbers == 1000] = 2 * shares.max()
    found: Floats = rng.choice(numbers, rows, p=shares / shares.sum())
    return found


def table(**columns: Any) -> Table:
    return Table.from_frame(
        pl.DataFrame({**columns, "filler": np.arange(len(next(iter(columns.values()))), dtype=float)})
    )


MEASURED = {
    "rounded normal": lambda rng, n: np.round(rng.normal(50, 15, n)),
    "counts": lambda rng, n: rng.poisson(60, n),
    "waiting times": lambda rng, n: rng.geometric(0.05, n),
    "rounded amounts": lambda rng, n: np.round(rng.lognormal(4, 1, n)),
    "two humps": lambda rng, n: np.round(np.where(rng.random(n) < 0.3, rng.normal(0, 9, n), rng.normal(90, 9, n))),
    "uniform": lambda rng, n: rng.integers(0, 24, n),
    "ages preferably in fives": lambda rng, n: np.where(
        (x := rng.integers(18, 90, n)) % 5 != 0, x, x - (rng.random(n) < 0.1)
    ),
    "decimals": lambda rng, n: rng.normal(size=n),
    "few levels": lambda rng, n: rng.choice([3, 17, 40, 94], n, p=[0.7, 0.2, 0.06, 0.04]),
    "a numbering": lambda _rng, n: np.arange(n),
    "one value": lambda _rng, n: np.zeros(n),
    "nothing": lambda _rng, n: np.full(n, np.nan),
}


@pytest.mark.parametrize("rows", [120, 1500, 200_000])
@pytest.mark.parametrize("make", MEASURED.values(), ids=MEASURED.keys())
def test_measurements_are_no_codes(make: Any, rows: int) -> None:
    assert code_counts(make(np.random.default_rng(0), rows).astype(np.float64)) is None


@pytest.mark.parametrize("rows", [300, 5000, 200_000])
def test_codes_are_found_whatever_the_number_of_rows(rows: int) -> None:
    found = code_counts(counties(rows))
    assert found is not None
    levels, counts = found
    assert counts.sum() == rows
    assert (np.diff(levels) > 0).all()


def test_frequencies_that_differ_by_little_are_no_code_among_any_number_of_rows() -> None:
    jitter = np.random.default_rng(3).integers(-500, 500, 60)
    assert code_counts(np.repeat(np.arange(60.0), 5000 + jitter)) is None
    assert code_counts(np.repeat(np.arange(60.0), 5000 + 9 * jitter)) is not None


def test_amounts_that_are_mostly_nothing_are_no_code() -> None:
    rng = np.random.default_rng(0)
    amounts = np.where(rng.random(5000) < 0.6, 0.0, rng.poisson(40, 5000))
    assert code_counts(amounts) is None


def test_too_few_rows_tell_nothing() -> None:
    assert code_counts(counties(99, levels=25)) is None
    assert code_counts(counties(2000)[:0]) is None


def test_neither_missing_nor_infinite_values_hide_a_code() -> None:
    values = counties(2000)
    assert code_counts(np.append(values, [np.nan, np.inf, -np.inf])) is not None
    assert code_counts(np.append(values, 0.5)) is None
    assert code_counts(values * 2.0**50) is None  # not held exactly


def test_a_code_keeps_its_number_and_gets_its_rarity() -> None:
    values = counties(3000).astype(np.int64)
    rows = table(county=values)
    encoder = Encoder.fit(rows)
    assert rows.roles["county"] == Role.NUMERIC
    assert encoder.columns == ("county", "county:rarity", "filler")
    assert encoder.origins == ("county", "county", "filler")
    encoded = encoder.encode(rows).values
    number = NumericCoder.fit(rows.frame["county"], cap=10.0)
    assert number is not None
    alone = np.empty((3000, 1), dtype=np.float32)
    number.write(rows.frame["county"], alone)
    assert np.array_equal(encoded[:, :1], alone)
    levels, counts = np.unique(values, return_counts=True)
    by_count = [float(encoded[values == level, 1][0]) for level in levels[np.argsort(-counts)]]
    assert (np.diff(by_count) <= 0).sum() <= len(by_count) - len(set(counts))  # equal where equally frequent
    assert by_count[0] < 0 < by_count[-1] < 5
    assert 0.05 < encoded[:, 1].var() < 1.5


def test_a_value_seen_once_is_as_rare_as_one_never_seen() -> None:
    values = np.append(counties(2000), [50_001.0, 50_003.0, 50_003.0])
    series = pl.Series("county", [*values, 50_002.0, float("inf")])
    coder = CodeCoder.fit(series[:-2], cap=10.0)
    assert coder is not None
    assert 50_001.0 not in coder.levels
    out = np.empty((len(series), 2), dtype=np.float32)
    coder.write(series, out)
    once, twice, _, never, infinite = out[-5:, 1]
    assert once == never == infinite == out[:, 1].max()
    assert twice < once
    assert np.isfinite(out).all()


def test_what_is_usual_is_the_most_frequent_value() -> None:
    rows = table(county=counties(3000))
    encoder = Encoder.fit(rows)
    assert encoder.typical["county"] == 1000
    assert isinstance(encoder.typical["county"], int)
    usual = encoder.encode(rows.take(np.flatnonzero(rows.frame["county"].to_numpy() == 1000)[:1])).values[0]
    assert usual[:2] == pytest.approx(encoder.baseline[:2], abs=1e-6)
    assert usual[1] == encoder.encode(rows).values[:, 1].min()


def test_missing_codes_are_taken_as_the_usual_one() -> None:
    whole = Encoder.fit(table(county=counties(3000)))
    new = Table.from_frame(pl.DataFrame({"county": [None, 1000.0], "filler": [1.0, 1.0]}))
    missing, usual = whole.encode(new).values
    assert np.array_equal(missing, usual)
    (said,) = whole.surprises(new)
    assert said.endswith("first in row 1: taken as the usual 1000")
    gaps = Encoder.fit(table(county=[None, None, *counties(2998)]))
    assert gaps.columns[:3] == ("county", "county:missing", "county:rarity")
    missing, usual = gaps.encode(new).values
    assert missing[1] > 0 == usual[1]
    assert np.array_equal(missing[[0, 2]], usual[[0, 2]])
    assert gaps.surprises(new) == ()


def test_each_row_by_itself_in_any_order_and_after_a_round_trip() -> None:
    rows = table(county=[*counties(2000), None, 7.0])
    encoder = Encoder.fit(rows)
    together = encoder.encode(rows).values
    order = np.random.default_rng(2).permutation(len(rows))
    assert np.array_equal(Encoder.fit(rows.take(order)).encode(rows).values, together)
    state = encoder.state()
    plain = {name: value for name, value in state.items() if not isinstance(value, np.ndarray)}
    arrays = {name: value.copy() for name, value in state.items() if isinstance(value, np.ndarray)}
    again = Encoder.from_state({**json.loads(json.dumps(plain, allow_nan=False)), **arrays})
    assert again.columns == encoder.columns
    assert again.typical == encoder.typical
    assert np.array_equal(again.baseline, encoder.baseline)
    for i in (0, 17, 2000, 2001):
        assert np.array_equal(again.encode(rows.take(slice(i, i + 1))).values[0], together[i])


def test_only_an_encoder_with_codes_has_a_format_that_earlier_versions_refuse() -> None:
    with_codes, without = (
        Encoder.fit(table(county=counties(2000))),
        Encoder.fit(table(x=np.random.default_rng(0).normal(size=2000))),
    )
    assert with_codes.state()["format"] == 4
    assert without.state()["format"] == 2
    with pytest.raises(ModelFileError, match="format 5; this version reads 2, 3, 4"):
        Encoder.from_state({**with_codes.state(), "format": 5})
    saved = with_codes.state()
    coders = [
        {"kind": "numeric", **saved["coders"][0]["number"]},
        saved["coders"][1],
    ]  # as saved before there were codes
    earlier = Encoder.from_state({**saved, "format": 2, "coders": coders})
    rows = table(county=counties(2000))
    assert earlier.columns == ("county", "filler")
    assert np.array_equal(earlier.encode(rows).values, with_codes.encode(rows).values[:, [0, 2]])


def test_rarities_give_way_where_there_are_too_many_columns() -> None:
    rows = table(a=counties(2000), b=counties(2000)[::-1], shop=np.random.default_rng(0).choice(["n", "s", "w"], 2000))
    assert len(Encoder.fit(rows).columns) == 9
    assert Encoder.fit(rows, max_columns=6).columns == ("a", "a:rarity", "b", "b:rarity", "shop:rarity", "filler")
    assert Encoder.fit(rows, max_columns=5).columns == ("a", "b", "b:rarity", "shop:rarity", "filler")
    assert len(Encoder.fit(rows, max_columns=4).columns) == 4


def test_later_rows_are_compared_with_codes_as_numbers() -> None:
    series = pl.Series("county", counties(2000))
    coder = CodeCoder.fit(series, cap=10.0)
    assert coder is not None
    assert aspects(coder, series).keys() == {"value"}


def test_a_profile_says_what_looks_like_a_code() -> None:
    found = profile(table(county=counties(2000).astype(int), count=np.random.default_rng(0).poisson(40, 2000))).columns
    assert found[0].why == "whole numbers; looks like a code: its frequencies jump"
    assert found[1].why == "whole numbers"
    assert found[0].warnings == found[1].warnings == ()
