"""Combiners: one number a row, never falling when a surprise rises."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from anomalist.ensemble.combine import BUILT_IN, Combiner
from anomalist.errors import ParameterError

NAMES = ("a", "b", "c", "d", "e")


def combiner(name: str, **params: float) -> Combiner:
    module, _, function = BUILT_IN[name].factory.partition(":")
    return Combiner(name=name, function=getattr(importlib.import_module(module), function), params=params)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_combiner_is_monotone_and_stays_between_the_extremes(name: str) -> None:
    surprises = np.random.default_rng(0).gamma(1.0, size=(200, 5))
    found = combiner(name)(surprises, NAMES)
    assert found.shape == (200,)
    assert (found <= surprises.max(axis=1) + 1e-12).all()
    assert (found >= surprises.min(axis=1) - 1e-12).all()
    for column in range(5):
        raised = surprises.copy()
        raised[:, column] += 1.0
        assert (combiner(name)(raised, NAMES) >= found - 1e-12).all()


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_row_gets_the_same_alone(name: str) -> None:
    surprises = np.random.default_rng(1).gamma(1.0, size=(20, 5))
    whole = combiner(name)(surprises, NAMES)
    alone = [combiner(name)(surprises[i : i + 1], NAMES)[0] for i in range(20)]
    np.testing.assert_allclose(whole, alone, rtol=1e-12)


@pytest.mark.parametrize("name", BUILT_IN)
def test_one_detector_is_its_own_consensus(name: str) -> None:
    surprises = np.random.default_rng(2).gamma(1.0, size=(10, 1))
    np.testing.assert_allclose(combiner(name)(surprises, ("a",)), surprises[:, 0])


def test_upper_half_hears_half_the_panel() -> None:
    surprises = np.array([[0.0, 0.0, 9.0, 6.0, 3.0]])
    assert combiner("upper_half")(surprises, NAMES)[0] == pytest.approx((9 + 6 + 0.5 * 3) / 2.5)


def test_detectors_that_share_a_vote_are_heard_as_one() -> None:
    votes = np.array([1.0, 1.0, 1 / 3, 1 / 3, 1 / 3])
    surprises = np.array([[2.0, 1.0, 9.0, 9.0, 9.0], [6.0, 1.0, 9.0, 0.0, 0.0]])
    found = combiner("upper_half")(surprises, NAMES, votes)
    np.testing.assert_allclose(found, [(3 * 9 / 3 + 0.5 * 2) / 1.5, (9 / 3 + 6 + (1.5 - 4 / 3) * 1) / 1.5])
    np.testing.assert_allclose(combiner("mean")(surprises, NAMES, votes), [(2 + 1 + 9) / 3, (6 + 1 + 3) / 3])


def test_weights_are_by_name_and_one_where_not_given() -> None:
    surprises = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    found = combiner("weighted", b=3, e=0)(surprises, NAMES)[0]
    assert found == pytest.approx((1 + 3 * 2 + 3 + 4) / 6)


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("weighted", {"nobody": 1}, "no detector 'nobody' in the panel; it holds a, b, c, d, e"),
        ("weighted", {"a": -1}, "weights must be 0 or more"),
        ("mean", {"buckets": 3}, "combiner mean does not take buckets"),
        ("moa", {"seed": -1}, "seed must be a whole number of at least 0"),
        ("aom", {"buckets": 0}, "buckets must be a whole number of at least 1"),
    ],
)
def test_wrong_parameters_are_named(name: str, params: dict[str, float], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        combiner(name, **params)(np.ones((3, 5)), NAMES)


def test_a_function_that_returns_the_wrong_shape_is_refused() -> None:
    wrong = Combiner(name="wrong", function=lambda surprises: surprises)
    with pytest.raises(ParameterError, match="one finite number a row"):
        wrong(np.ones((3, 2)), ("a", "b"))


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("detectors", [1, 2, 5])
def test_no_combiner_of_ours_is_taken_for_upside_down(name: str, detectors: int) -> None:
    combiner(name).check(NAMES[:detectors])


def test_a_combiner_that_is_upside_down_is_refused() -> None:
    upside_down = Combiner(name="mine", function=lambda surprises: -surprises.mean(axis=1))
    with pytest.raises(ParameterError, match="combiner mine falls where knn is more surprised: higher must"):
        upside_down.check(["knn", "gmm"])


def test_upper_half_of_many_rows_is_that_of_each_row() -> None:
    surprises = np.random.default_rng(0).exponential(size=(70_000, 5))
    votes = np.array([1.0, 0.5, 0.5, 1.0, 1.0])
    whole = combiner("upper_half")(surprises, NAMES, votes)
    some = np.array([0, 65_535, 65_536, 69_999])
    np.testing.assert_array_equal(whole[some], combiner("upper_half")(surprises[some], NAMES, votes))
