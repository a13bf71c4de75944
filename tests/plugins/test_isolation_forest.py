from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import IsolationForest as Reference
from sklearn.metrics import roc_auc_score

from anomalist.data.dataset import Dataset
from anomalist.detector import Detector, Explainable
from anomalist.errors import NotFittedError, ParameterError, SchemaMismatchError
from anomalist_plugins.isolation_forest.detector import IsolationForest
from anomalist_plugins.isolation_forest.forest import Forest, average_path, round_down


def cloud(rows: int = 500, columns: int = 5, seed: int = 0) -> Dataset:
    return Dataset.from_array(np.random.default_rng(seed).normal(size=(rows, columns)))


@pytest.mark.parametrize(("subsample", "columns"), [(256, 1.0), (64, 0.5), (600, 1.0), (5, 1.0)])
def test_the_walk_gives_the_path_lengths_of_scikit_learns_own(subsample, columns):
    data = cloud(1000)
    reference = Reference(n_estimators=20, max_samples=subsample, max_features=columns, random_state=0).fit(data.values)
    grown = [(e.tree_, seen) for e, seen in zip(reference.estimators_, reference.estimators_features_, strict=True)]
    forest = Forest.lay_out(grown, max(3, int(np.ceil(np.log2(subsample)))))
    score = np.exp2(-forest.path_lengths(data.values) / average_path(np.array([float(subsample)]))[0])
    np.testing.assert_allclose(score, -reference.score_samples(data.values), rtol=1e-12)


def test_as_good_as_scikit_learn():
    values, benign = load_breast_cancer(return_X_y=True)
    data = Dataset.from_array((values - values.mean(0)) / values.std(0))
    ours = IsolationForest().fit(data).score(data)
    theirs = -Reference(n_estimators=200, random_state=0).fit(data.values).score_samples(data.values)
    assert roc_auc_score(1 - benign, ours) > roc_auc_score(1 - benign, theirs) - 0.02


def test_one_row_alone_scores_as_in_a_batch():
    data = cloud(9000, 3)
    detector = IsolationForest(trees=30).fit(data)
    score = detector.score(data)
    alone = [detector.score(data.take(slice(i, i + 1)))[0] for i in (0, 4000, 8999)]
    np.testing.assert_allclose(alone, score[[0, 4000, 8999]], rtol=1e-12)


def test_a_saved_state_scores_the_same():
    data = cloud()
    detector = IsolationForest(trees=25).fit(data)
    state = detector.state()
    assert all(isinstance(v, np.ndarray | int | float | str | list) for v in state.values())
    assert np.array_equal(IsolationForest(trees=25).restore(state).score(data), detector.score(data))


def test_the_seed_decides_everything():
    data = cloud()
    first, again, other = (IsolationForest(trees=10, seed=s).fit(data).score(data) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    "values",
    [np.ones((1, 1)), np.ones((20, 3)), np.zeros((2, 1)), np.arange(7.0)[:, None], np.eye(300, 1500)],
    ids=["one row", "constant", "two equal rows", "one column", "1,500 columns"],
)
def test_odd_shapes(values):
    data = Dataset.from_array(values)
    score = IsolationForest(trees=20).fit(data).score(data)
    assert score.shape == (len(values),)
    assert np.isfinite(score).all()
    assert (score > 0).all()
    assert (score <= 1).all()


def test_a_copy_of_a_row_scores_like_the_row():
    data = Dataset.from_array(np.repeat(np.random.default_rng(0).normal(size=(40, 2)), 10, axis=0))
    score = IsolationForest(trees=20).fit(data).score(data).reshape(40, 10)
    assert np.array_equal(score, np.repeat(score[:, :1], 10, axis=1))


def test_contributions_add_up_and_point_at_the_column():
    values = np.random.default_rng(0).normal(size=(800, 6))
    values[7, 4] = 9.0
    data = Dataset.from_array(values)
    detector = IsolationForest(trees=50).fit(data)
    part = detector.contributions(data)
    assert part.shape == values.shape
    assert (part >= 0).all()
    assert part[7].argmax() == 4
    forest = detector._forest
    shortened = forest.expected[:, 0].mean() - forest.path_lengths(data.values)
    np.testing.assert_allclose(forest.credits(data.values).sum(axis=1), shortened, atol=1e-9)


def test_every_parameter_matters():
    data = cloud(600)
    plain = IsolationForest(trees=10).fit(data).score(data)
    changes = ({"trees": 11}, {"subsample": 32}, {"columns": 0.4}, {"depth": 4}, {"replace": True}, {"depth": 12})
    for change in changes:
        assert not np.array_equal(plain, IsolationForest(**{"trees": 10, **change}).fit(data).score(data)), change


@pytest.mark.parametrize(
    "wrong", [{"trees": 0}, {"subsample": 1}, {"columns": 0}, {"columns": 1.1}, {"depth": 13}, {"seed": -1}]
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ParameterError, match=f"{next(iter(wrong))} must be"):
        IsolationForest(**wrong)


def test_use_before_fit_and_another_width_are_refused():
    with pytest.raises(NotFittedError, match="not fitted"):
        IsolationForest().score(cloud())
    with pytest.raises(NotFittedError, match="not fitted"):
        IsolationForest().state()
    with pytest.raises(SchemaMismatchError, match="fitted on 5 columns, got 4"):
        IsolationForest(trees=5).fit(cloud()).score(cloud(columns=4))


def test_a_sample_is_noted():
    assert IsolationForest(trees=5).fit(cloud(300)).notes == (
        "each of 5 trees trained on 256 of 300 rows, drawn at random (subsample=256)",
    )
    assert IsolationForest(trees=5).fit(cloud(200)).notes == ()


def test_thresholds_are_rounded_down():
    threshold = np.random.default_rng(0).normal(size=1000)
    rounded = round_down(threshold)
    assert (rounded <= threshold).all()
    assert (np.nextafter(rounded, np.float32(np.inf)) > threshold).all()


def test_it_has_the_roles_it_says():
    assert isinstance(IsolationForest(), Detector)
    assert isinstance(IsolationForest(), Explainable)
