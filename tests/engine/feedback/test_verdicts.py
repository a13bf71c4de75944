"""Verdicts: the rule by which many become one label."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalist.engine.feedback.verdicts import LABEL, fold, settle, verdict_from
from anomalist.errors import UsageError
from anomalist.store.rows import VERDICTS, FeedbackRow, Verdict

if TYPE_CHECKING:
    import random

WHEN = datetime(2026, 7, 1, tzinfo=UTC)


def entry(
    number: int, analyst: str, verdict: Verdict | None, *, key: str = "r1", fingerprint: str = "f"
) -> FeedbackRow:
    return FeedbackRow(
        id=number,
        fingerprint=fingerprint,
        source="sales.csv",
        key=key,
        verdict=verdict,
        cause=None,
        note=None,
        analyst=analyst,
        asked=None,
        probability=None,
        run=None,
        values={"entry": number},
        supersedes=None,
        token=str(number),
        created_at=WHEN,
    )


def said(*verdicts: Verdict) -> list[FeedbackRow]:
    """What so many analysts say of one row."""
    return [entry(number, f"analyst {number}", verdict) for number, verdict in enumerate(verdicts, start=1)]


logs = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "eve"]), st.sampled_from([*VERDICTS, None]), st.sampled_from(["r1", "r2"])
    ),
    max_size=25,
).map(lambda items: [entry(i, who, verdict, key=key) for i, (who, verdict, key) in enumerate(items, start=1)])


@pytest.mark.parametrize(
    ("verdicts", "label", "state"),
    [
        (["anomaly"], 1.0, "agreed"),
        (["expected"], 0.0, "agreed"),
        (["false_alarm"], 0.0, "agreed"),
        (["new_normal"], 0.0, "agreed"),
        (["unsure"], None, "unsure"),
        (["unsure", "unsure"], None, "unsure"),
        (["anomaly", "unsure"], 1.0, "agreed"),
        (["expected", "false_alarm", "new_normal"], 0.0, "agreed"),
        (["anomaly", "expected"], None, "disputed"),
        (["anomaly", "expected", "unsure"], None, "disputed"),
        (["anomaly", "anomaly", "expected"], 1.0, "disputed"),
        (["anomaly", "expected", "false_alarm"], 0.0, "disputed"),
    ],
)
def test_the_rule(verdicts: list[Verdict], label: float | None, state: str) -> None:
    (found,) = settle(said(*verdicts))
    assert (found.label, found.state) == (label, state)
    assert [row.verdict for row in found.verdicts] == verdicts
    assert found.values == {"entry": len(verdicts)}
    assert (found.fingerprint, found.key) == ("f", "r1")


def test_every_verdict_has_a_label_or_none() -> None:
    assert set(LABEL) == set(VERDICTS)
    assert [verdict for verdict, label in LABEL.items() if label is None] == ["unsure"]


def test_who_changes_his_mind_counts_once_and_may_settle_a_tie() -> None:
    log = [entry(1, "ann", "anomaly"), entry(2, "bob", "expected")]
    assert settle(log)[0].label is None
    (found,) = settle([*log, entry(3, "ann", "false_alarm")])
    assert (found.label, found.state, len(found.verdicts)) == (0.0, "agreed", 2)


def test_what_was_taken_back_does_not_count() -> None:
    log = [entry(1, "ann", "anomaly"), entry(2, "bob", "expected"), entry(3, "bob", None)]
    (found,) = settle(log)
    assert (found.label, found.state) == (1.0, "agreed")
    assert settle([*log, entry(4, "ann", None)]) == []
    assert settle([]) == []


def test_rows_of_other_data_are_other_rows() -> None:
    log = [
        entry(1, "ann", "anomaly"),
        entry(2, "bob", "expected", fingerprint="g"),
        entry(3, "bob", "unsure", key="r2"),
    ]
    assert [(found.fingerprint, found.key, found.state) for found in settle(log)] == [
        ("f", "r1", "agreed"),
        ("g", "r1", "agreed"),
        ("f", "r2", "unsure"),
    ]


@settings(max_examples=200, deadline=None)
@given(logs, st.randoms(use_true_random=False))
def test_the_order_of_the_entries_does_not_matter(log: list[FeedbackRow], chance: random.Random) -> None:
    shuffled = list(log)
    chance.shuffle(shuffled)
    assert settle(shuffled) == settle(log)


@settings(max_examples=200, deadline=None)
@given(logs)
def test_only_what_stands_matters(log: list[FeedbackRow]) -> None:
    newest = {(row.key, row.analyst): row for row in log}
    standing = [row for row in log if newest[row.key, row.analyst] is row and row.verdict is not None]
    found = settle(log)
    assert found == settle(standing)
    assert sorted(row.id for judged in found for row in judged.verdicts) == [row.id for row in standing]
    for judged in found:
        assert len({row.analyst for row in judged.verdicts}) == len(judged.verdicts)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=9))
def test_label_and_state_follow_from_the_votes(verdicts: list[Verdict]) -> None:
    (found,) = settle(said(*verdicts))
    votes = [LABEL[verdict] for verdict in verdicts if LABEL[verdict] is not None]
    assert (found.state == "unsure") == (not votes)
    assert (found.state == "agreed") == (len(set(votes)) == 1)
    assert (found.label is None) == (votes.count(1.0) == votes.count(0.0))
    if found.label is not None:
        assert votes.count(found.label) > len(votes) / 2
    (without,) = settle(said(*verdicts, "unsure"))
    assert (without.label, without.state) == (found.label, found.state)


@pytest.mark.parametrize(
    ("word", "verdict"),
    [
        *((verdict, verdict) for verdict in VERDICTS),
        ("Anomaly", "anomaly"),
        ("FALSE-ALARM", "false_alarm"),
        (" false  alarm ", "false_alarm"),
        ("New normal", "new_normal"),
        ("1", "anomaly"),
        ("1.0", "anomaly"),
        ("True", "anomaly"),
        ("0", "false_alarm"),
        ("0.0", "false_alarm"),
        ("false", "false_alarm"),
        ("Normal", "false_alarm"),
    ],
)
def test_words(word: str, verdict: Verdict) -> None:
    assert verdict_from(word) == verdict


@pytest.mark.parametrize("word", ["", "yes", "no", "fraud", "2", "-1", "anomalous", "falsealarm", "n/a"])
def test_words_that_may_mean_anything_are_refused(word: str) -> None:
    with pytest.raises(UsageError, match="is no verdict; the verdicts are anomaly, expected"):
        verdict_from(word)


def test_a_meaning_that_was_given_goes_first() -> None:
    meanings: dict[str, Verdict] = {fold("Yes"): "anomaly", "0": "expected", "": "unsure"}
    assert [verdict_from(word, meanings) for word in ("YES", "0", " ", "1")] == [
        "anomaly",
        "expected",
        "unsure",
        "anomaly",
    ]
