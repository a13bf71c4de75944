from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score

from anomalist.data.dataset import Dataset
from anomalist.detector import Detector, Explainable
from anomalist.errors import NotFittedError, ParameterError, SchemaMismatchError
from anomalist_plugins.gmm.detector import GaussianMixture


def clusters(rows: int = 600, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centers = np.array([[0, 0, 0], [8, 0, 0], [0, 8, 4]])
    return centers[rng.integers(3, size=rows)] + rng.normal(size=(rows, 3))


def test_one_cloud_without_trimming_is_the_gaussian_density():
    values = np.random.default_rng(0).normal(size=(400, 3)) @ np.diag([1.0, 2.0, 0.5])
    data = Dataset.from_array(values)
    detector = GaussianMixture(clouds=1, trim=0.0, ridge=0.0).fit(data)
    exact = data.values.astype(float)
    density = multivariate_normal(exact.mean(0), np.cov(exact.T, bias=True))
    np.testing.assert_allclose(detector.score(data), -density.logpdf(exact), rtol=1e-5)


def test_it_sees_the_space_between_clusters():
    values = np.vstack([clusters(), [[4.0, 2.0, 0.0]]])
    data = Dataset.from_array(values)
    assert GaussianMixture(ridge=0.01).fit(data).score(data).argmax() == 600


def test_a_wild_minority_gets_no_cloud():
    rng = np.random.default_rng(0)
    values = np.vstack([rng.normal(size=(900, 3)), rng.normal(9, 0.3, size=(100, 3))])
    data, wild = Dataset.from_array(values), np.arange(1000) >= 900
    assert roc_auc_score(wild, GaussianMixture().fit(data).score(data)) > 0.99
    assert roc_auc_score(wild, GaussianMixture(trim=0.0).fit(data).score(data)) < 0.9


def test_on_real_data():
    values, benign = load_breast_cancer(return_X_y=True)
    rows = np.r_[np.flatnonzero(benign), np.flatnonzero(benign == 0)[:30]]
    data = Dataset.from_array((values[rows] - values[rows].mean(0)) / values[rows].std(0))
    assert roc_auc_score(1 - benign[rows], GaussianMixture().fit(data).score(data)) > 0.9


@pytest.mark.parametrize(
    "values",
    [
        np.ones((1, 1)),
        np.ones((50, 3)),
        np.arange(70.0)[:, None],
        np.column_stack([np.arange(90.0), np.arange(90.0), np.zeros(90)]),
        np.random.default_rng(0).normal(size=(60, 200)),
        np.repeat(np.random.default_rng(0).normal(size=(5, 2)), 20, axis=0),
        np.eye(30, 700),
    ],
    ids=["one row", "constant", "one column", "collinear", "wide", "duplicates", "700 columns"],
)
def test_odd_shapes(values):
    data = Dataset.from_array(values)
    detector = GaussianMixture(steps=5).fit(data)
    assert detector.score(data).shape == (len(values),)
    assert np.isfinite(detector.score(data)).all()
    assert np.isfinite(detector.contributions(data)).all()


def test_contributions_point_at_the_column():
    values = clusters()
    values[3, 2] += 30.0
    data = Dataset.from_array(values)
    part = GaussianMixture().fit(data).contributions(data)
    assert part.shape == values.shape
    assert (part >= 0).all()
    assert part[3].argmax() == 2


def test_a_row_alone_the_saved_state_and_the_seed():
    data = Dataset.from_array(clusters(3000))
    detector = GaussianMixture(rows=500).fit(data)
    score = detector.score(data)
    np.testing.assert_allclose(detector.score(data.take(slice(5, 6))), score[5:6], rtol=1e-9)
    again = GaussianMixture(rows=500).restore(detector.state())
    assert np.array_equal(again.score(data), score)
    assert again.notes == detector.notes == ("trained on 500 of 3,000 rows, drawn at random (rows=500)",)
    assert np.array_equal(GaussianMixture(rows=500).fit(data).score(data), score)
    assert not np.array_equal(GaussianMixture(rows=500, seed=1).fit(data).score(data), score)


def test_few_rows_for_their_columns_get_fewer_clouds():
    data = Dataset.from_array(np.random.default_rng(0).normal(size=(50, 4)))
    detector = GaussianMixture().fit(data)
    assert detector.state()["means"].shape == (1, 4)
    assert detector.notes == ("1 instead of 3 clouds: 50 rows of 4 columns",)


def test_rows_that_are_known_to_be_normal_get_more_clouds():
    data = Dataset.from_array(np.random.default_rng(0).normal(size=(200, 1)))
    assert GaussianMixture(trim=0.0).fit(data).state()["means"].shape == (8, 1)
    assert GaussianMixture(trim=0.0, clouds=2).fit(data).state()["means"].shape == (2, 1)
    few = GaussianMixture(trim=0.0).fit(data.take(slice(0, 50)))
    assert few.notes == ("5 instead of 8 clouds: 50 rows of 1 columns",)


@pytest.mark.parametrize(
    "wrong", [{"clouds": 0}, {"trim": 0.5}, {"ridge": -1.0}, {"steps": 0}, {"tol": -1.0}, {"rows": 1}, {"seed": -1}]
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ParameterError, match=f"{next(iter(wrong))} must be"):
        GaussianMixture(**wrong)


def test_use_before_fit_and_another_width_are_refused():
    data = Dataset.from_array(clusters(90))
    with pytest.raises(NotFittedError, match="not fitted"):
        GaussianMixture().score(data)
    with pytest.raises(NotFittedError, match="not fitted"):
        GaussianMixture().state()
    with pytest.raises(SchemaMismatchError, match="fitted on 3 columns, got 2"):
        GaussianMixture().fit(data).score(Dataset.from_array(np.ones((5, 2))))


def test_it_has_the_roles_it_says():
    assert isinstance(GaussianMixture(), Detector)
    assert isinstance(GaussianMixture(), Explainable)
