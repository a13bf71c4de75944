from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score

from anomalist.data.dataset import Dataset
from anomalist.detector import Detector, Explainable
from anomalist.errors import NotFittedError, ParameterError, SchemaMismatchError
from anomalist_plugins.knn.detector import KNearestNeighbours
from anomalist_plugins.knn.neighbours import choose_index


def cloud(rows: int = 200, columns: int = 4, seed: int = 0) -> Dataset:
    return Dataset.from_array(np.random.default_rng(seed).normal(size=(rows, columns)))


@pytest.mark.parametrize(
    ("metric", "scipy_metric"),
    [("euclidean", "euclidean"), ("manhattan", "cityblock"), ("chebyshev", "chebyshev"), ("minkowski", "minkowski")],
)
@pytest.mark.parametrize("index", ["kd_tree", "ball_tree", "brute"])
def test_distances_are_those_to_the_nearest_others(metric, scipy_metric, index):
    data = cloud()
    options = {"p": 3.0} if metric == "minkowski" else {}
    apart = cdist(data.values.astype(float), data.values.astype(float), scipy_metric, **options)
    np.fill_diagonal(apart, np.inf)
    near = np.sort(apart, axis=1)[:, :5]
    for aggregate, expected in {"mean": near.mean(1), "median": near[:, 2], "max": near[:, 4]}.items():
        detector = KNearestNeighbours(
            neighbours=5, trim=0.0, aggregate=aggregate, metric=metric, index=index, **options
        )
        np.testing.assert_allclose(detector.fit(data).score(data), expected, rtol=1e-6)


def test_a_new_row_uses_all_its_neighbours():
    data, new = cloud(), cloud(10, seed=1)
    near = np.sort(cdist(new.values.astype(float), data.values.astype(float)), axis=1)[:, :5]
    np.testing.assert_allclose(KNearestNeighbours(neighbours=5, trim=0.0).fit(data).score(new), near.mean(1), rtol=1e-6)


def test_one_exact_copy_is_left_out_for_every_row_alike():
    values = np.vstack([np.zeros((3, 2)), cloud(50, 2).values])
    data = Dataset.from_array(values)
    detector = KNearestNeighbours(neighbours=2).fit(data)
    copy = Dataset.from_array(np.zeros((1, 2)))
    assert detector.score(data)[:3].tolist() == [0.0, 0.0, 0.0]
    assert detector.score(copy)[0] == 0.0
    once = Dataset.from_array(values[2:])
    detector.fit(once)
    assert detector.score(once)[0] == detector.score(copy)[0] > 0


@pytest.mark.parametrize("columns", [2, 30])
def test_one_row_alone_scores_as_in_a_batch(columns):
    data = Dataset.from_array(np.repeat(cloud(600, columns).values, 2, axis=0) * 1000)
    detector = KNearestNeighbours().fit(data)
    alone = [detector.score(data.take(slice(i, i + 1)))[0] for i in (0, 700, 1199)]
    np.testing.assert_allclose(alone, detector.score(data)[[0, 700, 1199]], rtol=1e-9)


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30], ids=["tiny", "usual", "huge"])
@pytest.mark.parametrize("offset", [0.0, 1000.0], ids=["centred", "far from zero"])
def test_brute_force_finds_the_nearest_whatever_the_size_and_the_place(size, offset):
    rng = np.random.default_rng(0)
    values = (offset + np.vstack([rng.normal(size=(1500, 12)), rng.normal(0, 50, size=(5, 12))])) * size
    data = Dataset.from_array(values)
    near = np.sort(cdist(data.values.astype(float), data.values.astype(float)), axis=1)[:, 1:11]
    score = KNearestNeighbours(neighbours=10, trim=0.0, index="brute").fit(data).score(data)
    np.testing.assert_allclose(score, near.mean(1), rtol=1e-9)


def test_brute_force_tells_many_copies_apart():
    rng = np.random.default_rng(0)
    values = np.vstack([rng.integers(0, 3, size=(1900, 2)), rng.normal(1, 1e-3, size=(100, 2)), [[40.0, 40.0]]])
    data = Dataset.from_array(values)
    near = np.sort(cdist(data.values.astype(float), data.values.astype(float)), axis=1)[:, 1:21]
    detector = KNearestNeighbours(neighbours=20, trim=0.0, index="brute", rows=5000).fit(data)
    np.testing.assert_allclose(detector.score(data), near.mean(1), rtol=1e-9)
    np.testing.assert_allclose(detector.contributions(data).sum(axis=1), near.mean(1), rtol=1e-9)


def test_more_rows_than_the_reference_takes_are_sampled_and_noted():
    data = cloud(3000, 3)
    detector = KNearestNeighbours(rows=400).fit(data)
    assert detector.state()["reference"].shape == (300, 3)
    assert detector.notes == ("trained on 400 of 3,000 rows, drawn at random (rows=400)",)
    assert np.array_equal(KNearestNeighbours(rows=400).fit(data).score(data), detector.score(data))
    assert not np.array_equal(KNearestNeighbours(rows=400, seed=1).fit(data).score(data), detector.score(data))


def test_the_farthest_rows_are_no_reference():
    rng = np.random.default_rng(0)
    data = Dataset.from_array(np.vstack([rng.normal(size=(900, 3)), rng.normal(8, 3, size=(100, 3))]))
    assert KNearestNeighbours().fit(data).state()["reference"].max() < 8
    wild = np.arange(1000) >= 900
    assert roc_auc_score(wild, KNearestNeighbours().fit(data).score(data)) == 1.0
    assert roc_auc_score(wild, KNearestNeighbours(trim=0.0).fit(data).score(data)) < 1.0


def test_without_trimming_it_looks_more_closely():
    data = cloud(3000, 3)
    assert len(KNearestNeighbours(trim=0.0).fit(data).state()["reference"]) == 3000
    assert len(KNearestNeighbours().fit(data).state()["reference"]) == 1950
    fine, same = KNearestNeighbours(trim=0.0), KNearestNeighbours(trim=0.0, neighbours=2, rows=10_000)
    np.testing.assert_array_equal(fine.fit(data).score(data), same.fit(data).score(data))


def test_groups_of_anomalies_are_found_by_more_neighbours():
    rng = np.random.default_rng(0)
    data = Dataset.from_array(np.vstack([rng.normal(size=(990, 3)), rng.normal(8, 0.01, size=(10, 3))]))
    wild = np.arange(1000) >= 990
    assert roc_auc_score(wild, KNearestNeighbours(neighbours=20, trim=0.0).fit(data).score(data)) == 1.0
    assert roc_auc_score(wild, KNearestNeighbours(neighbours=5, trim=0.0).fit(data).score(data)) < 0.1


def test_on_real_data():
    values, benign = load_breast_cancer(return_X_y=True)
    rows = np.r_[np.flatnonzero(benign), np.flatnonzero(benign == 0)[:30]]
    data = Dataset.from_array((values[rows] - values[rows].mean(0)) / values[rows].std(0))
    assert roc_auc_score(1 - benign[rows], KNearestNeighbours().fit(data).score(data)) > 0.9


@pytest.mark.parametrize(
    "values",
    [np.ones((1, 1)), np.ones((20, 3)), np.arange(3.0)[:, None], np.eye(40, 1500), np.zeros((2, 1))],
    ids=["one row", "constant", "fewer rows than neighbours", "1,500 columns", "two equal rows"],
)
@pytest.mark.parametrize("metric", ["euclidean", "chebyshev"])
def test_odd_shapes(values, metric):
    data = Dataset.from_array(values)
    detector = KNearestNeighbours(metric=metric).fit(data)
    score = detector.score(data)
    assert score.shape == (len(values),)
    assert np.isfinite(score).all()
    np.testing.assert_allclose(detector.contributions(data).sum(axis=1), score, atol=1e-9)


def test_a_single_reference_row_measures_others():
    detector = KNearestNeighbours().fit(Dataset.from_array(np.zeros((1, 1))))
    assert detector.score(Dataset.from_array(np.array([[3.0], [0.0]]))).tolist() == [3.0, 0.0]
    assert detector.notes == ("1 neighbours instead of 20: no more rows",)


@pytest.mark.parametrize("aggregate", ["mean", "median", "max"])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
def test_contributions_add_up_and_point_at_the_column(aggregate, metric):
    values = cloud().values.copy()
    values[3, 2] = 30.0
    data = Dataset.from_array(values)
    detector = KNearestNeighbours(aggregate=aggregate, metric=metric, neighbours=4).fit(data)
    part = detector.contributions(data)
    assert (part >= 0).all()
    np.testing.assert_allclose(part.sum(axis=1), detector.score(data), rtol=1e-9)
    assert part[3].argmax() == 2


@pytest.mark.parametrize("metric", ["euclidean", "chebyshev"])
def test_a_saved_state_scores_the_same(metric):
    data = cloud()
    detector = KNearestNeighbours(metric=metric, neighbours=7).fit(data)
    again = KNearestNeighbours(metric=metric, neighbours=7).restore(detector.state())
    assert np.array_equal(again.score(data), detector.score(data))
    assert again.notes == detector.notes


def test_the_index_suits_size_and_width():
    assert choose_index(500_000, 3) == "kd_tree"
    assert choose_index(500, 8) == "brute"
    assert choose_index(100, 1500) == "brute"


@pytest.mark.parametrize(
    "wrong",
    [
        {"neighbours": 0},
        {"aggregate": "sum"},
        {"metric": "cosine"},
        {"p": 0.5},
        {"p": 21.0},
        {"rows": 1},
        {"index": "tree"},
        {"seed": -1},
    ],
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ParameterError, match=f"{next(iter(wrong))} must be"):
        KNearestNeighbours(**wrong)


def test_use_before_fit_and_another_width_are_refused():
    with pytest.raises(NotFittedError, match="not fitted"):
        KNearestNeighbours().score(cloud())
    with pytest.raises(NotFittedError, match="not fitted"):
        KNearestNeighbours().state()
    with pytest.raises(SchemaMismatchError, match="fitted on 4 columns, got 3"):
        KNearestNeighbours().fit(cloud()).score(cloud(columns=3))


def test_it_has_the_roles_it_says():
    assert isinstance(KNearestNeighbours(), Detector)
    assert isinstance(KNearestNeighbours(), Explainable)
