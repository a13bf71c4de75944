from __future__ import annotations

import random
import threading
import time
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from anomalist.errors import AnomalistError, DataError, UnknownNameError, UsageError
from anomalist.store import feedback as log
from anomalist.store.rows import VERDICTS, FeedbackRow, NewFeedback, NewModel
from tests.benchmarks.feedback_writes import faults, run
from tests.store.samples import dataset, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from anomalist.store.repository import Store

FINGERPRINT = dataset(100).fingerprint


def said(verdict: Any = "anomaly", key: str = "row-1", analyst: str = "ann", **more: Any) -> NewFeedback:
    given = {"fingerprint": FINGERPRINT, "values": {"price": 1.5}} | more
    return NewFeedback(key=key, verdict=verdict, analyst=analyst, **given)


def add(store: Store, *new: NewFeedback) -> list[FeedbackRow]:
    return store.add_feedback(new)


@pytest.fixture
def store(store: Store) -> Store:
    """A store with a run over a hundred rows."""
    stored(store)
    return store


def test_a_verdict_comes_back_as_it_was_given(store: Store) -> None:
    run_id = store.run("latest").id
    given = said(
        "expected",
        cause="maintenance",
        note="every March,\nsays Zoë",
        asked="uncertain",
        probability=np.float64(0.25),
        run=run_id,
        values={"price": np.float32(1.5), "town": "Łódź", "sold": None, "tags": [1, {"a": True}]},
    )
    (row,) = add(store, given)
    assert store.feedback() == [row]
    for field in fields(NewFeedback):
        assert getattr(row, field.name) == getattr(given, field.name)
    assert (row.source, row.supersedes) == ("sales.csv", None)
    assert row.created_at.utcoffset().total_seconds() == 0
    assert store.feedback_position() == row.id


def test_an_empty_log_is_at_position_0(store: Store) -> None:
    assert store.feedback_position() == 0
    assert store.feedback(standing=False) == []
    assert store.add_feedback([]) == []


def test_a_later_verdict_supersedes_that_of_the_same_analyst_on_the_same_row(store: Store) -> None:
    first, other_row, other_analyst = add(store, said(), said(key="row-2"), said(analyst="bob"))
    (second,) = add(store, said("expected"))
    assert (second.supersedes, other_row.supersedes, other_analyst.supersedes) == (first.id, None, None)
    assert store.feedback() == [other_row, other_analyst, second]
    assert store.feedback(standing=False) == [first, other_row, other_analyst, second]


def test_verdicts_in_one_call_supersede_each_other_in_order(store: Store) -> None:
    rows = add(store, said("anomaly"), said("unsure"), said(None), said("expected"), said(key="row-2"))
    assert [row.supersedes for row in rows] == [None, rows[0].id, rows[1].id, None, None]
    assert [row.id for row in rows] == sorted(row.id for row in rows)
    assert store.feedback() == rows[3:]


def test_a_verdict_is_taken_back_and_given_anew(store: Store) -> None:
    (first,) = add(store, said())
    (back,) = add(store, said(None))
    assert (back.verdict, back.supersedes) == (None, first.id)
    assert store.feedback() == []
    with pytest.raises(UsageError, match="ann has no verdict on row 'row-1' to take back"):
        add(store, said(None))
    with pytest.raises(UsageError, match="bob has no verdict on row 'row-1' to take back"):
        add(store, said(None, analyst="bob"))
    (again,) = add(store, said())
    assert again.supersedes is None
    assert store.feedback() == [again]


def test_a_replay_changes_nothing_and_gives_what_was_stored(store: Store) -> None:
    one, two = said(), said("unsure", key="row-2")
    first = add(store, one, two, one)
    assert first[0] == first[2]
    add(store, said("expected"))
    log_before = store.feedback(standing=False)
    assert add(store, two, one) == [first[1], first[0]]
    assert store.feedback(standing=False) == log_before


def test_a_take_back_may_be_replayed_too(store: Store) -> None:
    add(store, said())
    back = said(None)
    assert add(store, back) == add(store, back)
    assert len(store.feedback(standing=False)) == 2


def test_a_token_of_another_verdict_is_refused_instead_of_losing_this_one(store: Store) -> None:
    add(store, said(token="t"))
    for other in (said("unsure", token="t"), said(key="row-2", token="t"), said(analyst="bob", token="t")):
        with pytest.raises(DataError, match="its token 't' stands for anomaly by ann on row 'row-1' already"):
            add(store, said(key="row-9"), other)
    with pytest.raises(DataError, match="its token 'u' stands for"):
        add(store, said(token="u"), said("unsure", token="u"))
    assert len(store.feedback(standing=False)) == 1


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"fingerprint": "nope"}, UnknownNameError, "no dataset 'nope'"),
        ({"run": "zzzzzz"}, UnknownNameError, "no run 'zzzzzz'"),
        ({"verdict": "maybe"}, DataError, "a verdict is one of anomaly, expected, .*, got 'maybe'"),
        ({"asked": "nicely"}, DataError, "asked about as one of top, uncertain, .*, got 'nicely'"),
        ({"probability": 0.0}, DataError, "a probability is above 0 and up to 1, got 0.0"),
        ({"probability": 1.5}, DataError, "a probability is above 0 and up to 1, got 1.5"),
        ({"probability": float("nan")}, DataError, "a probability is above 0 and up to 1, got nan"),
        ({"probability": -float("inf")}, DataError, "a probability is above 0 and up to 1, got -inf"),
        ({"values": {"price": float("nan")}}, DataError, "the values of row 'row-5' cannot be stored as JSON"),
        ({"values": {"price": np.float32("inf")}}, DataError, "the values of row 'row-5' cannot be stored as JSON"),
        ({"values": {"price": object()}}, DataError, "object is not a plain value"),
        ({"values": {"price": "a\0"}}, DataError, "holds the character NUL"),
        ({"key": " "}, DataError, "the key is empty"),
        ({"analyst": ""}, DataError, "the analyst is empty"),
        ({"token": ""}, DataError, "the token is empty"),
        ({"note": "a\0"}, DataError, "holds the character NUL"),
        ({"cause": "\ud800"}, DataError, "feedback on row 'row-5' cannot be stored"),
    ],
)
def test_one_bad_verdict_and_nothing_is_stored(
    store: Store, change: dict[str, Any], error: type[AnomalistError], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        add(store, said(), said(**({"key": "row-5"} | change)))
    assert "\n" not in str(caught.value)
    assert store.feedback(standing=False) == []


def test_verdicts_are_found_by_what_they_are_about(store: Store) -> None:
    mine = stored(store, 100, model=NewModel(name="sales", hash="a"))
    scored = stored(store, 50)
    other = dataset(70).fingerprint
    store.start_run("score", dataset(50), params={}, seed=0, model=store.model("sales"))  # has scored nothing yet
    stored(store, 70)
    one, two, three, four = add(
        store,
        said(run=mine.id),
        said(key="row-2", analyst="bob"),
        said(fingerprint=scored.dataset.fingerprint, run=scored.id),
        said(fingerprint=other),
    )
    assert store.feedback(fingerprint=FINGERPRINT) == [one, two]
    assert store.feedback(fingerprint="unknown") == []
    assert store.feedback(run=mine.id) == [one]
    assert store.feedback(run=scored.id[:6]) == [three]
    assert store.feedback(key="row-1") == [one, three, four]
    assert store.feedback(analyst="bob") == [two]
    assert store.feedback(model="sales") == [one, two]
    assert store.feedback(model="sales", analyst="ann", key="row-1") == [one]
    run_id = store.start_run("score", dataset(70), params={}, seed=0, model=store.model("sales"))
    store.commit_run(run_id, status="done")
    assert store.feedback(model="sales") == [one, two, four]
    with pytest.raises(UnknownNameError, match="no model 'nope': the store has sales"):
        store.feedback(model="nope")
    with pytest.raises(UnknownNameError, match="no run 'zzzzzz'"):
        store.feedback(run="zzzzzz")


def test_verdicts_survive_another_run_over_the_same_rows(store: Store) -> None:
    (row,) = add(store, said())
    stored(store, seed=1)
    assert store.feedback(fingerprint=store.run("latest").dataset.fingerprint) == [row]


@pytest.mark.parametrize("seed", range(3))
def test_any_sequence_leaves_what_a_plain_dictionary_would_hold(store: Store, seed: int) -> None:
    chance = random.Random(seed)
    standing: dict[tuple[str, str, str], FeedbackRow] = {}
    past: dict[int, list[FeedbackRow]] = {0: []}
    sent: list[NewFeedback] = []
    runs = [stored(store, 50), store.run("latest")]
    fingerprints = [FINGERPRINT, runs[0].dataset.fingerprint]
    for _ in range(40):
        batch = []
        known = set(standing)
        for _ in range(chance.randint(1, 5)):
            place = (chance.choice(fingerprints), f"row-{chance.randint(0, 3)}", chance.choice(["ann", "bob", "cy"]))
            verdict = chance.choice([*VERDICTS, None]) if place in known else chance.choice(VERDICTS)
            (known.discard if verdict is None else known.add)(place)
            batch.append(said(verdict, place[1], place[2], fingerprint=place[0]))
        replay = chance.choice(sent) if sent and chance.random() < 0.5 else None
        sent += batch
        for row in store.add_feedback(batch if replay is None else [*batch, replay])[: len(batch)]:
            place = (row.fingerprint, row.key, row.analyst)
            before = standing.pop(place, None)
            assert row.supersedes == (before.id if before else None)
            if row.verdict is not None:
                standing[place] = row
            past[row.id] = sorted(standing.values(), key=lambda row: row.id)
    assert store.feedback_position() == max(past)
    assert store.feedback() == past[max(past)]
    everything = store.feedback(standing=False)
    assert [row.token for row in everything] == [entry.token for entry in sent]
    for position in chance.sample(sorted(past), 15):
        assert store.feedback(up_to=position) == past[position]
        assert store.feedback(up_to=position, standing=False) == [row for row in everything if row.id <= position]


def at_once(store: Store, count: int, act: Callable[[int], object]) -> None:
    """Let so many threads act at the same moment; what one of them raises is raised."""
    failures: list[AnomalistError] = []
    ready = threading.Barrier(count)

    def work(index: int) -> None:
        ready.wait()
        try:
            act(index)
        except AnomalistError as problem:
            failures.append(problem)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_verdicts_of_one_analyst_on_one_row_at_once_form_one_chain(store: Store) -> None:
    at_once(store, 6, lambda index: [add(store, said(VERDICTS[(index + i) % 5])) for i in range(5)])
    entries = store.feedback(standing=False)
    assert len(entries) == 30
    assert [row.supersedes for row in entries] == [None, *(row.id for row in entries[:-1])]
    assert store.feedback() == entries[-1:]


def test_one_token_at_once_is_stored_once(store: Store) -> None:
    entries = [said(key=f"row-{i}") for i in range(10)]
    given: list[list[FeedbackRow]] = []
    at_once(store, 6, lambda index: given.append(store.add_feedback(entries[:: -1 if index % 2 else 1])))
    kept = store.feedback(standing=False)
    assert len(kept) == 10
    assert {row.id for rows in given for row in rows} == {row.id for row in kept}


def test_ids_become_visible_in_their_order(store: Store) -> None:
    """Else who reads up to a position could find there later what was not there before."""
    late = said(key="row-2")
    writer = threading.Thread(target=lambda: add(store, late))
    with store._database.write() as connection:
        log.add_entries(connection, [said()], *log.subjects(connection, [said()]))
        writer.start()
        time.sleep(0.1)
        assert store.feedback_position() == 0
    writer.join()
    assert [row.key for row in store.feedback()] == ["row-1", "row-2"]


def test_many_processes_lose_nothing_and_double_nothing(url: str) -> None:
    outcome = run(url, processes=8, verdicts=400, replays=40)
    assert outcome.seconds.size == 440
    assert faults(outcome.log, 400) == []


def test_the_benchmark_finds_what_is_wrong(store: Store) -> None:
    rows = add(store, said(token="token-0"), said("expected", token="token-1"), said(token="x"))
    assert faults(rows, 2) == ["1 verdicts of nobody"]
    assert faults(rows[1:2], 2) == ["1 verdicts lost", "1 verdicts out of their chain"]
    assert faults([*rows[:2], rows[0]], 2) == ["1 verdicts doubled", "1 verdicts out of their chain"]
