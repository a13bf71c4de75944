"""Measures of quality: the same as scikit-learn's, and as counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, log_loss, precision_score, recall_score, roc_auc_score

from anomalist.engine.evaluation.measures import log_losses, measure, precision_at, top_rows
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


@pytest.mark.parametrize("rows", [2, 30, 1_000])
def test_losses_of_probabilities_agree_with_scikit_learn(rows: int) -> None:
    rng = np.random.default_rng(rows)
    probabilities = rng.random(rows)
    labels = (rng.random(rows) < probabilities).astype(np.int64)
    labels[:2] = [0, 1]
    assert log_losses(labels, probabilities).mean() == pytest.approx(log_loss(labels, probabilities))


def test_a_wrong_certainty_costs_much_but_not_everything() -> None:
    losses = log_losses(np.array([1, 1, 0]), np.array([1.0, 0.0, 0.0]))
    assert losses[0] == losses[2] == 0.0
    assert 30 < losses[1] < 40


def test_precision_at_k_shares_a_tie_at_the_border_out() -> None:
    labels, scores = np.array([1, 0, 1, 0, 0]), np.array([9.0, 5.0, 5.0, 5.0, 1.0])
    found = [precision_at(labels, scores, k) for k in (1, 2, 3, 4, 5)]
    assert found == pytest.approx([1.0, (1 + 1 / 3) / 2, (1 + 2 / 3) / 3, 2 / 4, 2 / 5])


@pytest.mark.parametrize("k", [0, 4])
def test_precision_at_a_k_that_there_are_no_rows_for_is_refused(k: int) -> None:
    with pytest.raises(DataError, match=f"k from 1 to the 3 labelled rows, got {k}"):
        precision_at(np.array([1, 0, 0]), np.arange(3.0), k)


@pytest.mark.parametrize("bad", [[0.5, 1.2], [0.5, float("nan")], [-0.1, 0.5], [0.5], []])
def test_what_is_no_probability_is_refused(bad: list[float]) -> None:
    with pytest.raises(DataError, match="each of 2 labelled rows needs a probability between 0 and 1"):
        log_losses(np.array([0, 1]), np.array(bad))
