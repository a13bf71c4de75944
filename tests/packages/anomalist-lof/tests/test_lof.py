"""The promises that every detector makes, and what this one promises besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from anomalist_lof.detector import Lof
from sklearn.neighbors import LocalOutlierFactor

from anomalist import Dataset
from anomalist.errors import DataError
from anomalist.testing import parametrize_with_checks

if TYPE_CHECKING:
    from anomalist.testing import Check


@parametrize_with_checks(["local_outliers"])
def test_conformance(check: Check) -> None:
    check()


def test_the_scores_are_those_of_scikit_learn() -> None:
    rows = np.random.default_rng(0).normal(size=(150, 3)).astype(np.float32)
    theirs = LocalOutlierFactor(n_neighbors=20, novelty=True).fit(np.unique(rows, axis=0)).score_samples(rows)
    assert Lof().fit(Dataset.from_array(rows)).score(Dataset.from_array(rows)) == pytest.approx(-theirs, rel=1e-4)


def test_a_row_between_a_dense_and_a_sparse_cluster_is_judged_by_the_nearer_one() -> None:
    rng = np.random.default_rng(0)
    rows = np.vstack([rng.normal(0, 0.1, size=(200, 2)), rng.normal(6, 2, size=(200, 2)), [[0.9, 0.9]]])
    data = Dataset.from_array(rows)
    assert Lof().fit(data).score(data).argmax() == 400


def test_rows_that_are_all_the_same_are_refused() -> None:
    with pytest.raises(DataError, match="local_outliers needs at least two rows that differ, got 1"):
        Lof().fit(Dataset.from_array(np.ones((30, 3))))
