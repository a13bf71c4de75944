"""What trials are judged by: labels, or consensus and copies with swapped values."""

from __future__ import annotations

import numpy as np
import pytest

from anomalist.data.dataset import Dataset
from anomalist.engine.evaluation.measures import measure
from anomalist.engine.tuning.judge import ByConsensus, ByLabels
from anomalist.engine.tuning.splits import Fold
from anomalist.errors import DetectorError

RNG = np.random.default_rng(0)
LINE = RNG.normal(size=300)
DATA = Dataset.from_array(np.column_stack([LINE, LINE, -LINE]))
FOLDS = (Fold(fit=np.arange(200), judge=np.arange(200, 300)),)
CONSENSUS = RNG.permutation(300).astype(np.float64)


def test_labels_judge_only_rows_that_have_one() -> None:
    truth = np.full(300, -1)
    truth[200:260] = 0
    truth[200:210] = 1
    judge = ByLabels(data=DATA, folds=FOLDS, known=truth >= 0, truth=truth, metric="roc_auc")
    (paper,) = judge.papers(0)
    assert np.array_equal(paper.values, DATA.values[200:])
    scores = RNG.normal(size=100)
    wanted = measure(truth[200:260], scores[:60], np.zeros(60, dtype=bool)).roc_auc
    assert judge.value(0, [scores]) == wanted
    assert judge.name == "roc_auc"


def test_copies_have_some_values_of_other_rows() -> None:
    judge = ByConsensus.of(DATA, FOLDS, CONSENSUS, series=False, seed=0)
    rows, copies = judge.papers(0)
    changed = copies.values != rows.values
    assert changed.any(axis=1).mean() > 0.95  # a swap may bring the value that was there
    assert 0.3 < changed.mean() < 0.6
    assert np.isin(copies.values[changed], DATA.values[:200]).all()


def test_a_score_that_agrees_and_separates_is_worth_more() -> None:
    judge = ByConsensus.of(DATA, FOLDS, CONSENSUS, series=False, seed=0)
    consensus = CONSENSUS[200:]
    low, high = consensus, consensus + 1000.0
    assert judge.value(0, [low, high]) == pytest.approx(1.0)
    assert judge.value(0, [low, low]) == pytest.approx(0.5)
    assert judge.value(0, [-low, -low]) < 0.1
    noise = RNG.normal(size=100)
    assert judge.value(0, [-low, -high]) < judge.value(0, [noise, noise]) < judge.value(0, [low, low])


def test_a_series_is_judged_by_agreement_alone() -> None:
    judge = ByConsensus.of(DATA, FOLDS, CONSENSUS, series=True, seed=0)
    assert len(judge.papers(0)) == 1
    assert judge.value(0, [CONSENSUS[200:]]) == 1.0


def test_one_score_for_all_rows_is_a_failure() -> None:
    judge = ByConsensus.of(DATA, FOLDS, CONSENSUS, series=True, seed=0)
    with pytest.raises(DetectorError, match="all rows the same score"):
        judge.value(0, [np.ones(100)])
