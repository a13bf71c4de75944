"""PyOD's detectors of series on windows that a run has cut."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from anomalist.data.dataset import Dataset
from anomalist.errors import DataError, DetectorError, DetectorTimeoutError, ParameterError, SchemaMismatchError
from anomalist.store.state import join_state, split_state
from anomalist.testing.kit import check_detector
from anomalist_plugins.pyod import detectors
from anomalist_plugins.pyod.library import Library, library
from anomalist_plugins.pyod.randomness import drawing
from tests.helpers import no_time_left

LENGTH = 12
STEPS = 160
RNG = np.random.default_rng(0)
SERIES = np.stack([np.sin(np.arange(STEPS) / 3), np.cos(np.arange(STEPS) / 5)], axis=1)
SERIES += 0.1 * RNG.normal(size=SERIES.shape)
WINDOWS = np.stack([SERIES[start : start + LENGTH] for start in range(STEPS - LENGTH + 1)])
DATA = Dataset.from_array(WINDOWS)
SMALL = {
    "KShape": {},
    "SAND": {},
    "LSTMAD": {"epochs": 3, "hidden_size": 8},
    "SpectralResidual": {},
    "TimeSeriesOD": {"detector": "INNE"},
    "AnomalyTransformer": {"d_model": 8, "n_heads": 2, "n_layers": 1, "epochs": 1, "device": "cpu"},
}


@pytest.fixture(scope="module")
def plain() -> Library:
    """PyOD as it is, with nothing mended."""
    spec = importlib.util.find_spec("pyod")
    return Library(Path(spec.submodule_search_locations[0]), mends={})


def test_it_keeps_every_promise_of_the_kit_that_it_does_not_declare() -> None:
    # the kit on each of them: python -m tests.benchmarks.pyod_conformance
    check_detector("pyod:KShape")


@pytest.mark.parametrize(("module", "name"), [("ts_kshape", "KShape"), ("ts_sand", "SAND")])
def test_shapes_are_clustered_and_measured_as_pyod_does(plain: Library, module: str, name: str) -> None:
    ours = library().find(f"pyod.models.{module}", name)(random_state=0)
    theirs = plain.find(f"pyod.models.{module}", name)(window_size=LENGTH, random_state=0)
    ours.fit(WINDOWS[:, :, :1])
    theirs.fit(SERIES[:, 0])
    np.testing.assert_allclose(ours.centroids_[0], theirs.centroids_[0], atol=1e-9)
    # PyOD gives a step the highest score of the windows that it is in
    back, _ = plain.module(f"pyod.models.{module}").map_scores_to_timestamps(ours.decision_scores_, LENGTH, 1, STEPS)
    np.testing.assert_allclose(back, theirs.decision_scores_, atol=1e-9)
    new = SERIES[:LENGTH, 0] + RNG.normal(size=LENGTH)
    expected = theirs.decision_function(new)[0]
    assert ours.decision_function(new[None, :, None]) == pytest.approx(expected, abs=1e-9)


def test_columns_are_taken_together_by_the_scale_of_the_training_windows() -> None:
    highest = detectors.KShape().fit(DATA)
    mean = detectors.KShape(channel_aggregation="mean").fit(DATA)
    model = highest._models[0]
    alone = [detectors.KShape().fit(Dataset.from_array(WINDOWS[:, :, [column]])) for column in range(2)]
    scaled = [
        (each.score(Dataset.from_array(WINDOWS[:, :, [column]])) - model.middle_[column]) / model.spread_[column]
        for column, each in enumerate(alone)
    ]
    np.testing.assert_allclose(highest.score(DATA), np.max(scaled, axis=0), atol=1e-9)
    np.testing.assert_allclose(mean.score(DATA), np.mean(scaled, axis=0), atol=1e-9)
    with pytest.raises(ParameterError, match="channel_aggregation must be max or mean, got 'most'"):
        detectors.KShape(channel_aggregation="most")


def test_a_window_is_scored_by_the_forecasts_of_its_second_half(plain: Library) -> None:
    detector = detectors.LSTMAD(**SMALL["LSTMAD"]).fit(DATA)
    model = detector._models[0]
    theirs = plain.find("pyod.models.ts_lstm", "LSTMAD")()
    window = DATA.values[40].astype(np.float64)
    half = LENGTH // 2
    inputs, targets = theirs._build_pairs(window, half)
    apart = targets - theirs._predict_model(model.model_, inputs) - model.error_mu_
    expected = np.einsum("ij,jk,ik->i", apart, model.error_cov_inv_, apart).mean()
    assert detector.score(DATA.take(slice(40, 41)))[0] == pytest.approx(expected, rel=1e-5)
    odd = WINDOWS[40:42].copy()
    odd[1, half + 2] += 5.0
    first, second = detector.score(Dataset.from_array(odd))
    assert second > 5 * first


def test_steps_that_are_learned_from_are_learned_from_once(plain: Library) -> None:
    cut = np.stack([SERIES[start : start + 16] for start in range(0, STEPS - 15, 2)])  # as a run cuts them
    with drawing(0, torch=True):
        found = library().find("pyod.models.ts_lstm", "LSTMAD")(**SMALL["LSTMAD"]).fit(cut)
    theirs = plain.find("pyod.models.ts_lstm", "LSTMAD")()
    inputs, targets = theirs._build_pairs(SERIES, 8)
    errors = (targets - theirs._predict_model(found.model_, inputs))[
        6:
    ]  # the first window's last eighth is steps 14, 15
    np.testing.assert_allclose(found.error_mu_, errors.mean(axis=0), atol=1e-6)


def test_a_window_gets_the_mean_of_what_pyod_gives_its_steps(plain: Library) -> None:
    detector = detectors.AnomalyTransformer(**SMALL["AnomalyTransformer"]).fit(DATA)
    theirs = plain.find("pyod.models.ts_anomaly_transformer", "AnomalyTransformer")(window_size=LENGTH, device="cpu")
    theirs.model_, theirs.n_channels_ = detector._models[0].model_, 2
    theirs.decision_scores_ = theirs.threshold_ = theirs.labels_ = 0
    expected = theirs.decision_function(DATA.values[7]).mean()
    assert detector.score(DATA)[7] == pytest.approx(expected, rel=1e-5)


def test_a_window_with_a_spike_is_salient_and_gets_what_its_most_salient_step_gets(plain: Library) -> None:
    cut = np.stack([SERIES[start : start + 32, :1] for start in range(STEPS - 31)])
    odd = cut.copy()
    odd[9, 15] += 4.0
    found = detectors.SpectralResidual().fit(Dataset.from_array(cut)).score(Dataset.from_array(odd))
    theirs = plain.find("pyod.models.ts_spectral_residual", "SpectralResidual")()
    assert found == pytest.approx([theirs._compute_scores(window).max() for window in odd], rel=1e-5)
    assert found[9] > np.quantile(found, 0.95)
    with pytest.raises(DetectorError, match="score_window is 13, and a window has 12 steps"):
        detectors.SpectralResidual(score_window=13).fit(DATA)


@pytest.mark.parametrize("name", ["KNN", "IForest"])
def test_windows_are_laid_flat_for_a_detector_of_rows(name: str) -> None:
    flat = Dataset.from_array(WINDOWS.reshape(len(WINDOWS), -1))
    expected = getattr(detectors, name)().fit(flat).score(flat)
    assert np.array_equal(detectors.TimeSeriesOD(detector=name).fit(DATA).score(DATA), expected)


def test_a_detector_that_scores_rows_beside_others_gets_no_windows() -> None:
    with pytest.raises(ParameterError, match=r"detector must be one of CBLOF, .*, PCA, got 'ECOD'"):
        detectors.TimeSeriesOD(detector="ECOD")


@pytest.mark.parametrize("name", list(SMALL))
def test_a_window_scores_alike_alone_and_from_what_was_saved(name: str) -> None:
    detector = getattr(detectors, name)(**SMALL[name]).fit(DATA)
    found = detector.score(DATA)
    np.testing.assert_allclose(detector.score(DATA.take(slice(5, 6))), found[5:6], rtol=1e-6)
    text, arrays = split_state(detector.state(), "test")
    again = getattr(detectors, name)(**SMALL[name]).restore(join_state(text, arrays))
    np.testing.assert_allclose(again.score(DATA), found, rtol=1e-9)


def test_rows_and_windows_of_another_length_are_refused() -> None:
    detector = detectors.KShape().fit(DATA)
    rows = Dataset.from_array(SERIES)
    with pytest.raises(
        DataError, match=r"pyod:KShape needs values of shape \(windows, length, columns\), got \(160, 2\)"
    ):
        detectors.KShape().fit(rows)
    with pytest.raises(DataError, match=r"pyod:HBOS needs values of shape \(rows, columns\), got \(149, 12, 2\)"):
        detectors.HBOS().fit(DATA)
    with pytest.raises(SchemaMismatchError, match="fitted on windows of 12 steps, got 10"):
        detector.score(Dataset.from_array(WINDOWS[:, :10]))
    with pytest.raises(SchemaMismatchError, match="fitted on 2 columns, got 1"):
        detector.score(Dataset.from_array(WINDOWS[:, :, :1]))


@pytest.mark.parametrize("name", list(SMALL))
def test_what_it_learns_by_stops_when_the_time_is_over(name: str) -> None:
    detector = getattr(detectors, name)(**SMALL[name])
    with no_time_left(), pytest.raises(DetectorTimeoutError), detector._calling("fitted on"):
        detector._make(WINDOWS.shape[1:], len(WINDOWS)).fit(WINDOWS)
