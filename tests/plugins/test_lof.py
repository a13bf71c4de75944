from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor as Reference

from anomalist.data.dataset import Dataset
from anomalist.detector import Detector, Explainable
from anomalist.errors import NotFittedError, ParameterError, SchemaMismatchError
from anomalist_plugins.knn.lof import LocalOutlierFactor


def cloud(rows: int = 300, columns: int = 4, seed: int = 0) -> Dataset:
    return Dataset.from_array(np.random.default_rng(seed).normal(size=(rows, columns)))


@pytest.mark.parametrize("index", ["kd_tree", "ball_tree", "brute"])
@pytest.mark.parametrize("neighbours", [1, 5, 20])
def test_factors_are_those_of_scikit_learn(index, neighbours):
    data, new = cloud(), cloud(50, seed=1)
    detector = LocalOutlierFactor(neighbours=neighbours, index=index).fit(data)
    peer = Reference(n_neighbors=neighbours, novelty=True).fit(data.values)
    np.testing.assert_allclose(detector.score(data), -peer.negative_outlier_factor_, rtol=1e-4)
    np.testing.assert_allclose(detector.score(new), -peer.score_samples(new.values), rtol=1e-4)


def test_the_edge_of_a_dense_group_is_seen_beside_a_thin_one():
    rng = np.random.default_rng(0)
    rows = np.vstack([rng.normal(0, 0.05, size=(500, 2)), rng.normal(20, 5, size=(500, 2))])
    new = Dataset.from_array(np.vstack([rng.normal(20, 4, size=(50, 2)), [[0.6, 0.6]]]))
    assert int(LocalOutlierFactor().fit(Dataset.from_array(rows)).score(new).argmax()) == 50


def test_copies_leave_the_factors_finite():
    data = Dataset.from_array(np.vstack([np.zeros((40, 2)), cloud(60, 2).values]))
    score = LocalOutlierFactor(neighbours=5).fit(data).score(data)
    assert np.isfinite(score).all()
    assert score[:40].max() == pytest.approx(1.0)


def test_contributions_add_up_to_the_score():
    data = cloud(400, 5)
    detector = LocalOutlierFactor(rows=200).fit(data)
    np.testing.assert_allclose(detector.contributions(data).sum(axis=1), detector.score(data), rtol=1e-9)
    new = np.zeros((1, 5))
    new[0, 3] = 30.0
    assert int(detector.contributions(Dataset.from_array(new)).argmax()) == 3


def test_a_saved_state_scores_the_same():
    data = cloud()
    detector = LocalOutlierFactor(neighbours=7, rows=200).fit(data)
    again = LocalOutlierFactor(neighbours=7, rows=200).restore(detector.state())
    np.testing.assert_array_equal(again.score(data), detector.score(data))
    assert again.notes == detector.notes == ("trained on 200 of 300 rows, drawn at random (rows=200)",)


def test_one_row_alone_scores_as_in_a_batch():
    data = cloud(600, 30)
    detector = LocalOutlierFactor().fit(data)
    alone = [detector.score(data.take(slice(i, i + 1)))[0] for i in (0, 300, 599)]
    np.testing.assert_allclose(alone, detector.score(data)[[0, 300, 599]], rtol=1e-9)


@pytest.mark.parametrize(
    "values", [np.ones((1, 1)), np.ones((20, 3)), np.arange(3.0)[:, None], np.zeros((2, 1))], ids=str
)
def test_small_and_constant_tables(values):
    data = Dataset.from_array(values)
    assert np.isfinite(LocalOutlierFactor().fit(data).score(data)).all()


def test_new_rows_are_told_from_normal_ones():
    normal = cloud(500, 3)
    rng = np.random.default_rng(1)
    rows = Dataset.from_array(np.vstack([rng.normal(size=(90, 3)), rng.normal(5, 1, size=(10, 3))]))
    assert roc_auc_score(np.arange(100) >= 90, LocalOutlierFactor().fit(normal).score(rows)) > 0.99


@pytest.mark.parametrize(
    "wrong",
    [{"neighbours": 0}, {"metric": "cosine"}, {"p": 0.5}, {"rows": 1}, {"index": "tree"}, {"seed": -1}],
    ids=str,
)
def test_wrong_parameters_are_refused(wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        LocalOutlierFactor(**wrong)


def test_roles_and_order_of_calls():
    detector = LocalOutlierFactor()
    assert isinstance(detector, Detector)
    assert isinstance(detector, Explainable)
    with pytest.raises(NotFittedError):
        detector.score(cloud())
    with pytest.raises(NotFittedError):
        detector.state()
    with pytest.raises(SchemaMismatchError):
        detector.fit(cloud()).score(cloud(columns=3))
