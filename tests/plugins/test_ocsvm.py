from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.svm import OneClassSVM as Reference

from anomalist.data.dataset import Dataset
from anomalist.detector import Detector
from anomalist.errors import NotFittedError, ParameterError, SchemaMismatchError
from anomalist_plugins.ocsvm.detector import OneClassSVM
from anomalist_plugins.ocsvm.nystroem import fit_linear


def cloud(rows: int = 400, columns: int = 4, seed: int = 0) -> Dataset:
    return Dataset.from_array(np.random.default_rng(seed).normal(size=(rows, columns)))


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly", "sigmoid"])
def test_scores_are_scikit_learns_with_the_sign_turned(kernel):
    data, new = cloud(), cloud(150, seed=1)
    options = {"kernel": kernel, "gamma": 0.1, "nu": 0.3, "coef0": 0.5, "degree": 2}
    reference = Reference(**options).fit(data.values.astype(float))
    score = OneClassSVM(**options).fit(data).score(new)
    np.testing.assert_allclose(score, -reference.decision_function(new.values.astype(float)), atol=1e-8)


@pytest.mark.parametrize(("nu", "least"), [(0.8, 0.99), (0.5, 0.98)])
def test_the_approximation_ranks_like_the_exact_machine(nu, least):
    data = cloud(1500, 6)
    exact = OneClassSVM(nu=nu).fit(data)
    approximate = OneClassSVM(nu=nu, exact_rows=100, anchors=300).fit(data)
    assert spearmanr(exact.score(data), approximate.score(data))[0] > least
    assert (approximate.score(data) > 0).mean() == pytest.approx(nu, abs=0.02)
    assert exact.notes == ()
    assert approximate.notes == (
        "kernel approximated from 300 anchors (anchors=300); exact up to 100 rows (exact_rows=100)",
    )


def test_the_linear_solver_reaches_the_optimum():
    features = np.abs(np.random.default_rng(0).normal(1, 0.3, size=(300, 3)))
    weights, offset = fit_linear(features, np.eye(3), 0.3, 1e-6)
    reference = Reference(kernel="linear", nu=0.3, tol=1e-8).fit(features)
    expected = reference.coef_[0] / (0.3 * 300)
    np.testing.assert_allclose(weights, expected, rtol=0.02)
    assert offset == pytest.approx(-reference.intercept_[0] / (0.3 * 300), rel=0.02)


def test_many_rows_are_sampled_and_noted():
    data = cloud(3000, 3)
    detector = OneClassSVM(exact_rows=100, rows=1000, anchors=50).fit(data)
    assert detector.notes == (
        "trained on 1,000 of 3,000 rows, drawn at random (rows=1000)",
        "kernel approximated from 50 anchors (anchors=50); exact up to 100 rows (exact_rows=100)",
    )
    again = OneClassSVM(exact_rows=100, rows=1000, anchors=50).fit(data)
    assert np.array_equal(detector.score(data), again.score(data))
    other = OneClassSVM(exact_rows=100, rows=1000, anchors=50, seed=1).fit(data)
    assert not np.array_equal(detector.score(data), other.score(data))


@pytest.mark.parametrize("exact_rows", [5000, 0])
def test_on_real_data(exact_rows):
    values, benign = load_breast_cancer(return_X_y=True)
    rows = np.r_[np.flatnonzero(benign), np.flatnonzero(benign == 0)[:30]]
    data = Dataset.from_array((values[rows] - values[rows].mean(0)) / values[rows].std(0))
    score = OneClassSVM(exact_rows=exact_rows, anchors=200).fit(data).score(data)
    assert roc_auc_score(1 - benign[rows], score) > 0.9


def test_one_row_alone_scores_as_in_a_batch():
    data = cloud()
    detector = OneClassSVM().fit(data)
    score = detector.score(data)
    alone = [detector.score(data.take(slice(i, i + 1)))[0] for i in (0, 63, 64, 399)]
    np.testing.assert_allclose(alone, score[[0, 63, 64, 399]], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("exact_rows", [5000, 100])
@pytest.mark.parametrize("kernel", ["rbf", "poly"])
def test_a_saved_state_scores_the_same(kernel, exact_rows):
    data = cloud()
    options = {"kernel": kernel, "exact_rows": exact_rows, "anchors": 40}
    detector = OneClassSVM(**options).fit(data)
    again = OneClassSVM(**options).restore(detector.state())
    assert np.array_equal(again.score(data), detector.score(data))
    assert again.notes == detector.notes


@pytest.mark.parametrize(
    "values",
    [np.ones((1, 1)), np.ones((20, 3)), np.arange(3.0)[:, None], np.eye(40, 1500), np.zeros((2, 1))],
    ids=["one row", "constant", "one column", "1,500 columns", "two equal rows"],
)
@pytest.mark.parametrize("exact_rows", [5000, 0])
@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly", "sigmoid"])
def test_odd_shapes(values, exact_rows, kernel):
    data = Dataset.from_array(values)
    score = OneClassSVM(exact_rows=exact_rows, kernel=kernel).fit(data).score(data)
    assert score.shape == (len(values),)
    assert np.isfinite(score).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kernel": "cubic"},
        {"nu": 0.0},
        {"nu": 1.5},
        {"gamma": -1.0},
        {"degree": 0},
        {"tol": 0.0},
        {"cache_mb": 0},
        {"exact_rows": -1},
        {"rows": 0},
        {"anchors": 0},
        {"seed": -1},
    ],
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ParameterError, match=f"{next(iter(wrong))} must be"):
        OneClassSVM(**wrong)


def test_use_before_fit_and_another_width_are_refused():
    with pytest.raises(NotFittedError, match="not fitted"):
        OneClassSVM().score(cloud())
    with pytest.raises(NotFittedError, match="not fitted"):
        OneClassSVM().state()
    with pytest.raises(SchemaMismatchError, match="fitted on 4 columns, got 3"):
        OneClassSVM().fit(cloud()).score(cloud(columns=3))


def test_it_has_the_role_it_says():
    assert isinstance(OneClassSVM(), Detector)
