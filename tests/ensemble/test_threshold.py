"""Threshold policies: what they promise, they keep."""

from __future__ import annotations

import numpy as np
import pytest

from anomalist.ensemble.threshold import Threshold
from anomalist.errors import DataError, ParameterError


@pytest.mark.parametrize(("budget", "expected"), [(0.01, 10), (50, 50), (1, 1), (0.0001, 1), (5_000, 1_000)])
def test_a_budget_flags_so_many_rows(budget: float, expected: int) -> None:
    scores = np.random.default_rng(0).permutation(1_000).astype(float)
    threshold = Threshold.for_budget(scores, budget)
    assert threshold.flags(scores).sum() == expected
    assert scores[threshold.flags(scores)].min() == 1_000 - expected


def test_a_share_of_the_rows_is_not_lost_to_rounding() -> None:
    scores = np.arange(100.0)
    assert [Threshold.for_budget(scores, k / 100).flags(scores).sum() for k in range(1, 100)] == list(range(1, 100))


def test_ties_at_the_border_stay_out() -> None:
    scores = np.array([5.0, 4.0, 4.0, 4.0, 1.0])
    assert Threshold.for_budget(scores, 2).flags(scores).tolist() == [True, False, False, False, False]
    assert Threshold.for_budget(np.ones(10), 2).flags(np.ones(10)).sum() == 0


def test_a_false_positive_rate_holds_on_new_rows() -> None:
    rng = np.random.default_rng(1)
    rates = []
    for _ in range(50):
        threshold = Threshold.for_rate(rng.gamma(2.0, size=500), 0.05)
        rates.append(threshold.flags(rng.gamma(2.0, size=2_000)).mean())
    assert np.mean(rates) <= 0.055
    assert np.mean(rates) >= 0.035


def test_a_rate_too_small_for_the_rows_is_refused() -> None:
    with pytest.raises(DataError, match="needs at least 999 held-out rows, got 100"):
        Threshold.for_rate(np.arange(100.0), 0.001)


def test_labels_give_the_best_f_score() -> None:
    scores = np.array([9.0, 8.0, 7.0, 6.0, 5.0, 4.0])
    labels = np.array([1, 1, 0, 1, 0, 0])
    best = Threshold.for_labels(scores, labels)
    assert best.value == 6.0
    assert Threshold.for_labels(scores, labels, beta=0.25).value == 8.0


def test_labels_of_one_kind_are_refused() -> None:
    with pytest.raises(DataError, match="both kinds of row, got 0 anomalies among 3 rows"):
        Threshold.for_labels(np.arange(3.0), np.zeros(3, dtype=int))


def test_none_flags_nothing() -> None:
    assert not Threshold.none().flags(np.array([1e9])).any()


def test_state_round_trip() -> None:
    threshold = Threshold.for_budget(np.arange(100.0), 0.05)
    assert Threshold.from_state(threshold.state()) == threshold


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, float("nan")])
def test_rates_outside_zero_to_one_are_refused(rate: float) -> None:
    with pytest.raises(ParameterError, match="fpr must be a probability"):
        Threshold.for_rate(np.arange(100.0), rate)
