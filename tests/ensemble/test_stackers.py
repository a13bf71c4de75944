"""Stackers: what every one of them promises, and how logistic and boosting keep it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.tree import DecisionTreeRegressor

from anomalist.ensemble.stack import Attributing, Evidence, Lesson, Uncertain
from anomalist.ensemble.stackers.boosting import Boosting
from anomalist.ensemble.stackers.consensus import Consensus
from anomalist.ensemble.stackers.gp import Gp
from anomalist.ensemble.stackers.logistic import Logistic, map_weights
from anomalist.ensemble.stackers.trees import Trees
from anomalist.errors import DetectorTimeoutError, NotFittedError, ParameterError
from tests.helpers import no_time_left

if TYPE_CHECKING:
    from collections.abc import Callable

    from anomalist.detector import Floats
    from anomalist.ensemble.stack import Stacker

EVERY = pytest.mark.parametrize("make", [Consensus, Logistic, Boosting, Gp])
LEARNING = pytest.mark.parametrize("make", [Logistic, Boosting, Gp])


def world(rows: int = 800, *, seed: int = 0, members: int = 4, columns: int = 5) -> tuple[Evidence, Floats]:
    """Rows of which a tenth is odd in one way, the anomalies, and a tenth in another, at which members cry louder."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, size=rows, p=[0.8, 0.1, 0.1])
    values = rng.normal(size=(rows, columns))
    values[kind == 1, 0] += 3.0
    values[kind == 2, 1] += 3.0
    surprises = rng.gamma(1.0, size=(rows, members)) + 2.0 * (kind == 2)[:, None]
    surprises[:, 0] += 3.0 * (kind == 1)
    rows_of = Evidence(
        consensus=surprises.mean(axis=1), surprises=surprises, columns=np.asarray(values, dtype=np.float32)
    )
    return rows_of, (kind == 1).astype(np.float64)


def lesson(count: int = 60, *, only: int | None = None, seed: int = 0) -> Lesson:
    """As an analyst answers whose questions come from the top half of the consensus."""
    rows, labels = world()
    odd = np.flatnonzero(rows.consensus > np.median(rows.consensus))
    asked = np.random.default_rng(seed).permutation(odd if only is None else odd[labels[odd] == only])[:count]
    return Lesson(judged=rows.take(asked), labels=labels[asked], background=rows, rate=0.05, seed=seed)


def quality(stacker: Stacker) -> float:
    rows, labels = world(seed=1)
    return float(average_precision_score(labels, stacker.log_odds(rows)))


def plain(value: Any) -> bool:
    """An array or what JSON holds."""
    if isinstance(value, dict):
        return all(isinstance(name, str) and plain(each) for name, each in value.items())
    if isinstance(value, list):
        return all(plain(each) for each in value)
    return value is None or type(value) in (bool, int, float, str, np.ndarray)


@EVERY
def test_without_verdicts_it_ranks_as_the_consensus_does(make: Callable[[], Stacker]) -> None:
    rows, _ = world(seed=2)
    found = make().fit(lesson(0)).log_odds(rows)
    assert found.shape == (len(rows),)
    np.testing.assert_array_equal(rankdata(found), rankdata(rows.consensus))


@EVERY
def test_the_share_of_anomalies_without_verdicts_is_the_one_expected(make: Callable[[], Stacker]) -> None:
    given = lesson(0)
    found = make().fit(given).log_odds(given.background)
    assert (1.0 / (1.0 + np.exp(-found))).mean() == pytest.approx(0.05, abs=0.002)


@EVERY
@pytest.mark.parametrize("only", [0, 1])
@pytest.mark.parametrize("count", [1, 4, 30])
def test_verdicts_of_one_kind_keep_it_near_the_consensus(make: Callable[[], Stacker], count: int, only: int) -> None:
    given = lesson(count, only=only)
    rows, _ = world(seed=2)
    found, without = make().fit(given), make().fit(given.without(np.arange(count)))
    assert np.isfinite(found.log_odds(rows)).all()
    assert np.corrcoef(found.log_odds(rows), rows.consensus)[0, 1] > 0.3
    change = (found.log_odds(given.judged) - without.log_odds(given.judged)).mean()
    assert change >= -1e-9 if only else change <= 1e-9


@LEARNING
def test_it_learns_what_the_analyst_calls_an_anomaly(make: Callable[[], Stacker]) -> None:
    consensus = quality(Consensus().fit(lesson(60)))
    assert quality(make().fit(lesson(60))) > consensus + 0.2


@EVERY
def test_a_row_gets_the_same_alone(make: Callable[[], Stacker]) -> None:
    stacker = make().fit(lesson())
    rows, _ = world(9_000, seed=2)  # more than one block
    some = [0, 17, 8_191, 8_192, 8_999]
    alone = [stacker.log_odds(rows.take(np.array([row])))[0] for row in some]
    np.testing.assert_allclose(stacker.log_odds(rows)[some], alone, rtol=1e-9, atol=1e-9)
    assert stacker.log_odds(rows.take(slice(0, 0))).shape == (0,)


@EVERY
def test_the_same_lesson_gives_the_same_numbers_and_leaves_numpy_alone(make: Callable[[], Stacker]) -> None:
    rows, _ = world(seed=2)
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - that nobody moved it is what is tested
    first, second = (make().fit(lesson(seed=3)).log_odds(rows) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002 - as above


@EVERY
@pytest.mark.parametrize("count", [0, 60])
def test_what_it_saves_is_plain_and_gives_the_same_numbers(make: Callable[[], Stacker], count: int) -> None:
    rows, _ = world(seed=2)
    stacker = make().fit(lesson(count))
    state = stacker.state()
    assert plain(dict(state))
    restored = make().restore(state)
    np.testing.assert_array_equal(restored.log_odds(rows), stacker.log_odds(rows))
    if isinstance(stacker, Uncertain) and isinstance(restored, Uncertain):
        np.testing.assert_allclose(restored.deviation(rows), stacker.deviation(rows), rtol=1e-9)
    if isinstance(stacker, Attributing) and isinstance(restored, Attributing):
        for got, expected in zip(restored.moved(rows), stacker.moved(rows), strict=True):
            np.testing.assert_array_equal(got, expected)


@EVERY
@pytest.mark.parametrize(("members", "columns"), [(1, 1), (1, 0), (3, 2)])
def test_small_and_constant_panels_will_do(make: Callable[[], Stacker], members: int, columns: int) -> None:
    rows, labels = world(200, members=members, columns=max(columns, 2))
    rows = Evidence(consensus=rows.consensus, surprises=rows.surprises, columns=rows.columns[:, :columns])
    flat = Evidence(
        consensus=np.ones(200), surprises=np.ones((200, members)), columns=np.zeros((200, columns), np.float32)
    )
    for background in (rows, flat):
        given = Lesson(judged=background.take(slice(0, 40)), labels=labels[:40], background=background)
        assert np.isfinite(make().fit(given).log_odds(background)).all()


@EVERY
def test_contradictions_and_far_outliers_stay_finite(make: Callable[[], Stacker]) -> None:
    given = lesson(20)
    twice = Lesson(
        judged=given.judged.followed_by(given.judged),
        labels=np.concatenate([given.labels, 1.0 - given.labels]),
        background=given.background,
    )
    stacker = make().fit(twice)
    far = Evidence(consensus=np.full(1, 1e4), surprises=np.full((1, 4), 1e4), columns=np.full((1, 5), 1e6, np.float32))
    assert np.isfinite(stacker.log_odds(given.background)).all()
    assert np.isfinite(stacker.log_odds(far)).all()


@LEARNING
def test_before_it_is_fitted_it_says_so(make: Callable[[], Stacker]) -> None:
    rows, _ = world(10)
    with pytest.raises(NotFittedError, match="fit"):
        make().log_odds(rows)
    with pytest.raises(NotFittedError, match="fit"):
        make().state()


@pytest.mark.parametrize("make", [Logistic, Boosting])
def test_what_moved_a_row_adds_up_to_its_distance_from_the_consensus(make: Callable[[], Any]) -> None:
    given = lesson()
    stacker = make().fit(given)
    rows, _ = world(seed=2)
    members, columns = stacker.moved(rows)
    assert (members.shape, columns.shape) == (rows.surprises.shape, rows.columns.shape)
    distance = stacker.log_odds(rows) - Consensus().fit(given).log_odds(rows)
    rest = distance - members.sum(axis=1) - columns.sum(axis=1)
    np.testing.assert_allclose(rest, rest[0], atol=1e-9)  # the level is nobody's


def test_boosting_blames_the_column_that_makes_the_anomalies() -> None:
    rows, labels = world(seed=2)
    stacker = Boosting().fit(lesson(100))
    _, columns = stacker.moved(rows.take(labels == 1))
    assert columns.mean(axis=0).argmax() == 0


@pytest.mark.parametrize(
    ("make", "params", "name"),
    [
        (Logistic, {"level": 0.0}, "level"),
        (Logistic, {"slope": float("nan")}, "slope"),
        (Logistic, {"members": -1.0}, "members"),
        (Boosting, {"trees": 0}, "trees"),
        (Boosting, {"depth": 9}, "depth"),
        (Boosting, {"rate": 1.5}, "rate"),
        (Boosting, {"penalty": 0.0}, "penalty"),
        (Boosting, {"columns": 0.0}, "columns"),
    ],
)
def test_bad_parameters_are_refused_by_name(make: Callable[..., Stacker], params: dict[str, Any], name: str) -> None:
    with pytest.raises(ParameterError, match=rf"^{name} must be"):
        make(**params)


def test_logistic_with_wide_priors_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(300, 3))
    labels = (rng.random(300) < 1 / (1 + np.exp(-columns @ [1.0, -2.0, 0.5]))).astype(np.float64)
    for spread in (0.3, 1.0, 10.0):
        theirs = LogisticRegression(C=spread**2, fit_intercept=False, tol=1e-10, max_iter=1_000).fit(columns, labels)
        ours = map_weights(columns, labels, np.zeros(300), np.full(3, spread))
        np.testing.assert_allclose(ours, theirs.coef_[0], rtol=1e-4, atol=1e-6)


def test_logistic_finds_its_way_where_a_plain_newton_step_overshoots() -> None:
    columns = np.array([[1.0, 50.0], [1.0, 60.0], [1.0, 70.0]])
    found = map_weights(columns, np.array([0.0, 1.0, 1.0]), np.full(3, 40.0), np.full(2, 100.0))
    odds = 40.0 + columns @ found
    assert odds[0] < 0 < odds[1]


@pytest.mark.parametrize("count", [0, 4])
def test_boosting_with_few_verdicts_is_the_consensus(count: int) -> None:
    rows, _ = world(seed=2)
    given = lesson(count)
    np.testing.assert_array_equal(Boosting().fit(given).log_odds(rows), Consensus().fit(given).log_odds(rows))


def test_trees_give_what_scikit_learns_do() -> None:
    rng = np.random.default_rng(0)
    seen = np.round(rng.normal(size=(500, 6)), 1).astype(np.float32)  # many rows lie right on a cut
    grown = [DecisionTreeRegressor(max_depth=d, random_state=d).fit(seen, rng.normal(size=500)) for d in (1, 3, 8)]
    grown.append(DecisionTreeRegressor().fit(seen, np.ones(500)))  # a root without cuts
    trees = Trees.of([(tree.tree_, tree.tree_.value[:, 0, 0]) for tree in grown])
    rows = np.round(rng.normal(size=(9_000, 6)), 1).astype(np.float32)
    expected = np.sum([tree.predict(rows) for tree in grown], axis=0)
    np.testing.assert_allclose(trees.sums(rows), expected, rtol=0, atol=1e-9)
    roots = sum(tree.tree_.value[0, 0, 0] for tree in grown)
    np.testing.assert_allclose(roots + trees.credits(rows).sum(axis=1), expected, rtol=0, atol=1e-9)


def test_a_hundred_thousand_rows_are_boosted_in_a_second() -> None:
    stacker = Boosting().fit(lesson(100))
    rows, _ = world(100_000, seed=2)
    started = time.process_time()
    stacker.log_odds(rows)
    assert time.process_time() - started < 1.0


def test_growing_trees_stops_when_the_time_is_over() -> None:
    with no_time_left(), pytest.raises(DetectorTimeoutError, match="the time that it was given is over"):
        Boosting().fit(lesson())
