"""Drift statistics: far is told from near, and chance is not taken for change."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from anomalist.data.dataset import Dataset
from anomalist.data.drift import compare, compare_numbers, compare_shares, far_apart, holm, psi
from anomalist.data.summary import Levels, Numbers, Trail, restored


def _series(values: np.ndarray, entity: np.ndarray | None = None) -> Dataset:
    rows = values.size
    return Dataset(
        values=np.zeros((rows, 1), dtype=np.float32),
        columns=("x",),
        origins=("x",),
        time=np.arange(rows, dtype=np.float64),
        entity=entity,
    )


def test_the_distance_is_that_of_the_whole_sample_where_all_its_numbers_are_kept() -> None:
    rng = np.random.default_rng(0)
    before, now = rng.normal(size=100), rng.normal(0.4, 1.0, size=80)
    change = compare(Numbers.fit(before), now)
    expected = stats.ks_2samp(before, now, method="asymp")
    assert change.ks == pytest.approx(expected.statistic)
    assert change.p == pytest.approx(expected.pvalue, rel=0.2)


def test_a_summary_of_many_numbers_is_small_and_hardly_errs() -> None:
    rng = np.random.default_rng(0)
    before, now = rng.lognormal(size=20_000), rng.lognormal(0.2, 1.0, size=5_000)
    summary = Numbers.fit(before)
    assert summary.knots.size <= 129
    exact = stats.ks_2samp(before, now, method="asymp").statistic
    assert exact - 1 / 128 <= (compare(summary, now).ks or 0.0) <= exact
    assert summary.quantile(0.5) == pytest.approx(np.median(before), rel=0.03)


def test_what_is_the_same_has_not_moved_at_all() -> None:
    values = np.random.default_rng(0).poisson(2, 500).astype(float)
    change = compare(Numbers.fit(values), values)
    assert (change.ks, change.psi, change.p) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("now", [np.full(200, 5.0), np.full(200, -5.0)], ids=["above", "below"])
def test_a_constant_that_becomes_another_has_moved(now: np.ndarray) -> None:
    change = compare(Numbers.fit(np.zeros(300)), now)
    assert change.ks == 1.0
    assert (change.psi or 0.0) > 1.0
    assert (change.p or 0.0) < 1e-10


def test_of_two_numbers_the_frequent_one_getting_rare_shows_in_the_psi() -> None:
    rng = np.random.default_rng(0)
    before, now = (rng.random(2_000) < 0.95).astype(float), (rng.random(2_000) < 0.5).astype(float)
    assert (compare(Numbers.fit(before), now).psi or 0.0) > 0.5


def test_a_distance_that_is_allowed_does_not_count() -> None:
    rng = np.random.default_rng(0)
    summary = Numbers.fit(rng.normal(size=5_000))
    near, far = rng.normal(0.3, 1.0, size=5_000), rng.normal(1.5, 1.0, size=5_000)
    assert (compare(summary, near).p or 0.0) < 1e-6
    assert compare_numbers(summary, near, allowed=0.2).p == 1.0
    assert (compare_numbers(summary, far, allowed=0.2).p or 0.0) < 1e-6


def test_nothing_is_concluded_from_a_few_rows_or_from_none() -> None:
    summary = Numbers.fit(np.arange(100.0))
    assert compare(summary, np.arange(9.0)).p is None
    assert compare(summary, np.empty(0)).psi is None
    assert compare(Numbers.fit(np.empty(0)), np.arange(9.0)).ks is None
    assert compare(Levels.fit(pl.Series(["a"] * 100)), pl.Series(["a"] * 9)).p is None
    assert compare(Levels.fit(pl.Series([], dtype=pl.String)), pl.Series(["a"])).psi is None
    assert compare_shares(0, 100, 3, 9) is None
    with pytest.raises(TypeError, match="Series cannot be compared with Numbers"):
        compare(summary, pl.Series(["a"]))


@pytest.mark.parametrize("levels", [4, 50, 80, 2_000])
@pytest.mark.parametrize("rows", [60, 1_000])
def test_levels_of_the_same_shares_are_seldom_told_apart(levels: int, rows: int) -> None:
    rng = np.random.default_rng(levels + rows)
    alarms = 0
    for _ in range(10):
        before = Levels.fit(pl.Series([f"c{value}" for value in rng.zipf(1.5, 500) % levels]))
        for _ in range(20):
            now = pl.Series([f"c{value}" for value in rng.zipf(1.5, rows) % levels])
            alarms += (compare(before, now).p or 0.0) < 0.01
    assert alarms <= 8  # 2 are expected


@pytest.mark.parametrize("levels", [4, 80])
def test_a_level_that_takes_over_is_found_among_few_and_among_many(levels: int) -> None:
    rng = np.random.default_rng(0)
    before = Levels.fit(pl.Series([f"c{value}" for value in rng.integers(0, levels, 1_000)]))
    now = pl.Series(["c1" if rng.random() < 0.3 else f"c{value}" for value in rng.integers(0, levels, 500)])
    change = compare(before, now)
    assert (change.p or 0.0) < 1e-6
    assert (change.psi or 0.0) > 0.1
    assert change.said.startswith("'c1' 2") if levels == 4 else change.said == ""


def test_chances_are_corrected_for_the_number_of_tests() -> None:
    assert holm([0.01, 0.5]) == [0.02, 0.5]
    assert holm([None, 0.4, 0.4, 0.4]) == [None, 1.0, 1.0, 1.0]
    assert holm([]) == []


def test_shares_are_compared_by_their_chance_and_by_their_size() -> None:
    assert (compare_shares(0, 1_000, 50, 500) or 0.0) < 1e-10
    assert (compare_shares(10, 1_000, 6, 500) or 0.0) > 0.5
    assert far_apart(0.0, 0.1) > 0.6
    assert far_apart(0.2, 0.22) < 0.1
    assert psi(np.array([100, 0]), np.array([100, 0])) == 0.0


def test_neighbours_of_a_series_count_as_fewer_rows() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=8_000)
    slow = np.empty_like(noise)
    slow[0] = noise[0]
    for i in range(1, noise.size):
        slow[i] = 0.8 * slow[i - 1] + noise[i]
    trail = Trail.of(_series(slow))
    assert trail is not None
    assert trail.memory(noise) == pytest.approx(1.0, abs=0.3)
    assert trail.memory(slow) == pytest.approx(1.8 / 0.2, rel=0.3)  # (1 + r) / (1 - r)
    assert trail.memory(np.zeros_like(slow)) == 1.0
    assert trail.memory(np.full_like(slow, np.nan)) == 1.0
    with_gaps = np.where(rng.random(slow.size) < 0.1, np.nan, slow)
    assert trail.memory(with_gaps) == pytest.approx(9.0, rel=0.4)
    assert trail.memory(np.arange(8_000.0)) > 1_000


def test_entities_that_differ_are_no_memory_and_rows_without_time_have_none() -> None:
    rng = np.random.default_rng(0)
    entity = np.repeat(np.arange(20), 200)
    trail = Trail.of(_series(np.zeros(4_000), entity=entity))
    assert trail is not None
    assert trail.memory(10.0 * entity + rng.normal(size=4_000)) < 2.0
    assert Trail.of(Dataset.from_array(rng.normal(size=(10, 2)))) is None


@pytest.mark.parametrize("summary", [Numbers.fit(np.arange(9.0), memory=2.0), Levels.fit(pl.Series(["a", "b", "b"]))])
def test_a_summary_comes_back_from_its_state(summary: Numbers | Levels) -> None:
    back = restored(summary.state())
    assert type(back) is type(summary)
    for name, value in summary.state().items():
        np.testing.assert_array_equal(back.state()[name], value)
