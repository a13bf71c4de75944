"""Measures of quality: the same as scikit-learn's, and as counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score, roc_auc_score

from anomalist.engine.measures import measure, top_rows
from anomalist.errors import DataError


@pytest.mark.parametrize("levels", [2, 5, 1_000_000])
@pytest.mark.parametrize("rows", [2, 11, 500])
def test_they_agree_with_scikit_learn_ties_and_all(rows: int, levels: int) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        labels = (rng.random(rows) < 0.2).astype(np.int64)
        labels[:2] = [0, 1]
        scores = np.floor(levels * rng.random(rows)) + labels
        flagged = scores > np.median(scores)
        found = measure(labels, scores, flagged)
        assert found.roc_auc == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
        assert found.average_precision == pytest.approx(average_precision_score(labels, scores), abs=1e-12)
        assert found.precision == pytest.approx(precision_score(labels, flagged, zero_division=0))
        assert found.recall == pytest.approx(recall_score(labels, flagged))
        assert found.f1 == pytest.approx(f1_score(labels, flagged, zero_division=0))


def test_by_hand() -> None:
    labels = np.array([1, 0, 1, 0, 0])
    scores = np.array([5.0, 4.0, 3.0, 2.0, 1.0])
    found = measure(labels, scores, scores >= 3)
    assert found.roc_auc == pytest.approx(5 / 6)  # of six pairs one is the wrong way round
    assert found.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert (found.precision, found.recall, found.f1) == (pytest.approx(2 / 3), 1.0, pytest.approx(0.8))
    assert found.precision_at == {}


def test_all_equal_scores_say_nothing() -> None:
    found = measure(np.array([1, 0, 0, 0]), np.ones(4), np.zeros(4, dtype=bool))
    assert (found.roc_auc, found.average_precision) == (0.5, 0.25)
    assert (found.precision, found.recall, found.f1) == (0.0, 0.0, 0.0)


def test_precision_at_k_is_given_for_each_k_that_there_are_rows_for() -> None:
    labels = np.zeros(60, dtype=np.int64)
    labels[:5] = 1
    found = measure(labels, -np.arange(60.0), labels == 1)
    assert found.precision_at == {"10": 0.5, "50": 0.1}
    assert set(found.to_dict()) == {"roc_auc", "average_precision", "precision", "recall", "f1", "precision_at"}


@pytest.mark.parametrize("label", [0, 1])
def test_labels_of_one_kind_are_refused(label: int) -> None:
    with pytest.raises(DataError, match="both anomalies and normal rows"):
        measure(np.full(5, label), np.arange(5.0), np.zeros(5, dtype=bool))


def test_the_highest_scores_are_the_top_rows_and_of_equals_the_earlier() -> None:
    assert top_rows(np.array([1.0, 3.0, 2.0, 3.0, 3.0]), 2).tolist() == [False, True, False, True, False]
    assert not top_rows(np.ones(3), 0).any()
    assert top_rows(np.ones(3), 9).all()
