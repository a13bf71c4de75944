"""Queue: what is asked next, how likely it was, and what the answers say of how many anomalies there are."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from anomalist.engine.feedback.verdicts import settle
from anomalist.engine.review.queue import Mix, alike, doubt, draw, expected_rate
from anomalist.ensemble.stack import Evidence
from anomalist.errors import ParameterError
from anomalist.store.rows import FeedbackRow

if TYPE_CHECKING:
    from anomalist.engine.feedback.verdicts import Judged
    from anomalist.engine.review.queue import Pick
    from anomalist.store.rows import Asked, Verdict

ROWS = 12
SCORES = np.array([3.0, 9.0, 1.0, 8.0, 2.0, 7.0, 0.0, 6.0, 4.0, 5.0, -1.0, -2.0])
DOUBTS = np.array([0.0, 0.9, 0.1, 0.2, 0.8, 0.3, 0.0, 0.4, 0.7, 0.5, 0.6, 0.0])
MIX = Mix(top=0.5, uncertain=0.3, random=0.2)


def drawn(seed: int = 0, **change) -> list[Pick]:
    given = {
        "scores": SCORES,
        "doubts": DOUBTS,
        "left": np.ones(ROWS, dtype=np.bool_),
        "groups": np.arange(ROWS),
        "known": np.zeros(ROWS, dtype=np.bool_),
        "mix": MIX,
        "count": 3,
        "rng": np.random.default_rng(seed),
    }
    return draw(**{**given, **change})


def test_the_recorded_probability_is_how_often_a_row_is_drawn() -> None:
    rng = np.random.default_rng(1)
    picks = [drawn(count=1, rng=rng)[0] for _ in range(20_000)]
    often = Counter(pick.row for pick in picks)
    probability = {pick.row: pick.probability for pick in picks}
    assert set(probability) == set(range(ROWS))
    for row, expected in probability.items():
        assert expected is not None
        spread = np.sqrt(expected * (1 - expected) / len(picks))
        assert abs(often[row] / len(picks) - expected) < 4.5 * spread
    assert sum(p for p in probability.values() if p is not None) == pytest.approx(1.0)
    kinds = Counter(pick.asked for pick in picks)
    assert {kind: count / len(picks) for kind, count in kinds.items()} == pytest.approx(
        {"top": 0.5, "uncertain": 0.3, "random": 0.2}, abs=0.02
    )


def test_the_probabilities_of_later_places_undo_the_choice() -> None:
    labels = np.array([1.0, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0])
    rng = np.random.default_rng(2)
    groups = np.array([0, 1, 2, 1, 4, 5, 5, 7, 8, 4, 10, 11])
    totals = []
    for _ in range(6_000):
        found = 0.0
        for pick in drawn(groups=groups, rng=rng, count=3):
            assert pick.probability is not None
            totals.append(found + labels[pick.row] / pick.probability)
            found += labels[pick.row]
    for place in range(3):
        estimate = np.array(totals[place::3])
        assert abs(estimate.mean() - labels.sum()) < 4 * estimate.std() / np.sqrt(estimate.size)


def test_from_the_top_the_highest_come_first() -> None:
    picks = drawn(mix=Mix(top=1.0, uncertain=0.0, random=0.0), count=4)
    assert [pick.row for pick in picks] == [1, 3, 5, 7]
    assert {(pick.asked, pick.probability) for pick in picks} == {("top", 1.0)}


def test_the_uncertain_are_those_that_tell_most() -> None:
    picks = drawn(mix=Mix(top=0.0, uncertain=1.0, random=0.0))
    assert [pick.row for pick in picks] == [1, 4, 8]


def test_rows_that_are_alike_are_not_asked_about_twice_while_there_are_others() -> None:
    groups = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 7])
    top = Mix(top=1.0, uncertain=0.0, random=0.0)
    assert [pick.row for pick in drawn(groups=groups, mix=top, count=5)] == [1, 8, 11, 3, 5]
    known = SCORES == 9.0
    assert [pick.row for pick in drawn(groups=groups, known=known, left=~known, mix=top, count=2)] == [8, 11]
    fair = Mix(top=0.0, uncertain=0.0, random=1.0)
    assert {pick.row for pick in drawn(groups=groups, known=known, left=~known, mix=fair, count=11)} == set(
        np.flatnonzero(~known)
    )


def test_no_row_comes_twice_and_no_more_than_there_are() -> None:
    picks = drawn(count=50)
    assert sorted(pick.row for pick in picks) == list(range(ROWS))
    assert picks[-1].probability == pytest.approx(1.0)
    assert drawn(left=np.zeros(ROWS, dtype=np.bool_)) == []


def test_the_same_seed_draws_the_same() -> None:
    assert drawn(seed=4) == drawn(seed=4)
    assert len({tuple(pick.row for pick in drawn(seed=seed)) for seed in range(20)}) > 5


def test_a_mix_is_weights() -> None:
    assert Mix.parse("top=0.8,uncertain=0.2,random=0.1") == Mix(top=0.8 / 1.1, uncertain=0.2 / 1.1, random=0.1 / 1.1)
    assert Mix.parse(" random = 1 ") == Mix(top=0.0, uncertain=0.0, random=1.0)
    assert Mix.parse(str(Mix())) == Mix()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("best=1", "names 'best', which is unknown"),
        ("top=1,top=2", "names 'top', twice"),
        ("top", "must be a number, got ''"),
        ("top=much", "must be a number, got 'much'"),
        ("top=-1,random=2", "must be 0 or more"),
        ("top=nan", "must be 0 or more"),
        ("top=inf", "must be 0 or more"),
        ("top=0,random=0", "not all 0"),
        ("", "names '', which is unknown"),
    ],
)
def test_a_mix_that_is_none_is_refused(text: str, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        Mix.parse(text)
    with pytest.raises(ParameterError, match="sum to 1"):
        Mix(top=0.5, uncertain=0.1, random=0.1)


def test_a_verdict_tells_most_near_the_border_and_where_little_is_known() -> None:
    log_odds = np.array([-800.0, -4.0, -1.0, 0.0, 2.0, 800.0])
    alone = doubt(log_odds)
    assert np.argmax(alone) == 3
    assert (alone >= 0).all()
    assert np.isfinite(alone).all()
    assert np.argmax(doubt(log_odds, np.array([1.0, 12.0, 1.0, 1.0, 1.0, 1.0]))) == 1


def test_rows_are_alike_when_nothing_tells_them_apart() -> None:
    columns = np.array([[0.0, 1.0], [-0.0, 1.0], [0.0, 2.0], [0.0, 1.0]], dtype=np.float32)
    consensus = np.array([5.0, 5.001, 5.0, 7.0])
    groups = alike(Evidence(consensus=consensus, surprises=np.zeros((4, 1)), columns=columns))
    assert groups[0] == groups[1]
    assert len(set(groups.tolist())) == 3


def judged(*said: tuple[Verdict, Asked | None]) -> list[Judged]:
    return settle(
        FeedbackRow(
            id=i + 1,
            fingerprint="f",
            source="a.csv",
            key=str(i),
            verdict=verdict,
            cause=None,
            note=None,
            analyst="ann",
            asked=asked,
            probability=None,
            run=None,
            values={},
            supersedes=None,
            token=str(i),
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        for i, (verdict, asked) in enumerate(said)
    )


def test_without_verdicts_the_budget_is_the_rate() -> None:
    assert expected_rate([], 0.02) == pytest.approx(0.02)
    assert expected_rate(judged(("unsure", "random"), ("unsure", "top")), 0.02) == pytest.approx(0.02)


def test_only_rows_drawn_at_random_are_a_sample() -> None:
    top = judged(*[("anomaly", "top")] * 20, *[("anomaly", None)] * 5)
    assert expected_rate(top, 0.01) == pytest.approx(0.01)
    fair = judged(*[("anomaly", "random")] * 30, *[("false_alarm", "random")] * 70)
    assert 0.2 < expected_rate(fair, 0.01) < 0.3
    assert expected_rate(fair[:1], 0.01) < 0.1  # one row is not yet taken at its word


def test_what_was_found_is_there() -> None:
    top = judged(*[("anomaly", "top")] * 20, *[("expected", "top")] * 10)
    assert expected_rate(top, 0.01, rows=100) == pytest.approx(0.2 + 0.7 * 0.01)
    assert expected_rate(top, 0.01, rows=100_000) == pytest.approx(0.0102, rel=0.01)


def test_the_rate_is_a_share_that_can_be_learned_from() -> None:
    assert expected_rate([], 0.0) > 0
    assert expected_rate(judged(*[("anomaly", "random")] * 100), 1.0) == 0.5
    assert expected_rate(judged(("anomaly", "top")), 0.01, rows=1) < 1


def test_the_rate_comes_near_the_truth_with_the_random_part() -> None:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(200):
        labels = rng.random(40) < 0.15
        said: list[tuple[Verdict, Asked]] = [("anomaly" if label else "false_alarm", "random") for label in labels]
        found.append(expected_rate(judged(*said), 0.01))
    assert np.mean(found) == pytest.approx((40 * 0.15 + 20 * 0.01) / 60, rel=0.1)
