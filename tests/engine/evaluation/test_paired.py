"""Paired measures: every draw of the bootstrap counted as if it had been measured by itself."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from anomalist.engine.evaluation import paired
from anomalist.engine.evaluation.measures import precision_at
from anomalist.engine.evaluation.paired import calibrated, draws, paired_measures, paired_rankings


def made(rows: int = 60, *, levels: int = 1_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = (rng.random(rows) < 0.4).astype(np.int64)
    scores = np.floor(levels * rng.normal(size=(2, rows)) + levels * labels * [[1.0], [2.0]])
    return labels, scores / levels, np.clip(1 / (1 + np.exp(-scores / levels)), 0.01, 0.99)


@pytest.mark.parametrize("levels", [2, 1_000])
def test_each_draw_is_measured_as_by_itself(levels: int) -> None:
    labels, scores, probabilities = made(levels=levels)
    counts = draws(labels, 7, np.random.default_rng(0))
    for draw in counts:
        again = np.repeat(np.arange(labels.size), draw)
        found = paired_measures(labels, scores, probabilities, counts=draw[None], confidence=0.5)
        expected = {
            "average_precision": lambda y, s, p: average_precision_score(y, s),
            "precision_at_anomalies": lambda y, s, p: precision_at(y, s, int(labels.sum())),
            "precision_at_10": lambda y, s, p: precision_at(y, s, 10),
            "precision_at_50": lambda y, s, p: precision_at(y, s, 50),
            "log_loss": lambda y, s, p: -log_loss(y, p),
            "brier": lambda y, s, p: -brier_score_loss(y, p),
        }
        assert set(found) == set(expected)
        for name, measure in expected.items():
            of = [measure(labels[again], s[again], p[again]) for s, p in zip(scores, probabilities, strict=True)]
            assert found[name].low == pytest.approx(of[1] - of[0], abs=1e-12), name
            now = [measure(labels, s, p) for s, p in zip(scores, probabilities, strict=True)]
            assert (found[name].champion, found[name].challenger) == pytest.approx(np.abs(now))
            assert found[name].gain == pytest.approx(now[1] - now[0], abs=1e-12)


def test_a_draw_has_as_many_of_each_stratum() -> None:
    strata = np.array([0, 0, 0, 1, 1, 5])
    counts = draws(strata, 500, np.random.default_rng(0))
    assert counts.shape == (500, 6)
    for stratum, many in ((0, 3), (1, 2), (5, 1)):
        assert (counts[:, strata == stratum].sum(axis=1) == many).all()
    assert counts[:, 0].mean() == pytest.approx(1.0, abs=0.15)


def test_the_interval_of_a_mean_loss_is_the_textbooks() -> None:
    labels, scores, probabilities = made(400)
    counts = draws(np.zeros(400, dtype=np.int64), 4_000, np.random.default_rng(0))
    found = paired_measures(labels, scores, probabilities, counts=counts, confidence=0.9)["brier"]
    gains = np.square(probabilities[0] - labels) - np.square(probabilities[1] - labels)
    half = 1.645 * gains.std() / np.sqrt(400)
    assert (found.low, found.high) == pytest.approx((gains.mean() - half, gains.mean() + half), abs=0.1 * half)


def test_calibration_does_not_mind_level_and_unit() -> None:
    labels, scores, _ = made(200)
    folds = np.arange(200) % 8
    plain = calibrated(labels, scores[1], folds)
    np.testing.assert_allclose(calibrated(labels, 40.0 * scores[1] - 900.0, folds), plain, atol=1e-9)
    assert plain[labels == 1].mean() > plain[labels == 0].mean() + 0.3
    assert plain.mean() == pytest.approx(labels.mean(), abs=0.03)


def test_calibration_does_not_turn_a_wrong_ranking_over() -> None:
    labels, scores, _ = made(200)
    found = calibrated(labels, -scores[1], np.arange(200) % 8)
    np.testing.assert_allclose(found, labels.mean(), atol=0.02)


@pytest.mark.parametrize("scores", [np.zeros(40), np.repeat([0.0, 1e9], 20)])
def test_calibration_of_constant_and_of_separating_scores_is_never_certain(scores: np.ndarray) -> None:
    labels = np.repeat([0, 1], 20)
    found = calibrated(labels, scores, np.arange(40) % 8)
    assert ((found > 0.001) & (found < 0.999)).all()


def test_a_row_is_calibrated_without_its_own_fold() -> None:
    labels, scores, _ = made(80)
    folds = np.arange(80) % 8
    other = labels.copy()
    other[folds == 3] = 1 - other[folds == 3]
    same = folds == 3
    np.testing.assert_array_equal(calibrated(labels, scores[0], folds)[same], calibrated(other, scores[0], folds)[same])


@pytest.mark.parametrize("levels", [2, 1_000])
def test_rankings_are_measured_on_the_rows_and_on_each_draw(levels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, scores, _ = made(levels=levels)
    found = paired_rankings(labels, list(scores), resamples=40, confidence=0.5, rng=np.random.default_rng(0))
    measures = {"average_precision": average_precision_score, "roc_auc": roc_auc_score}
    assert set(found) == set(measures)
    for name, measure in measures.items():
        now = [measure(labels, score) for score in scores]
        gains = []
        for draw in draws(labels, 40, np.random.default_rng(0)):
            again = np.repeat(np.arange(labels.size), draw)
            gains.append(measure(labels[again], scores[1][again]) - measure(labels[again], scores[0][again]))
        pair = found[name]
        assert (pair.champion, pair.challenger, pair.gain) == pytest.approx((*now, now[1] - now[0]))
        assert (pair.low, pair.high) == pytest.approx(tuple(np.quantile(gains, (0.25, 0.75))))
    monkeypatch.setattr(paired, "_CELLS", 3 * labels.size)  # three draws at a time, as of very many rows
    few = paired_rankings(labels, list(scores), resamples=400, confidence=0.5, rng=np.random.default_rng(0))
    for name, pair in found.items():
        assert (few[name].champion, few[name].challenger) == (pair.champion, pair.challenger)
        assert (few[name].low, few[name].high) == pytest.approx((pair.low, pair.high), abs=0.05)
