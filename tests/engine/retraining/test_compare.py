"""Champion and challenger: what is promoted, what is not, and that nobody is judged by what it was taught."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from anomalist.engine.evaluation.paired import Paired
from anomalist.engine.retraining.compare import Candidate, Comparison, Group, _decided, compare
from anomalist.ensemble.stack import Evidence
from anomalist.ensemble.stackers.gp import Gp
from anomalist.ensemble.stackers.logistic import Logistic
from anomalist.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from anomalist.detector import Floats, State
    from anomalist.ensemble.stack import Lesson, Stacker


def world(rows: int = 1_500, *, seed: int = 0, noise: float = 0.0) -> tuple[Evidence, Floats]:
    """Rows of which a tenth is odd in one way, the anomalies, and a tenth in another, at which members cry louder.

    With noise the members say something else and the rows are the same.
    """
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, size=rows, p=[0.8, 0.1, 0.1])
    values = rng.normal(size=(rows, 4))
    values[kind == 1, 0] += 2.5
    values[kind == 2, 1] += 2.5
    surprises = rng.gamma(1.0, size=(rows, 4)) + 1.5 * (kind == 2)[:, None]
    surprises[:, 0] += 2.0 * (kind == 1)
    surprises = surprises + noise * rng.gamma(1.0, size=surprises.shape)
    columns = np.asarray(values, dtype=np.float32)
    evidence = Evidence(consensus=surprises.mean(axis=1), surprises=surprises, columns=columns)
    return evidence, (kind == 1).astype(np.float64)


@dataclass(frozen=True, kw_only=True)
class Loop:
    """Verdicts in the order in which they came in, on rows from the top half of the consensus."""

    count: int
    seed: int = 0

    @property
    def rows(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        evidence, _ = world(seed=self.seed)
        odd = np.flatnonzero(evidence.consensus > np.median(evidence.consensus))
        return np.random.default_rng(self.seed).permutation(odd)[: self.count]

    @property
    def truth(self) -> Floats:
        return world(seed=self.seed)[1][self.rows]

    def candidate(self, taught: Floats, stacker: Callable[[], Stacker] | None, *, noise: float = 0.0) -> Candidate:
        evidence, _ = world(seed=self.seed, noise=noise)
        return Candidate(
            judged=evidence.take(self.rows), background=evidence, taught=taught, stacker=stacker, rate=0.05
        )

    def untaught(self) -> Candidate:
        return self.candidate(np.full(self.count, np.nan), None)

    def first(self, labels: Floats, stacker: Callable[[], Stacker] = Gp) -> Comparison:
        """The consensus alone against a stacker taught all."""
        return compare(self.untaught(), self.candidate(labels, stacker), labels, seed=self.seed)

    def later(self, old: int, labels: Floats, stacker: Callable[[], Stacker] = Gp) -> Comparison:
        """A stacker taught the first verdicts against one taught all."""
        taught = np.where(np.arange(self.count) < old, labels, np.nan)
        return compare(self.candidate(taught, stacker), self.candidate(labels, stacker), labels, seed=self.seed)


@dataclass
class Memory:
    """A stacker that knows every row it ever saw, and nothing else."""

    seen: set[bytes] = field(default_factory=set)

    def fit(self, lesson: Lesson, /) -> Self:
        for rows in (lesson.judged, lesson.background):
            self.seen |= {row.tobytes() for row in rows.columns}
        return self

    def log_odds(self, rows: Evidence, /) -> Floats:
        return np.array([float(row.tobytes() in self.seen) for row in rows.columns])

    def state(self) -> State:
        return {}

    def restore(self, state: State, /) -> Self:
        return self


def test_a_stacker_that_learned_from_good_verdicts_is_promoted() -> None:
    loop = Loop(count=80)
    found = loop.first(loop.truth)
    assert (found.verdict, found.promote) == ("better", True)
    assert found.reason.startswith("on all verdicts the challenger is better: average precision 0.")
    assert found.all.rows == found.new.rows == 80
    assert found.all.anomalies == loop.truth.sum()
    assert (found.taught.rows, found.taught.measures) == (0, {})
    measured = found.all.measures["average_precision"]
    consensus = loop.untaught().judged.consensus
    assert measured.champion == pytest.approx(average_precision_score(loop.truth, consensus))
    assert measured.gain == pytest.approx(measured.challenger - measured.champion)
    assert 0 < measured.low < measured.gain < measured.high


def test_more_good_verdicts_are_an_improvement_on_few() -> None:
    found = [Loop(count=160, seed=seed).later(15, Loop(count=160, seed=seed).truth) for seed in range(4)]
    assert sum(each.promote for each in found) >= 3
    assert all(each.verdict != "worse" for each in found)


def test_verdicts_without_sense_are_not_promoted_by_luck() -> None:
    promoted = 0
    for seed in range(40):
        loop = Loop(count=40, seed=seed)
        coin = np.random.default_rng(seed).integers(0, 2, 40).astype(np.float64)
        promoted += loop.first(coin, Logistic).promote
    assert promoted <= 2


@pytest.mark.parametrize("poison", ["random", "flipped", "hidden", "flooded"])
@pytest.mark.parametrize("seed", range(3))
def test_poisoned_verdicts_on_top_of_good_ones_are_not_promoted(poison: str, seed: int) -> None:
    loop = Loop(count=140, seed=seed)
    good, bad = loop.truth[:60], loop.truth[60:]
    spoilt = {
        "random": np.random.default_rng(seed).integers(0, 2, bad.size).astype(np.float64),
        "flipped": 1.0 - bad,
        "hidden": np.zeros(bad.size),
        "flooded": np.ones(bad.size),
    }[poison]
    found = loop.later(60, np.concatenate([good, spoilt]))
    assert not found.promote
    assert (found.taught.rows, found.new.rows) == (60, 80)


def test_flipped_verdicts_are_seen_through_by_those_that_the_champion_was_taught() -> None:
    loop = Loop(count=160)
    found = loop.later(60, np.concatenate([loop.truth[:60], 1.0 - loop.truth[60:]]))
    assert found.verdict == "worse"
    assert found.reason.startswith("on what the champion was taught the challenger is worse")
    assert found.taught.measures["average_precision"].gain < 0


def test_members_fitted_again_are_promoted_where_they_are_as_good_and_not_where_they_are_worse() -> None:
    loop = Loop(count=100)
    champion = loop.candidate(loop.truth, Logistic)
    same = compare(champion, loop.candidate(loop.truth, Logistic), loop.truth)
    assert (same.verdict, same.promote, same.new.rows) == ("not_worse", True, 0)
    assert same.all.measures["log_loss"].gain == 0.0
    spoilt = compare(champion, loop.candidate(loop.truth, Logistic, noise=20.0), loop.truth)
    assert (spoilt.verdict, spoilt.promote) == ("worse", False)
    better = compare(loop.candidate(loop.truth, Logistic, noise=20.0), champion, loop.truth)
    assert (better.verdict, better.promote) == ("better", True)


def test_nobody_is_judged_by_a_row_that_it_was_taught_or_had_in_its_background() -> None:
    loop = Loop(count=60)
    found = compare(loop.candidate(loop.truth, Memory), loop.candidate(loop.truth, Memory), loop.truth)
    share = loop.truth.mean()
    assert found.all.measures["average_precision"].champion == pytest.approx(share)
    assert found.all.measures["average_precision"].challenger == pytest.approx(share)


@pytest.mark.parametrize(
    ("anomalies", "others", "words"),
    [
        (2, 30, "too few verdicts: 2 anomalies and 30 others, 3 of each are needed"),
        (30, 0, "30 anomalies and 0 others"),
    ],
)
def test_too_few_of_a_kind_promote_nothing_and_are_counted(anomalies: int, others: int, words: str) -> None:
    loop = Loop(count=anomalies + others)
    found = loop.first(np.repeat([1.0, 0.0], [anomalies, others]), Logistic)
    assert (found.verdict, found.promote, found.all.measures) == ("too_few", False, {})
    assert words in found.reason


def test_no_verdict_at_all_is_too_few() -> None:
    found = Loop(count=0).first(np.zeros(0), Logistic)
    assert (found.verdict, found.all.rows) == ("too_few", 0)


def test_new_verdicts_of_one_kind_cannot_promote() -> None:
    loop = Loop(count=90)
    found = loop.later(60, np.concatenate([loop.truth[:60], np.ones(30)]), Logistic)
    assert found.verdict == "too_few"
    assert found.reason == "too few new verdicts: 30 anomalies and 0 others, 3 of each are needed"


def test_a_verdict_that_was_changed_is_new_and_one_that_was_taken_back_judges_nobody() -> None:
    loop = Loop(count=100)
    taught = loop.truth.copy()
    taught[:10] = 1.0 - taught[:10]
    now = loop.truth.copy()
    now[10:15] = np.nan
    found = compare(loop.candidate(taught, Logistic), loop.candidate(now, Logistic), now)
    assert (found.all.rows, found.taught.rows, found.new.rows) == (95, 85, 10)


def test_where_nearly_all_that_the_champion_was_taught_has_been_overturned_nobody_can_judge() -> None:
    loop = Loop(count=100)
    taught = np.where(np.arange(100) < 60, loop.truth, np.nan)
    now = np.where(np.arange(100) < 60, 1.0 - loop.truth, loop.truth)
    found = compare(loop.candidate(taught, Logistic), loop.candidate(now, Logistic), now)
    assert (found.verdict, found.promote) == ("too_few", False)
    assert "still stand" in found.reason


def test_the_same_comparison_says_the_same_and_can_be_stored() -> None:
    loop = Loop(count=60)
    first, second = (loop.first(loop.truth, Logistic).to_dict() for _ in range(2))
    assert first == second
    stored = json.loads(json.dumps(first, allow_nan=False))
    assert stored == first
    assert set(stored) == {"verdict", "promote", "reason", "all", "taught", "new", "confidence", "folds"}
    assert set(stored["all"]["measures"]) == {
        "average_precision",
        "precision_at_anomalies",
        "precision_at_10",
        "precision_at_50",
        "log_loss",
        "brier",
    }


def test_a_hundred_verdicts_are_compared_in_seconds() -> None:
    loop = Loop(count=100)
    started = time.process_time()
    loop.later(50, loop.truth)
    assert time.process_time() - started < 10.0


def test_candidates_of_other_rows_and_other_labels_are_refused() -> None:
    loop = Loop(count=30)
    with pytest.raises(DataError, match="the same judged rows, got 30, 30 and 29"):
        compare(loop.untaught(), loop.candidate(loop.truth, Logistic), loop.truth[:29])
    with pytest.raises(DataError, match="must be 0, 1 or NaN, got 2"):
        compare(loop.untaught(), loop.candidate(loop.truth, Logistic), np.full(30, 2.0))
    with pytest.raises(DataError, match="30 judged rows need as many labels taught"):
        loop.candidate(loop.truth[:5], Logistic)


@pytest.mark.parametrize(("ranking", "decision"), [(1.0, "better"), (0.9, "not_worse")])
def test_a_ranking_that_is_perfect_already_need_not_rise(ranking: float, decision: str) -> None:
    equal = Paired(champion=ranking, challenger=ranking, gain=0.0, low=0.0, high=0.0)
    surer = Paired(champion=0.4, challenger=0.2, gain=0.2, low=0.1, high=0.3)
    group = Group(rows=40, anomalies=20, measures={"average_precision": equal, "log_loss": surer})
    none = Group(rows=0, anomalies=0, measures={})
    found, promoted, _ = _decided(group, none, group, guarded=False)
    assert (found, promoted) == (decision, decision == "better")


@dataclass
class ByHeart:
    """A stacker that knows the verdict on every row like those it was taught, and nothing else."""

    verdicts: dict[bytes, float] = field(default_factory=dict)

    def fit(self, lesson: Lesson, /) -> Self:
        rows = (row.tobytes() for row in lesson.judged.columns)
        self.verdicts = dict(zip(rows, lesson.labels.tolist(), strict=True))
        return self

    def log_odds(self, rows: Evidence, /) -> Floats:
        return np.array([self.verdicts.get(row.tobytes(), 0.5) for row in rows.columns])

    def state(self) -> State:
        return {}

    def restore(self, state: State, /) -> Self:
        return self


def test_a_row_that_was_judged_in_two_data_sets_does_not_judge_itself() -> None:
    evidence, _ = world()
    rows = np.tile(np.arange(20), 2)  # where data overlap, a row may have a verdict in both
    labels = (rows % 2).astype(np.float64)
    background = evidence.take(slice(20, None))
    nothing = Candidate(judged=evidence.take(rows), background=background, taught=np.full(40, np.nan))
    taught = Candidate(judged=evidence.take(rows), background=background, taught=labels, stacker=ByHeart)
    found = compare(nothing, taught, labels)
    assert not found.promote
    assert found.all.measures["average_precision"].challenger == pytest.approx(0.5)
