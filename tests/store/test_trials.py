"""Trials of a search: found by what it was asked, and out of the way of other runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.store.samples import dataset

if TYPE_CHECKING:
    from anomalist.store.repository import Store


def test_trials_are_found_by_their_question_and_listed_only_when_asked_for(store: Store) -> None:
    def add(**params: object) -> str:
        return store.start_run("evaluate", dataset(3), params=params, seed=0)

    search = add(tune={"trials": 2})
    trials = [add(trial={"question": "q1", "number": i}) for i in range(2)]
    other = add(trial={"question": "q2", "number": 0})
    assert [run.id for run in store.trials("q1")] == trials
    assert [run.params["trial"]["number"] for run in store.trials("q1")] == [0, 1]
    assert store.trials("q3") == []
    assert [run.id for run in store.runs()] == [search]
    assert [run.id for run in store.runs(trials=True)] == [other, *trials[::-1], search]
    assert store.run("latest").id == search
    assert store.run(other).id == other
