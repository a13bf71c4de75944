"""The loop on PostgreSQL: run, verdicts, retrain, roll back, with the same numbers as on SQLite."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import pytest

from anomalist.data.table import Table
from anomalist.engine.retraining.needed import need
from anomalist.engine.runs.sources import Source
from anomalist.engine.workspace import Workspace
from anomalist.store.repository import Store
from tests.engine.looping import asked, first, flipped, next_version, payments, scores_of, verdicts
from tests.store.postgres import NoServerError, server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anomalist.plugins.registry import Registry


@pytest.fixture
def elsewhere(tmp_path: Path, registry: Registry) -> Iterator[Workspace]:
    """A workspace whose store is on a server."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(server())
        except NoServerError as reason:
            pytest.skip(f"no PostgreSQL here: {reason}")
        store = Store.open(url, data_home=tmp_path)
        yield stack.enter_context(Workspace(store=store, registry=registry, models=tmp_path / "far"))


def test_the_loop_goes_round_on_a_server_as_in_a_file(
    workspace: Workspace, elsewhere: Workspace, tmp_path: Path
) -> None:
    unseen = Table.from_frame(payments(500, seed=9), key="id")
    found = []
    for place in (workspace, elsewhere):
        made = first(place, tmp_path / "payments.csv")
        table = Source.from_dict(made.params["origin"]).read(place.registry)
        before = scores_of(place, "m", unseen)
        verdicts(place, table, asked(place, made.id, 40))
        assert need(place, "m").now
        taught = next_version(place)
        assert taught.outcome.promoted
        assert not need(place, "m").now
        verdicts(place, table, asked(place, made.id, 40), say=flipped)
        poisoned = next_version(place)
        assert not poisoned.outcome.promoted
        assert place.store.aliases("m") == {"champion": 2, "challenger": 3}
        kept = place.store.run(taught.result.row.id)
        assert kept.results is not None
        probability = place.store.scores(kept.id).probability
        assert probability is not None
        learned = scores_of(place, "m", unseen)
        assert place.store.rollback("m").version == 1
        np.testing.assert_array_equal(scores_of(place, "m", unseen), before)
        assert [step.how for step in place.store.promotions("m")] == ["rollback", "better", "first"]
        found.append((kept.results["retrain"], probability, learned))
    (outcome, probability, learned), (others, their_probability, they_learned) = found
    assert outcome == others
    np.testing.assert_array_equal(probability, their_probability)
    np.testing.assert_array_equal(learned, they_learned)
