"""Learned: what verdicts changed in a score, by detector and by the columns as the user knows them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from anomalist.ensemble.learned import learned
from anomalist.ensemble.stack import Lesson
from anomalist.ensemble.stacked import Recipe
from anomalist.ensemble.stackers.consensus import Consensus
from anomalist.ensemble.stackers.gp import Gp
from anomalist.ensemble.stackers.logistic import Logistic
from tests.ensemble.samples import payments, tiny_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from anomalist.data.table import Table
    from anomalist.ensemble.model import Model
    from anomalist.ensemble.stack import Stacker


@pytest.fixture(scope="module")
def table() -> Table:
    return payments()


def taught(table: Table, make: Callable[[], Stacker]) -> Model:
    """A model that was told that the rows from Rome are anomalies, and those of a large amount are not."""
    plain = tiny_model(table, ["additive", "honest"])
    evidence = plain.evidence(plain.encoder.encode(table), plain.score(table).surprises)
    asked = np.r_[7, 20:32, 100, 200]
    given = Lesson(judged=evidence.take(asked), labels=np.isin(asked, (100, 200)) * 1.0, background=evidence)
    return replace(plain, stack=Recipe(name="x", params={}, make=make).learn(given))


def test_encoded_columns_are_added_up_to_those_of_the_user(table: Table) -> None:
    model = taught(table, Gp)
    data, scores = model.encoder.encode(table), model.score(table)
    found = learned(model, data, scores.surprises)
    assert found is not None
    assert model.stack is not None
    assert found.members == ("additive", "honest")
    assert found.columns == ("amount", "weight", "city")
    assert found.by_column.shape == (400, 3)
    assert isinstance(model.stack.stacker, Gp)
    members, columns = model.stack.stacker.moved(model.evidence(data, scores.surprises))
    np.testing.assert_array_equal(found.by_member, members)
    city = [index for index, origin in enumerate(data.origins) if origin == "city"]
    assert len(city) > 1
    np.testing.assert_allclose(found.by_column[:, 2], columns[:, city].sum(axis=1))
    np.testing.assert_allclose(found.by_column.sum(axis=1), columns.sum(axis=1))
    np.testing.assert_allclose(found.surprise, np.log(2) * model.evidence(data, scores.surprises).consensus)
    assert found.by_column[100].argmax() == 2


def test_of_a_row_the_largest_goes_first_and_what_is_next_to_nothing_is_left_out(table: Table) -> None:
    model = taught(table, Gp)
    found = learned(model, model.encoder.encode(table), model.score(table).surprises)
    assert found is not None
    for row in range(0, 400, 40):
        said = found.of(row)
        assert set(said) == {"detectors", "columns"}
        for part in said.values():
            sizes = [abs(nats) for nats in part.values()]
            assert sizes == sorted(sizes, reverse=True)
            assert all(size >= 0.01 for size in sizes)
            assert all(type(nats) is float for nats in part.values())
    assert next(iter(found.of(100)["columns"])) == "city"
    nothing = replace(found, by_member=np.zeros((400, 2)), by_column=np.full((400, 3), 0.001))
    assert nothing.of(0) == {"detectors": {}, "columns": {}}


def test_some_rows_alone_were_moved_as_among_all(table: Table) -> None:
    model = taught(table, Gp)
    data, surprises = model.encoder.encode(table), model.score(table).surprises
    every, some = (learned(model, data.take(rows), surprises[rows]) for rows in (slice(None), np.array([100, 7])))
    assert every is not None
    assert some is not None
    np.testing.assert_allclose(some.by_column, every.by_column[[100, 7]], atol=1e-9)
    np.testing.assert_allclose(some.by_member, every.by_member[[100, 7]], atol=1e-9)


def test_nothing_is_said_where_nothing_was_learned_or_the_stacker_cannot_say(table: Table) -> None:
    plain = tiny_model(table, ["additive", "honest"])
    for model, says in ((plain, False), (taught(table, Consensus), False), (taught(table, Logistic), True)):
        found = learned(model, model.encoder.encode(table), model.score(table).surprises)
        assert (found is not None) == says
