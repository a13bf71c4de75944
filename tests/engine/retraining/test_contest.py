"""The contest: each is asked about the same judged rows, and judged by what it was not taught."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.data.table import Table
from anomalist.engine.runs.score import score
from tests.engine.looping import asked, flipped, next_version, payments, verdicts

if TYPE_CHECKING:
    from anomalist.engine.retraining.compare import Comparison
    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import RunRow


def contested(workspace: Workspace, reference: str = "m", **options: Any) -> Comparison:
    found = next_version(workspace, reference, promote=options.pop("promote", False), **options).outcome.comparison
    assert found is not None
    return found


def rows(found: Comparison) -> tuple[int, int, int]:
    """How many verdicts there are in all, that the champion was taught too, and that are new to it."""
    return found.all.rows, found.taught.rows, found.new.rows


def test_the_first_champion_was_taught_nothing(workspace: Workspace, made: RunRow, table: Table) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 40))
    found = contested(workspace)
    assert rows(found) == (40, 0, 40)
    assert (found.verdict, found.promote) == ("better", True)


def test_verdicts_are_told_apart_by_when_the_champion_learned(workspace: Workspace, made: RunRow, table: Table) -> None:
    keys = asked(workspace, made.id, 60)
    verdicts(workspace, table, keys[:30])
    assert rows(contested(workspace, promote=True)) == (30, 0, 30)
    verdicts(workspace, table, keys[30:50])
    assert rows(contested(workspace)) == (50, 30, 20)
    verdicts(workspace, table, keys[:5], say=flipped)  # another mind: new, and no longer what it was taught
    assert rows(contested(workspace)) == (50, 25, 25)
    verdicts(workspace, table, keys[5:10], say=lambda _: None)  # taken back: judges nobody
    assert rows(contested(workspace)) == (45, 20, 25)


def test_taught_the_same_nobody_is_worse(workspace: Workspace, made: RunRow, table: Table) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 40))
    next_version(workspace, promote=True)
    found = contested(workspace)
    assert rows(found) == (40, 40, 0)
    assert (found.verdict, found.promote) == ("not_worse", True)
    assert all(pair.gain == 0.0 for pair in found.all.measures.values())


def test_members_that_were_fitted_again_are_asked_on_their_own(
    workspace: Workspace, made: RunRow, table: Table
) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 40))
    next_version(workspace, promote=True)
    elsewhere = Table.from_frame(payments(500, seed=8), key="id")
    found = contested(workspace, members="refit", table=elsewhere)
    assert rows(found) == (40, 40, 0)
    assert found.all.measures["average_precision"].gain != 0.0 or found.all.measures["log_loss"].gain != 0.0


def test_both_are_asked_about_rows_of_every_dataset(workspace: Workspace, made: RunRow, table: Table) -> None:
    other = Table.from_frame(payments(300, seed=6), key="id", source="other.csv")
    model, row = workspace.load("m")
    run = score(workspace, other, model, row).row
    verdicts(workspace, table, asked(workspace, made.id, 25))
    verdicts(workspace, other, asked(workspace, run.id, 25))
    assert rows(contested(workspace, members="refit", promote=True)) == (50, 0, 50)
    assert rows(contested(workspace)) == (50, 50, 0)


def test_what_a_version_that_waited_was_taught_counts_once_it_is_champion(
    workspace: Workspace, made: RunRow, table: Table
) -> None:
    keys = asked(workspace, made.id, 60)
    verdicts(workspace, table, keys[:30])
    next_version(workspace, promote=False)
    verdicts(workspace, table, keys[30:])
    assert rows(contested(workspace)) == (60, 0, 60)  # the champion is still the first
    workspace.store.promote("m", 2)
    assert rows(contested(workspace)) == (60, 30, 30)


def test_another_stacker_is_judged_as_what_it_is(workspace: Workspace, made: RunRow, table: Table) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 50))
    next_version(workspace, promote=True)
    found = contested(workspace, stacker="consensus")
    assert (found.verdict, found.promote) == ("worse", False)
    assert found.all.measures["average_precision"].gain < -0.1
    gain = contested(workspace, stacker="logistic").all.measures["log_loss"]
    assert np.isfinite([gain.low, gain.high, gain.gain]).all()


def test_verdicts_of_one_kind_promote_nobody_and_say_why(workspace: Workspace, made: RunRow, table: Table) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 10), say=lambda _: "false_alarm")
    found = next_version(workspace)
    assert not found.outcome.promoted
    assert found.outcome.reason == "too few verdicts: 0 anomalies and 10 others, 3 of each are needed"
    assert workspace.load("m:2")[0].stack is not None
