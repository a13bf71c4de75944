"""Stacked: what was learned, as a part of a model, in bits and as a probability."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pytest
from scipy.stats import rankdata

from anomalist.ensemble.model import Model
from anomalist.ensemble.stack import Evidence, Lesson
from anomalist.ensemble.stacked import Recipe, Stacked
from anomalist.ensemble.stackers.consensus import Consensus
from anomalist.ensemble.stackers.gp import Gp
from anomalist.errors import DataError, DetectorError
from tests.ensemble.samples import build, combiner, payments, stacker, tiny_model

if TYPE_CHECKING:
    from anomalist.detector import State


def lesson(rows: int = 300, judged: int = 20, *, rate: float = 0.05) -> Lesson:
    rng = np.random.default_rng(0)
    surprises = rng.gamma(1.0, size=(rows, 2))
    columns = rng.normal(size=(rows, 3)).astype(np.float32)
    every = Evidence(consensus=surprises.mean(axis=1), surprises=surprises, columns=columns)
    labels = (columns[:judged, 0] > 0).astype(np.float64)
    return Lesson(judged=every.take(slice(0, judged)), labels=labels, background=every, rate=rate)


@dataclass
class Says:
    """Says what it was told to say, or fails as it was told to."""

    what: Any = 0.0
    fails: str = ""
    seen: list[int] = field(default_factory=list, init=False)

    def _may_fail(self, where: str) -> None:
        if self.fails == where:
            raise ZeroDivisionError("by\nnothing")

    def fit(self, lesson: Lesson, /) -> Self:
        self._may_fail("fit")
        return self

    def log_odds(self, rows: Evidence, /) -> Any:
        self._may_fail("log_odds")
        self.seen.append(len(rows))
        return self.what(rows) if callable(self.what) else self.what

    def state(self) -> State:
        self._may_fail("state")
        return {}

    def restore(self, state: State, /) -> Self:
        self._may_fail("restore")
        return self


def recipe(what: Any = 0.0, fails: str = "") -> Recipe:
    return Recipe(name="says", params={}, make=lambda: Says(what=what, fails=fails))


def test_the_score_is_in_bits_and_rises_with_the_probability() -> None:
    given = lesson()
    stacked = Recipe(name="gp", params={}, make=Gp).learn(given, about={"verdicts": 20})
    bits, probability = stacked.score(given.background)
    odds = stacked.stacker.log_odds(given.background)
    np.testing.assert_array_equal(rankdata(bits), rankdata(odds))
    assert (np.diff(probability[np.argsort(odds)]) >= 0).all()
    assert ((probability > 0) & (probability < 1)).all()
    assert bits.min() >= 0
    assert np.quantile(bits, 0.5) == pytest.approx(1.0, abs=0.1)  # half of the rows are more surprising than that
    assert (stacked.name, stacked.about) == ("gp", {"verdicts": 20})


@pytest.mark.parametrize("make", [Gp, Consensus])
@pytest.mark.parametrize("rate", [0.01, 0.2])
def test_probabilities_add_up_to_the_expected_share(make: Any, rate: float) -> None:
    given = lesson(rate=rate)
    _, probability = Recipe(name="x", params={}, make=make).learn(given).score(given.background)
    assert probability.mean() == pytest.approx(rate, rel=0.02)


def test_what_comes_back_of_its_state_says_the_same() -> None:
    given = lesson()
    stacked = Recipe(name="gp", params={"local": 2.0}, make=lambda: Gp(local=2.0)).learn(given, about={"rate": 0.05})
    asked: list[tuple[str, Any]] = []

    def again(name: str, params: Any) -> Gp:
        asked.append((name, params))
        return Gp(**params)

    restored = Stacked.from_state(stacked.state(), again)
    assert asked == [("gp", {"local": 2.0})]
    assert (restored.name, restored.params, restored.about) == (stacked.name, stacked.params, stacked.about)
    for got, expected in zip(restored.score(given.background), stacked.score(given.background), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (lambda rows: np.zeros(len(rows) - 1), "stacker says must give a finite number for each of 300 rows.*299"),
        (lambda rows: np.zeros((len(rows), 1)), r"got numbers of shape \(300, 1\)"),
        (0.0, r"got numbers of shape \(\)"),
        (None, "stacker says"),
        (lambda rows: np.full(len(rows), np.nan), "got some that are not finite"),
        (lambda rows: np.r_[np.inf, np.zeros(len(rows) - 1)], "got some that are not finite"),
        (lambda rows: ["a"] * len(rows), "stacker says failed: ValueError"),
    ],
)
def test_an_answer_that_is_none_is_refused_with_the_name_of_the_stacker(what: Any, says: str) -> None:
    with pytest.raises(DetectorError, match=says):
        recipe(what).learn(lesson())


@pytest.mark.parametrize("where", ["fit", "log_odds", "state", "restore"])
def test_what_a_stacker_raises_becomes_one_line_with_its_name(where: str) -> None:
    def use() -> None:
        stacked = recipe(lambda rows: rows.consensus, where).learn(lesson())
        Stacked.from_state(stacked.state(), lambda *_: Says(fails=where))

    with pytest.raises(DetectorError, match=r"^stacker says failed: ZeroDivisionError: by nothing$"):
        use()


def test_a_stacker_that_exits_ends_nobody_else() -> None:
    def leaves(_: Evidence) -> None:
        raise SystemExit(3)

    with pytest.raises(DetectorError, match=r"^stacker says failed: SystemExit: 3$"):
        recipe(leaves).learn(lesson())


def test_numbers_of_another_type_are_taken() -> None:
    stacked = recipe(lambda rows: list(map(int, 10 * rows.consensus))).learn(lesson())
    bits, probability = stacked.score(lesson().background)
    assert bits.dtype == probability.dtype == np.float64


def test_a_model_with_it_scores_by_it_and_keeps_it_in_its_parts() -> None:
    table = payments()
    plain = tiny_model(table, ["additive", "honest"])
    data = plain.encoder.encode(table)
    scores = plain.score(table)
    evidence = plain.evidence(data, scores.surprises)
    labels = (table.frame["city"] == "Rome").to_numpy().astype(np.float64)
    asked = np.r_[0:12, 100, 200]
    given = Lesson(judged=evidence.take(asked), labels=labels[asked], background=evidence)
    model = replace(plain, stack=Recipe(name="gp", params={}, make=Gp).learn(given))
    found = model.score(table)
    np.testing.assert_array_equal(found.surprises, scores.surprises)
    assert found.probability is not None
    assert scores.probability is None
    assert found.score[100] > scores.score[100]
    again = Model.from_parts(model.parts(), build=build, combiner=combiner, stacker=stacker)
    np.testing.assert_array_equal(again.score(table).score, found.score)
    np.testing.assert_array_equal(again.score(table).probability, found.probability)


def test_evidence_and_lessons_that_do_not_fit_together_are_refused() -> None:
    given = lesson()
    rows = given.background
    for wrong in (
        {"consensus": rows.consensus[:-1]},
        {"surprises": rows.surprises[:-1]},
        {"columns": rows.columns[:-1]},
        {"consensus": rows.consensus[:, None]},
    ):
        with pytest.raises(DataError, match="a stacker needs the same rows everywhere"):
            replace(rows, **wrong)
    for labels in (given.labels[:-1], given.labels + 1.0, np.full(20, np.nan)):
        with pytest.raises(DataError, match="each of 20 judged rows needs a label, 0 or 1"):
            replace(given, labels=labels)
    with pytest.raises(DataError, match="a stacker needs rows as they come, got none"):
        replace(given, background=rows.take(slice(0, 0)))
    for rate in (0.0, 1.0, float("nan")):
        with pytest.raises(DataError, match="the expected share of anomalies must be between 0 and 1"):
            replace(given, rate=rate)


def test_a_lesson_without_some_of_its_rows_keeps_the_others_in_order() -> None:
    given = lesson(rate=0.2)
    less = given.without(np.array([0, 3]))
    np.testing.assert_array_equal(less.labels, np.delete(given.labels, [0, 3]))
    np.testing.assert_array_equal(less.judged.columns, np.delete(given.judged.columns, [0, 3], axis=0))
    assert (less.rate, less.background) == (0.2, given.background)
    both = less.judged.followed_by(given.judged.take(np.array([0, 3])))
    assert len(both) == len(given.judged)
