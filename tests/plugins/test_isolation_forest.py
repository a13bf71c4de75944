from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import IsolationForest as Reference
from sklearn.metrics import roc_auc_score

from anomalist.data.dataset import Dataset
from anomalist.detector import Detector, Explainable
from anomalist.errors import NotFittedError, ParameterError, SchemaMismatchError
from anomalist_plugins.isolation_forest.detector import IsolationForest
from anomalist_plugins.isolation_forest.forest import Forest, average_path
from anomalist_plugins.isolation_forest.growth import Grown, grow


def cloud(rows: int = 500, columns: int = 5, seed: int = 0) -> Dataset:
    return Dataset.from_array(np.random.default_rng(seed).normal(size=(rows, columns)))


def complete(trees: list[tuple[Any, np.ndarray]], levels: int) -> Grown:
    """scikit-learn's trees, each with the columns that it saw, as complete trees."""
    features = np.zeros((len(trees), 2**levels - 1), np.int32)
    thresholds = np.full(features.shape, np.inf, np.float32)
    rows, lengths = np.zeros((len(trees), 2 ** (levels + 1) - 1)), np.zeros((len(trees), 2**levels))
    for i, (tree, seen) in enumerate(trees):
        places = [(0, 0, 0.0)]  # place, node of scikit-learn's tree, cuts so far
        for place, node, cuts in places:
            rows[i, place] = tree.n_node_samples[node]
            inner = tree.children_left[node] >= 0
            if place >= 2**levels - 1:
                lengths[i, place - (2**levels - 1)] = cuts
                continue
            if inner:
                near, cut = np.float32(tree.threshold[node]), tree.threshold[node]
                features[i, place] = seen[tree.feature[node]]
                thresholds[i, place] = np.nextafter(near, np.float32(-np.inf)) if near > cut else near
            below = (tree.children_left[node], tree.children_right[node]) if inner else (node, node)
            places += [(2 * place + 1 + side, child, cuts + inner) for side, child in enumerate(below)]
    return Grown(features=features, thresholds=thresholds, rows=rows, lengths=lengths)


@pytest.mark.parametrize(("subsample", "columns"), [(256, 1.0), (64, 0.5), (600, 1.0), (5, 1.0)])
def test_the_walk_gives_the_path_lengths_of_scikit_learns_own(subsample, columns):
    data = cloud(1000)
    reference = Reference(n_estimators=20, max_samples=subsample, max_features=columns, random_state=0).fit(data.values)
    grown = [(e.tree_, seen) for e, seen in zip(reference.estimators_, reference.estimators_features_, strict=True)]
    forest = Forest.of(complete(grown, max(3, int(np.ceil(np.log2(subsample))))))
    score = np.exp2(-forest.path_lengths(data.values) / average_path(np.array([float(subsample)]))[0])
    np.testing.assert_allclose(score, -reference.score_samples(data.values), rtol=1e-12)


def test_scores_are_those_of_scikit_learns_forest_but_for_chance():
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.normal(size=(2000, 3)), rng.exponential(size=2000), rng.integers(0, 3, 2000)])
    data = Dataset.from_array(values)
    ours = IsolationForest(trees=300).fit(data).score(data)
    theirs, others = (
        -Reference(n_estimators=300, random_state=i).fit(data.values).score_samples(data.values) for i in (0, 1)
    )
    assert np.abs(ours - theirs).max() < 2 * np.abs(theirs - others).max()
    assert np.abs((ours - theirs).mean()) < 0.01


def test_every_row_is_in_one_leaf_and_cuts_leave_rows_on_both_sides():
    data = cloud(300, 4)
    rng = np.random.default_rng(0)
    grown = grow(data.values, trees=40, subsample=100, columns=2, replace=False, depth=6, levels=6, rng=rng)
    first = 2**6 - 1
    cut = np.isfinite(grown.thresholds)
    left, right = grown.rows[:, 1::2], grown.rows[:, 2::2]
    assert (grown.rows[:, 0] == 100).all()
    assert ((left + right)[cut] == grown.rows[:, :first][cut]).all()
    assert (np.minimum(left, right)[cut] > 0).all()
    assert (left == right)[~cut].all()
    assert (left[~cut] == grown.rows[:, :first][~cut]).all()
    assert all(len(np.unique(features[cuts])) <= 2 for features, cuts in zip(grown.features, cut, strict=True))
    assert grown.lengths.max() == 6


def test_columns_that_vary_are_cut_alike_however_many_do_not():
    values = np.zeros((64, 40))
    values[:, [3, 17, 30, 39]] = np.random.default_rng(0).normal(size=(64, 4))
    grown = grow(
        values.astype(np.float32),
        trees=2000,
        subsample=64,
        columns=40,
        replace=False,
        depth=1,
        levels=1,
        rng=np.random.default_rng(1),
    )
    found, count = np.unique(grown.features[:, 0], return_counts=True)
    assert found.tolist() == [3, 17, 30, 39]
    assert np.abs(count - 500).max() < 100


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


def test_it_has_the_roles_it_says():
    assert isinstance(IsolationForest(), Detector)
    assert isinstance(IsolationForest(), Explainable)
