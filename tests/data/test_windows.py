from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anomalist.data.dataset import Dataset
from anomalist.data.scaling import grouped_quantile
from anomalist.data.series import check_series
from anomalist.data.statistics import STATISTICS, describe
from anomalist.data.windows import Windower, Windows
from anomalist.errors import DataError, SchemaMismatchError, UsageError


def series(values, time=None, entity=None):
    values = np.asarray(values, dtype=np.float64)
    data = Dataset.from_array(values[:, None] if values.ndim == 1 else values)
    time = np.arange(len(values), dtype=np.float64) if time is None else np.asarray(time, dtype=np.float64)
    return replace(data, time=time, entity=None if entity is None else np.asarray(entity, dtype=np.int64))


def wave(rows, period, seed=0):
    rng = np.random.default_rng(seed)
    return np.sin(2 * np.pi * np.arange(rows) / period) + 0.1 * rng.normal(size=rows)


def covered(windows):
    """The rows of each window, -1 for padding."""
    return windows.rows[windows.starts[:, None] + np.arange(windows.length)]


def test_every_row_is_covered_and_windows_follow_the_time():
    data = series(wave(1000, 50))
    windower = Windower.fit(data)
    windows = windower.windows(data)
    values = windows.dataset.values
    assert values.shape == (len(windows), windower.length, 1)
    assert values.flags.c_contiguous
    assert values.dtype == np.float32
    assert set(np.unique(covered(windows))) == set(range(1000))
    assert windows.starts[0] == 0
    assert windows.starts[-1] == 1000 - windower.length
    assert set(np.diff(windows.starts)[:-1]) == {windower.stride}


def test_row_scores_do_not_depend_on_the_order_of_the_rows():
    rng = np.random.default_rng(1)
    data = series(rng.normal(size=(600, 2)).cumsum(axis=0), entity=np.arange(600) % 3)
    shuffle = rng.permutation(600)
    windower, mixed = Windower.fit(data), Windower.fit(data.take(shuffle))
    first, second = windower.windows(data), mixed.windows(data.take(shuffle))
    assert np.array_equal(first.dataset.values, second.dataset.values)
    scores = np.arange(len(first), dtype=float)
    assert np.array_equal(first.to_rows(scores)[shuffle], second.to_rows(scores))


def test_a_row_gets_the_mean_over_the_windows_that_cover_it():
    data = series(np.random.default_rng(2).normal(size=200), entity=[0] * 90 + [1] * 107 + [2] * 3)
    windows = Windower.fit(data, length=16).windows(data)
    scores = np.random.default_rng(3).normal(size=len(windows))
    inside = covered(windows)
    expected = [scores[(inside == row).any(axis=1)].mean() for row in range(200)]
    assert np.allclose(windows.to_rows(scores), expected)
    both = windows.to_rows(np.stack([scores, 2 * scores], axis=1))
    assert both.shape == (200, 2)
    assert np.allclose(both, np.stack([expected, 2 * np.array(expected)], axis=1))


def test_the_score_of_a_gross_window_does_not_blur_far_rows():
    data = series(wave(2000, 40))
    windows = Windower.fit(data, length=32).windows(data)
    scores = np.full(len(windows), 1e-3)
    scores[0] = 1e12
    assert np.all(windows.to_rows(scores)[32:] == 1e-3)


def test_windows_cross_neither_entities_nor_gaps():
    time = np.concatenate([np.arange(100) * 60, 100_000 + np.arange(80) * 60, np.arange(120) * 3600])
    data = series(np.zeros(300), time, entity=[0] * 180 + [5] * 120)
    windows = Windower.fit(data, length=10).windows(data)
    stretch = np.repeat([0, 1, 2], [100, 80, 120])
    assert all(len(set(stretch[rows])) == 1 for rows in covered(windows))
    assert set(covered(windows).ravel()) == set(range(300))


def test_a_step_that_returns_every_week_is_no_gap():
    days = np.array([day for day in range(700) if day % 7 < 5]) * 86_400.0
    data = series(np.zeros(len(days)), days)
    windows = Windower.fit(data, length=10).windows(data)
    assert np.array_equal(windows.rows, np.arange(len(days)))
    assert len(windows) == len(days) - 10 + 1


def test_a_short_segment_is_padded_at_its_start_with_its_first_row():
    data = series([5.0, 6.0, 7.0, *range(40)], entity=[9] * 3 + [4] * 40)
    windows = Windower.fit(data, length=8).windows(data)
    short = np.flatnonzero((covered(windows) == 0).any(axis=1))
    assert covered(windows)[short].tolist() == [[-1, -1, -1, -1, -1, 0, 1, 2]]
    values = windows.dataset.values[short[0], :, 0]
    assert np.all(values[:6] == values[0])
    assert np.all(np.diff(values[5:]) > 0)
    assert np.isfinite(windows.to_rows(np.ones(len(windows)))).all()


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 17])
def test_very_few_rows_are_scored_too(rows):
    data = series(np.arange(rows, dtype=float))
    windower = Windower.fit(data)
    windows = windower.windows(data)
    assert windower.length == 4
    assert windower.statistics(windows).values.shape == (len(windows), 10)
    assert np.array_equal(windows.to_rows(np.ones(len(windows))), np.ones(rows))


def test_equal_times_stay_as_they_came():
    data = series(np.arange(50.0), time=np.zeros(50))
    windows = Windower.fit(data, length=4).windows(data)
    assert np.array_equal(windows.rows, np.arange(50))


def test_each_entity_has_its_own_scale_and_a_new_one_the_common_scale():
    rng = np.random.default_rng(4)
    low, high = rng.normal(size=300), 1000 + 50 * rng.normal(size=300)
    data = series(np.concatenate([low, high]), entity=[7] * 300 + [3] * 300)
    windower = Windower.fit(data, length=8)
    assert windower.entities.tolist() == [3, 7]
    step = windower.windows(data)
    of_low = step.series[np.isin(step.rows, np.arange(300))]
    of_high = step.series[np.isin(step.rows, np.arange(300, 600))]
    assert abs(np.median(of_low)) < 0.01
    assert abs(np.median(of_high)) < 0.01
    assert np.std(of_high) == pytest.approx(np.std(of_low), rel=0.2)
    new = series([1000.0] * 20, entity=[11] * 20)
    assert windower.windows(new).series[0, 0] == pytest.approx(
        (1000 - windower.centres[-1, 0]) / windower.scales[-1, 0]
    )


def test_an_entity_with_few_rows_takes_the_common_scale_and_step():
    data = series([*range(100), 5.0, 900.0], time=[*range(100), 0, 50], entity=[0] * 100 + [1] * 2)
    windower = Windower.fit(data, length=8)
    assert windower.centres[1] == windower.centres[2]
    assert windower.steps[1] == windower.steps[2]


def test_far_values_are_clipped_and_constant_columns_are_zero():
    values = np.stack([np.full(200, 3.5), np.random.default_rng(5).normal(size=200)], axis=1)
    data = series(values)
    windower = Windower.fit(data, length=16)
    gross = series(np.where(np.arange(200)[:, None] == 100, [3.5, 3e38], values))
    made = windower.windows(gross).series
    assert np.all(made[:, 0] == 0)
    assert made[100, 1] == 20
    assert np.isfinite(windower.statistics(windower.windows(gross)).values).all()


@pytest.mark.parametrize(
    ("period", "columns", "expected"),
    [(50, 1, 50), (10, 1, 32), (300, 1, 128), (50, 2, 50), (100, 3, 64), (100, 21, 32)],
)
def test_the_length_follows_the_period(period, columns, expected):
    data = series(np.stack([wave(4000, period, seed) for seed in range(columns)], axis=1))
    assert abs(Windower.fit(data).length - expected) <= 1


def test_the_length_without_a_period_and_of_short_series():
    noise = np.random.default_rng(6).normal(size=4000)
    assert Windower.fit(series(noise)).length == 64
    assert Windower.fit(series(noise[:100])).length == 25
    assert Windower.fit(series(noise, entity=np.repeat(np.arange(100), 40))).length == 10
    assert Windower.fit(series(noise), length=7).length == 7


def test_training_windows_are_limited_by_a_seeded_sample():
    data = series(wave(3000, 40))
    windower = Windower.fit(data)
    some, same, other = (windower.windows(data, limit=50, seed=seed) for seed in (1, 1, 2))
    assert some.dataset.values.shape[0] == 50
    assert np.array_equal(some.starts, same.starts)
    assert not np.array_equal(some.starts, other.starts)
    with pytest.raises(DataError, match=r"rows are in no window: score all windows, not a sample"):
        some.to_rows(np.ones(50))


def test_blocks_are_the_windows_in_order():
    data = series(np.random.default_rng(7).normal(size=(500, 3)))
    windows = Windower.fit(data).windows(data)
    blocks = [block.values for block in windows.blocks(7)]
    assert max(map(len, blocks)) == 7
    assert np.array_equal(np.concatenate(blocks), windows.dataset.values)
    assert np.array_equal(np.concatenate([block.values for block in windows.blocks()]), windows.dataset.values)


def test_long_series_are_not_laid_out_whole():
    data = series(np.random.default_rng(8).normal(size=(300_000, 2)))
    windows = Windower.fit(data, length=128).windows(data)
    assert windows.series.nbytes == data.values.nbytes
    assert max(block.values.nbytes for block in windows.blocks()) <= 16 * 2**20
    assert np.isfinite(windows.to_rows(np.ones(len(windows)))).all()


def test_the_data_are_not_written_to():
    data = series(wave(300, 40))
    before = data.values.copy()
    Windower.fit(data).windows(data)
    assert np.array_equal(data.values, before)


def test_statistics_are_named_standardised_and_know_their_origin():
    rng = np.random.default_rng(9)
    base = series(rng.normal(size=(800, 2)).cumsum(axis=0))
    data = replace(base, columns=("a=1", "b"), origins=("a", "b"))
    windower = Windower.fit(data)
    windows = windower.windows(data)
    table = windower.statistics(windows)
    assert table.values.shape == (len(windows), 20)
    assert table.columns[:2] == ("a=1:mean", "a=1:std")
    assert table.origins == ("a",) * 10 + ("b",) * 10
    assert np.allclose(np.median(table.values, axis=0), 0, atol=0.02)
    assert np.abs(table.values).max() <= 20


def test_each_statistic_is_what_it_is_called():
    window = np.array([1.0, 3.0, 2.0, 6.0, 4.0, 8.0, 5.0, 7.0])
    found = dict(zip(STATISTICS, describe(window.astype(np.float32)[None, :, None])[0], strict=True))
    step = np.abs(np.diff(window))
    assert found["mean"] == pytest.approx(window.mean())
    assert found["std"] == pytest.approx(window.std())
    assert (found["min"], found["max"]) == (1, 8)
    assert found["median"] == pytest.approx(np.median(window))
    assert found["iqr"] == pytest.approx(6 - 2)
    assert found["trend"] == pytest.approx(8 * np.polyfit(np.arange(8), window, 1)[0])
    assert found["step"] == pytest.approx(step.mean())
    assert found["jump"] == step.max()
    assert found["turn"] == pytest.approx(np.abs(np.diff(window, n=2)).mean())


def test_the_state_brings_back_the_same_windows():
    data = series(wave(700, 40), entity=np.repeat([2, 8], 350))
    windower = Windower.fit(data)
    state = windower.state()
    assert all(isinstance(value, (int, np.ndarray)) for value in state.values())
    again = Windower.from_state(state)
    first, second = windower.windows(data), again.windows(data)
    assert np.array_equal(first.dataset.values, second.dataset.values)
    assert np.array_equal(windower.statistics(first).values, again.statistics(second).values)


def test_a_spike_stands_out_in_the_statistics_of_its_windows():
    values = wave(3000, 40)
    values[1500] += 4
    data = series(values)
    windower = Windower.fit(data)
    windows = windower.windows(data)
    scores = windows.to_rows(np.abs(windower.statistics(windows).values).max(axis=1))
    assert abs(int(scores.argmax()) - 1500) < windower.length


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Dataset.from_array(np.zeros((5, 1))), "the rows have no time: name the time column with --time"),
        (series(np.zeros((0, 1))), "there are no rows to put in order"),
        (series(np.zeros(5), time=[0, 1, np.nan, 3, 4]), "row 2 has no finite time, got nan"),
        (series(np.zeros((5, 4, 1)), time=np.arange(5)), "ordered rows are needed"),
        (series(np.zeros(5), time=np.arange(4)), "4 times for 5 rows"),
    ],
)
def test_what_cannot_be_put_in_order_is_refused(data, message):
    with pytest.raises(DataError, match=message):
        Windower.fit(data)


def test_wrong_use_is_refused_in_one_line():
    data = series(np.zeros(50))
    with pytest.raises(UsageError, match="at least 2 rows, got a length of 1"):
        Windower.fit(data, length=1)
    windower = Windower.fit(data)
    with pytest.raises(SchemaMismatchError, match="fitted on 1 columns, got 2"):
        windower.windows(series(np.zeros((50, 2))))
    windows = windower.windows(data)
    assert isinstance(windows, Windows)
    with pytest.raises(DataError, match="one score a window is needed"):
        windows.to_rows(np.ones(len(windows) + 1))


def test_quantiles_within_groups_are_those_of_numpy():
    rng = np.random.default_rng(10)
    values, group = rng.normal(size=100), rng.integers(0, 7, 100)
    for share in (0.0, 0.25, 0.5, 0.9, 1.0):
        expected = [np.quantile(values[group == number], share) for number in range(7)]
        assert np.allclose(grouped_quantile(values, group, 7, share), expected)


def test_a_metric_is_a_series_and_transactions_are_not():
    rng = np.random.default_rng(11)
    assert check_series(series(wave(500, 40))).is_series
    card = rng.integers(0, 50, 5000)
    spent = rng.lognormal(size=(5000, 2)) * (1 + card[:, None])
    assert not check_series(series(spent, time=np.cumsum(rng.exponential(60, 5000)), entity=card)).is_series
    same_day = check_series(series(wave(500, 40), time=np.arange(500) // 10 * 86_400.0))
    assert not same_day.is_series
    assert same_day.reason == "90% of the rows have the time of the row before"
    assert not check_series(series(rng.normal(size=(5000, 5)))).is_series
    assert "fewer than 32" in check_series(series(wave(20, 5))).reason
    assert check_series(Dataset.from_array(np.zeros((5, 1)))).reason == "the rows have no time"
    assert not check_series(series(np.zeros(100))).is_series
    assert not check_series(series(np.arange(100.0), time=np.zeros(100))).is_series
