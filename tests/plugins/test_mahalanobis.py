from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from scipy.stats import chi2
from sklearn.datasets import load_wine
from sklearn.metrics import roc_auc_score

from anomalist.data.dataset import Dataset
from anomalist.detector import Detector, Explainable
from anomalist.errors import NotFittedError, ParameterError, SchemaMismatchError
from anomalist_plugins.mahalanobis.covariance import trimmed_covariance, whitener
from anomalist_plugins.mahalanobis.detector import Mahalanobis


def cloud(rows: int = 500, columns: int = 4, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    return Dataset.from_array(rng.normal(size=(rows, columns)) @ rng.normal(size=(columns, columns)))


def test_without_trimming_it_is_the_textbook_distance_up_to_its_unit():
    data = cloud()
    score = Mahalanobis(trim=0.0, shrinkage=0.0).fit(data).score(data)
    values = data.values.astype(float)
    inverse = np.linalg.inv(np.cov(values.T, bias=True))
    expected = np.array([mahalanobis(row, values.mean(0), inverse) for row in values])
    np.testing.assert_allclose(score / np.median(score), expected / np.median(expected), rtol=1e-5)


def test_a_gaussian_bulk_scores_in_standard_deviations():
    data = cloud(4000, 4)
    score = Mahalanobis().fit(data).score(data)
    assert (score**2 > chi2.ppf(0.95, 4)).mean() == pytest.approx(0.05, abs=0.02)


def test_a_fifth_of_wild_rows_does_not_hide_itself():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(500, 5))
    values[:100] = rng.normal(6, 0.5, size=(100, 5)) * [1, -1, 1, -1, 1]
    data, wild = Dataset.from_array(values), np.arange(500) < 100
    assert roc_auc_score(wild, Mahalanobis().fit(data).score(data)) == 1.0
    assert Mahalanobis(trim=0.0).fit(data).score(data)[wild].mean() < Mahalanobis().fit(data).score(data)[wild].mean()


def test_it_finds_a_broken_correlation():
    rng = np.random.default_rng(0)
    first = rng.normal(size=300)
    values = np.column_stack([first, first + 0.1 * rng.normal(size=300)])
    values[17] = [1.0, -1.0]
    data = Dataset.from_array(values)
    assert Mahalanobis().fit(data).score(data).argmax() == 17


def test_on_real_data():
    values, kind = load_wine(return_X_y=True)
    rows = np.r_[np.flatnonzero(kind != 2), np.flatnonzero(kind == 2)[:10]]
    data = Dataset.from_array((values[rows] - values[rows].mean(0)) / values[rows].std(0))
    assert roc_auc_score(kind[rows] == 2, Mahalanobis().fit(data).score(data)) > 0.85


@pytest.mark.parametrize(
    "values",
    [
        np.ones((1, 1)),
        np.ones((1, 3)),
        np.ones((20, 3)),
        np.arange(7.0)[:, None],
        np.column_stack([np.arange(30.0), np.arange(30.0), np.zeros(30)]),
        np.random.default_rng(0).normal(size=(60, 200)),
        np.repeat(np.random.default_rng(0).normal(size=(5, 2)), 20, axis=0),
        np.column_stack([np.r_[np.zeros(99), 1.0], np.arange(100.0)]),
    ],
    ids=["one value", "one row", "constant", "one column", "collinear", "wide", "duplicates", "rare level"],
)
def test_odd_shapes(values):
    data = Dataset.from_array(values)
    detector = Mahalanobis().fit(data)
    assert detector.score(data).shape == (len(values),)
    assert np.isfinite(detector.score(data)).all()
    assert np.isfinite(detector.contributions(data)).all()


def test_1500_columns():
    data = Dataset.from_array(np.random.default_rng(0).integers(0, 2, size=(120, 1500)))
    assert np.isfinite(Mahalanobis(steps=2).fit(data).score(data)).all()


def test_contributions_add_up_and_point_at_the_column():
    values = cloud().values.astype(float)
    values[3, 2] += 40.0
    data = Dataset.from_array(values)
    detector = Mahalanobis().fit(data)
    part = detector.contributions(data)
    assert (part >= 0).all()
    np.testing.assert_allclose(part.sum(axis=1), detector.score(data) ** 2, rtol=1e-9)
    assert part[3].argmax() == 2


def test_the_whitener_whitens():
    _, covariance, _ = trimmed_covariance(cloud().values.astype(float), trim=0.25, shrinkage=None, steps=10)
    matrix = whitener(covariance)
    np.testing.assert_allclose(matrix @ covariance @ matrix.T, np.eye(4), atol=1e-8)


def test_a_row_alone_the_saved_state_and_the_seed():
    data = cloud(3000, 6)
    detector = Mahalanobis(rows=500).fit(data)
    score = detector.score(data)
    np.testing.assert_allclose(detector.score(data.take(slice(5, 6))), score[5:6], rtol=1e-9)
    assert np.array_equal(Mahalanobis().restore(detector.state()).score(data), score)
    assert np.array_equal(Mahalanobis(rows=500).fit(data).score(data), score)
    assert not np.array_equal(Mahalanobis(rows=500, seed=1).fit(data).score(data), score)
    assert detector.notes == ("trained on 500 of 3,000 rows, drawn at random (rows=500)",)


@pytest.mark.parametrize("wrong", [{"trim": 0.6}, {"shrinkage": 1.5}, {"steps": 0}, {"rows": 1}, {"seed": -1}])
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ParameterError, match=f"{next(iter(wrong))} must be"):
        Mahalanobis(**wrong)


def test_use_before_fit_and_another_width_are_refused():
    with pytest.raises(NotFittedError, match="not fitted"):
        Mahalanobis().score(cloud())
    with pytest.raises(NotFittedError, match="not fitted"):
        Mahalanobis().state()
    with pytest.raises(SchemaMismatchError, match="fitted on 4 columns, got 3"):
        Mahalanobis().fit(cloud()).score(cloud(columns=3))


def test_it_has_the_roles_it_says():
    assert isinstance(Mahalanobis(), Detector)
    assert isinstance(Mahalanobis(), Explainable)
