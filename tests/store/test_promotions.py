from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from anomalist.errors import AnomalistError, StoreError, UnknownNameError, UsageError
from anomalist.store.rows import NewModel
from tests.store.samples import stored
from tests.store.test_feedback import at_once

if TYPE_CHECKING:
    from anomalist.store.repository import Store
    from anomalist.store.rows import RunRow


def made(store: Store, *aliases: str, name: str = "sales", **options: Any) -> RunRow:
    """A run that makes the next version of a model."""
    return stored(store, 20, model=NewModel(name=name, hash="h", aliases=aliases, **options))


def test_the_first_champion_is_written_down(store: Store) -> None:
    run = made(store, "champion")
    (first,) = store.promotions("sales")
    assert (first.name, first.version, first.replaced, first.how, first.run) == ("sales", 1, None, "first", run.id)
    assert first.created_at.utcoffset().total_seconds() == 0
    made(store, name="other")
    assert store.promotions("other") == []


def test_a_model_that_is_better_takes_over_as_it_is_registered(store: Store) -> None:
    made(store, "champion")
    run = made(store, "champion", how="better")
    newest = store.promotions("sales")[0]
    assert (newest.version, newest.replaced, newest.how, newest.run) == (2, 1, "better", run.id)
    assert store.model("sales").version == 2


def test_a_promoted_challenger_is_no_challenger_any_more(store: Store) -> None:
    made(store, "champion")
    run = made(store, "challenger")
    promoted = store.promote("sales", 2, how="better", run=run.id)
    assert (promoted.version, promoted.replaced, promoted.how, promoted.run) == (2, 1, "better", run.id)
    assert store.aliases("sales") == {"champion": 2}
    made(store, "challenger")
    asked = store.promote("sales", 1)
    assert (asked.version, asked.replaced, asked.how, asked.run) == (1, 2, "asked", None)
    assert store.aliases("sales") == {"champion": 1, "challenger": 3}
    assert store.promotions("sales")[:2] == [asked, promoted]
    made(store, "challenger", "champion", how="better")
    assert store.aliases("sales") == {"champion": 4}


def test_rolling_back_again_and_again_goes_back_step_by_step(store: Store) -> None:
    made(store, "champion")
    made(store, "champion", how="better")
    made(store)
    store.promote("sales", 3)
    store.promote("sales", 1)
    for version, replaced in ((3, 1), (2, 3), (1, 2)):
        back = store.rollback("sales")
        assert (back.version, back.replaced, back.how, back.run) == (version, replaced, "rollback", None)
        assert store.aliases("sales") == {"champion": version}
    with pytest.raises(UsageError, match="sales:1 replaced no other version: there is nothing to roll back to"):
        store.rollback("sales")
    store.promote("sales", 3)
    assert store.rollback("sales").version == 1
    assert [row.how for row in store.promotions("sales")].count("rollback") == 4


@pytest.mark.parametrize("seed", range(2))
def test_any_sequence_of_promotions_and_rollbacks_is_that_of_a_stack(store: Store, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(4):
        made(store)
    served: list[int] = []
    for _ in range(25):
        if len(served) > 1 and chance.random() < 0.5:
            left = served.pop()
            moved = store.rollback("sales")
            assert (moved.version, moved.replaced) == (served[-1], left)
        else:
            version = chance.choice([version for version in range(1, 5) if version not in served[-1:]])
            assert store.promote("sales", version).replaced == (served[-1] if served else None)
            served.append(version)
        assert store.model("sales").version == served[-1]


def test_what_cannot_be_promoted_is_refused_and_changes_nothing(store: Store) -> None:
    made(store)
    with pytest.raises(UsageError, match="sales has no champion to roll back"):
        store.rollback("sales")
    store.promote("sales", 1)
    before = store.promotions("sales")
    refused: list[tuple[type[AnomalistError], str, Any]] = [
        (UsageError, "sales:1 is the champion already", lambda: store.promote("sales", 1)),
        (UnknownNameError, "no model sales:7: there are 1", lambda: store.promote("sales", 7)),
        (UnknownNameError, "no model 'nope': the store has sales", lambda: store.promote("nope", 1)),
        (UnknownNameError, "no model 'nope': the store has sales", lambda: store.rollback("nope")),
        (UnknownNameError, "no model 'nope': the store has sales", lambda: store.promotions("nope")),
        (UsageError, "not promoted as a rollback", lambda: store.promote("sales", 1, how="rollback")),
        (UsageError, "not promoted as a rollback", lambda: made(store, "champion", how="rollback")),
        (StoreError, "(?i)check constraint", lambda: made(store, "champion", how="chance")),
        (UnknownNameError, "no run 'zzzzzz'", lambda: store.promote("sales", 1, run="zzzzzz")),
    ]
    for error, message, act in refused:
        with pytest.raises(error, match=message) as caught:
            act()
        assert "\n" not in str(caught.value)
    assert store.promotions("sales") == before
    assert [row.version for row in store.models("sales")] == [1]


def test_promotions_at_once_replace_each_other_in_turn(store: Store) -> None:
    for _ in range(6):
        made(store)
    at_once(store, 6, lambda index: store.promote("sales", index + 1))
    log = store.promotions("sales")[::-1]
    assert sorted(row.version for row in log) == [1, 2, 3, 4, 5, 6]
    assert [row.replaced for row in log] == [None, *(row.version for row in log[:-1])]
    assert store.aliases("sales") == {"champion": log[-1].version}
