"""Rows that are searched on, in folds, and rows that no trial sees."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from anomalist.engine.evaluation.labels import Labels
from anomalist.engine.tuning.splits import FOLDS, check_labels, folds_of, held_out
from anomalist.errors import DataError


def test_each_part_has_its_share_of_each_kind() -> None:
    strata = np.repeat([-1, 0, 1], [200, 700, 100])
    searched, rest = held_out(1000, strata=strata, time=None, seed=0)
    assert np.array_equal(np.sort(np.concatenate([searched, rest])), np.arange(1000))
    assert np.bincount(strata[rest] + 1).tolist() == [60, 210, 30]
    folds = folds_of(searched, strata=strata[searched], time=None, seed=0)
    assert np.array_equal(np.sort(np.concatenate([fold.judge for fold in folds])), searched)
    for fold in folds:
        assert np.array_equal(np.sort(np.concatenate([fold.fit, fold.judge])), searched)
        counts = np.bincount(strata[fold.judge] + 1)
        assert np.abs(counts * FOLDS - np.bincount(strata[searched] + 1)).max() < FOLDS


def test_the_same_seed_gives_the_same_parts() -> None:
    strata = np.zeros(50, dtype=np.int64)
    one, other, third = (held_out(50, strata=strata, time=None, seed=seed)[1].tolist() for seed in (1, 1, 2))
    assert one == other != third


def test_rows_with_a_time_are_cut_by_it() -> None:
    time = np.random.default_rng(0).permutation(90).astype(np.float64)
    strata = np.zeros(90, dtype=np.int64)
    searched, rest = held_out(90, strata=strata, time=time, seed=0)
    assert time[searched].max() < time[rest].min()
    folds = folds_of(searched, strata=strata[searched], time=time[searched], seed=0)
    assert all(time[fold.judge].max() < time[later.judge].min() for fold, later in itertools.pairwise(folds))


def test_too_few_labels_are_refused() -> None:
    labels = Labels(rows=np.arange(100), values=np.repeat([1, 0], [9, 91]), where="rows.csv: label column 'y'")
    with pytest.raises(DataError, match="10 anomalies and 10 normal rows are needed to search by, got 9 and 91"):
        check_labels(labels)
