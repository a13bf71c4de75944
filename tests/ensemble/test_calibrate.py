"""The calibrator: one scale, strictly increasing, never saturating."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anomalist.ensemble.calibrate import Calibrator, level
from anomalist.errors import DetectorError


def test_surprise_is_the_binary_logarithm_of_the_tail() -> None:
    scores = np.random.default_rng(0).gamma(2.0, size=20_000)
    calibrator = Calibrator.fit(scores)
    for share in (0.5, 0.25, 0.01, 0.001):
        found = calibrator.surprise(np.quantile(scores, [1 - share]))[0]
        assert found == pytest.approx(-np.log2(share), abs=0.08)


def test_units_do_not_matter() -> None:
    scores = np.random.default_rng(1).normal(size=3_000)
    new = np.linspace(-6, 6, 101)
    first = Calibrator.fit(scores).surprise(new)
    second = Calibrator.fit(scores * 1e6 + 12.0).surprise(new * 1e6 + 12.0)
    np.testing.assert_allclose(first, second, rtol=1e-6)


def test_it_goes_on_rising_past_training_without_saturating() -> None:
    calibrator = Calibrator.fit(np.random.default_rng(2).normal(size=500))
    far = calibrator.surprise(np.array([4.0, 5.0, 10.0, 1e3, 1e6, 1e12, 1e300]))
    assert (np.diff(far) > 0).all()
    assert np.isfinite(far).all()


def test_a_gross_outlier_in_training_does_not_squash_the_rest() -> None:
    scores = np.random.default_rng(3).normal(size=2_000)
    clean = Calibrator.fit(scores)
    dirty = Calibrator.fit(np.append(scores, 1e9))
    ordinary = np.linspace(-2, 2.5, 50)
    np.testing.assert_allclose(clean.surprise(ordinary), dirty.surprise(ordinary), atol=0.25)
    assert clean.slope == pytest.approx(dirty.slope, rel=0.1)


@given(
    arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6)),
    arrays(np.float64, st.integers(2, 30), elements=st.floats(-1e7, 1e7)),
    st.sampled_from([0.5, 1.0]),
)
@settings(max_examples=150, deadline=None)
def test_order_is_kept_whatever_the_scores(training: np.ndarray, new: np.ndarray, body: float) -> None:
    found = Calibrator.fit(training, body=body).surprise(np.sort(new))
    assert (np.diff(found) >= -1e-12).all()  # but for the rounding of the interpolation
    assert (found > 0).all()
    assert np.isfinite(found).all()


def test_one_row_gets_what_it_gets_among_many() -> None:
    rng = np.random.default_rng(4)
    calibrator = Calibrator.fit(rng.normal(size=5_000))
    new = rng.normal(size=1_000) * 3
    alone = np.array([calibrator.surprise(np.array([value]))[0] for value in new])
    assert (alone == calibrator.surprise(new)).all()


def test_rounding_errors_do_not_become_bits() -> None:
    scores = np.repeat([0.1, 0.2, 0.3], 1_000)
    calibrator = Calibrator.fit(scores)
    jitter = np.random.default_rng(5).normal(scale=1e-15, size=scores.size)
    np.testing.assert_allclose(calibrator.surprise(scores), calibrator.surprise(scores + jitter), atol=1e-5)


def test_a_modelled_tail_tells_training_rows_apart_by_how_far_out_they_are() -> None:
    scores = np.random.default_rng(7).exponential(size=20_000)
    scores[:2] = 15.0, 150.0
    calibrator = Calibrator.fit(scores, body=0.5)
    bits = calibrator.surprise(np.quantile(scores, [0.3, 0.5, 0.9, 0.99, 0.999]))
    np.testing.assert_allclose(bits, -np.log2([0.7, 0.5, 0.1, 0.01, 0.001]), rtol=0.08)
    far, farther = calibrator.surprise(np.array([15.0, 150.0]))
    assert farther - far > 4  # by rank alone they would be one bit apart
    assert farther < 40
    new = np.linspace(0, 1_000, 5_000)
    assert (np.diff(calibrator.surprise(new)) > 0).all()


def test_constant_scores_say_nothing_and_one_above_them_says_something() -> None:
    calibrator = Calibrator.fit(np.full(100, 7.0))
    same, above, below = calibrator.surprise(np.array([7.0, 8.0, 6.0]))
    assert same == pytest.approx(1.0)
    assert above > same > below > 0


@pytest.mark.parametrize("bad", [np.array([]), np.array([1.0, np.nan]), np.array([np.inf]), np.ones((3, 2))])
def test_what_cannot_be_calibrated_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(DetectorError, match=r"finite|one number a row"):
        Calibrator.fit(bad)


def test_scores_that_are_not_finite_are_refused() -> None:
    with pytest.raises(DetectorError, match="finite"):
        Calibrator.fit(np.arange(9.0)).surprise(np.array([np.nan]))


def test_state_round_trip_is_exact() -> None:
    calibrator = Calibrator.fit(np.random.default_rng(6).normal(size=1_000), body=0.5)
    new = np.linspace(-9, 9, 99)
    assert (Calibrator.from_state(calibrator.state()).surprise(new) == calibrator.surprise(new)).all()


def test_level_is_a_probability_like_number() -> None:
    shown = level(np.array([0.0, 1.0, 10.0]))
    np.testing.assert_allclose(shown, [0.0, 0.5, 1 - 1 / 1024])
