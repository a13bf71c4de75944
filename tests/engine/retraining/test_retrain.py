"""Retraining: what is learned, what is unlearned, who is promoted, and that the champion is safe meanwhile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from anomalist.data.table import Table
from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.runs.run import run
from anomalist.engine.runs.score import score
from anomalist.engine.runs.sources import Source
from anomalist.errors import DataError, UsageError
from tests.engine.looping import (
    PANEL,
    asked,
    first,
    flipped,
    next_version,
    payments,
    scores_of,
    truth,
    verdicts,
)

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import RunRow


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "payments.csv"


@pytest.fixture
def unseen() -> Table:
    return Table.from_frame(payments(1_000, seed=9), key="id")


def quality(workspace: Workspace, reference: str, table: Table) -> float:
    return float(average_precision_score(truth(table), scores_of(workspace, reference, table)))


def test_good_verdicts_make_a_champion_that_is_better_on_rows_never_seen(
    workspace: Workspace, made: RunRow, table: Table, unseen: Table
) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 40))
    found = next_version(workspace)
    assert found.outcome.promoted
    assert found.outcome.comparison is not None
    assert found.outcome.comparison.verdict == "better"
    assert (found.outcome.champion, found.outcome.verdicts) == ("m:1", 40)
    assert (
        found.outcome.anomalies
        == truth(table)[[list(table.keys).index(k) for k in asked(workspace, made.id, 40)]].sum()
    )
    assert quality(workspace, "m", unseen) > quality(workspace, "m:1", unseen) + 0.2
    assert workspace.store.aliases("m") == {"champion": 2}
    assert [(p.version, p.replaced, p.how) for p in workspace.store.promotions("m")] == [
        (2, 1, "better"),
        (1, None, "first"),
    ]
    assert workspace.store.promotions("m")[0].run == found.result.row.id


def test_members_that_are_reused_are_the_very_same(workspace: Workspace, made: RunRow, table: Table) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 40))
    found = next_version(workspace)
    before, after = workspace.load("m:1")[0], workspace.load("m:2")[0]
    old, new = before.score(table), after.score(table)
    np.testing.assert_array_equal(new.surprises, old.surprises)
    assert after.names == before.names
    assert after.stack is not None
    assert old.probability is None
    assert new.probability is not None
    assert ((new.probability >= 0) & (new.probability <= 1)).all()
    assert found.result.row.kind == "retrain"
    assert found.result.row.flagged == 4  # the budget of 1 % stays
    np.testing.assert_array_equal(workspace.store.scores(found.result.row.id).score, new.score)


def test_a_row_is_scored_alike_alone_and_among_many_after_learning(
    workspace: Workspace, made: RunRow, table: Table
) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 30))
    next_version(workspace, promote=True)
    whole = scores_of(workspace, "m", table)
    alone = [scores_of(workspace, "m", table.take(np.array([row])))[0] for row in (0, 5, 399)]
    np.testing.assert_allclose(whole[[0, 5, 399]], alone, rtol=1e-9)


def test_members_that_are_fitted_again_see_the_new_rows(
    workspace: Workspace, made: RunRow, table: Table, unseen: Table
) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 40))
    found = next_version(workspace, members="refit", table=unseen)
    assert found.outcome.verdicts == 40  # though on rows that are not among those it was fitted on
    assert found.result.row.dataset.rows == 1_000
    assert not np.array_equal(
        workspace.load("m:1")[0].score(table).surprises, workspace.load("m:2")[0].score(table).surprises
    )
    assert found.outcome.promoted
    again = Table.from_frame(payments(1_000, seed=10), key="id")
    assert quality(workspace, "m:2", again) > quality(workspace, "m:1", again) + 0.2


def test_members_that_can_go_on_do_and_say_so(workspace: Workspace, path: Path, unseen: Table) -> None:
    made = first(workspace, path, detectors=("autoencoder:max_steps=10", "distance"))
    verdicts(workspace, Source.from_dict(made.params["origin"]).read(workspace.registry), asked(workspace, made.id, 20))
    found = next_version(workspace, members="warm-start", table=unseen, promote=True)
    notes = {report.seat.name: report.notes for report in found.result.reports}
    assert any(note.startswith("continues from m:1 (all ") for note in notes["autoencoder"])
    assert any(note == "fitted anew, it cannot continue" for note in notes["distance"])
    assert np.isfinite(scores_of(workspace, "m", unseen)).all()


@pytest.mark.parametrize("members", ["refit", "warm-start"])
def test_columns_may_come_and_go_between_versions(
    workspace: Workspace, made: RunRow, table: Table, members: Any
) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 40))
    frame = payments(600, seed=3)
    fewer = Table.from_frame(frame.drop("height"), key="id")
    found = next_version(workspace, members=members, table=fewer)
    assert found.outcome.verdicts == 40  # what was stored of a judged row is more than is needed
    assert not found.outcome.promoted
    assert found.outcome.comparison is None
    assert found.outcome.reason.startswith("the new version cannot be compared with m:1: ")
    assert "'height' is missing" in found.outcome.reason
    wider = Table.from_frame(frame.with_columns(speed=np.random.default_rng(0).normal(size=600)), key="id")
    found = next_version(workspace, members=members, table=wider)
    assert found.outcome.verdicts == 0
    assert any("40 judged rows of payments.csv" in note and "'speed'" in note for note in found.result.row.notes)
    assert not found.outcome.promoted
    assert scores_of(workspace, "m:3", wider).shape == (600,)
    assert workspace.store.aliases("m") == {"champion": 1, "challenger": 3}


def test_verdicts_on_rows_that_were_only_scored_are_learned_by_value(
    workspace: Workspace, made: RunRow, unseen: Table
) -> None:
    model, row = workspace.load("m")
    scored = score(workspace, unseen, model, row).row
    verdicts(workspace, unseen, asked(workspace, scored.id, 60))
    found = next_version(workspace)
    assert (found.outcome.verdicts, found.outcome.promoted) == (60, True)
    assert found.result.row.dataset.fingerprint == made.dataset.fingerprint
    again = Table.from_frame(payments(1_000, seed=10), key="id")
    assert quality(workspace, "m", again) > quality(workspace, "m:1", again) + 0.2


def test_verdicts_on_the_data_of_other_models_are_none_of_its_business(
    workspace: Workspace, made: RunRow, unseen: Table
) -> None:
    run(workspace, unseen, RunOptions(detectors=PANEL), name="other")
    verdicts(workspace, unseen, list(unseen.keys)[:10])
    with pytest.raises(UsageError, match="there is nothing to learn"):
        next_version(workspace)


def test_what_is_disputed_or_unsure_teaches_nothing(workspace: Workspace, made: RunRow, table: Table) -> None:
    keys = asked(workspace, made.id, 40)
    verdicts(workspace, table, keys[:30])
    alone = next_version(workspace, promote=False)
    verdicts(workspace, table, keys[30:35], say=lambda _: "unsure")
    verdicts(workspace, table, keys[35:40])
    verdicts(workspace, table, keys[35:40], say=flipped, analyst="bob")
    with_doubts = next_version(workspace, promote=False)
    assert with_doubts.outcome.verdicts == alone.outcome.verdicts == 30
    np.testing.assert_array_equal(scores_of(workspace, "m:3", table), scores_of(workspace, "m:2", table))
    verdicts(workspace, table, keys[35:40], analyst="eve")  # two against one
    assert next_version(workspace, promote=False).outcome.verdicts == 35


def test_what_was_taken_back_is_unlearned(workspace: Workspace, made: RunRow, table: Table) -> None:
    keys = asked(workspace, made.id, 60)
    verdicts(workspace, table, keys[:30])
    next_version(workspace, promote=True)
    verdicts(workspace, table, keys[30:60], say=flipped)
    next_version(workspace, promote=True)
    assert not np.array_equal(scores_of(workspace, "m:3", table), scores_of(workspace, "m:2", table))
    verdicts(workspace, table, keys[30:60], say=lambda _: None)
    found = next_version(workspace)
    assert found.outcome.verdicts == 30
    np.testing.assert_array_equal(scores_of(workspace, "m:4", table), scores_of(workspace, "m:2", table))
    assert found.outcome.comparison is not None
    assert found.outcome.comparison.all.rows == 30


def test_nothing_to_learn_is_one_line_and_nothing_is_stored(workspace: Workspace, made: RunRow, table: Table) -> None:
    for _ in range(2):
        with pytest.raises(UsageError, match=rf"there is nothing to learn: .*anomalist review {made.id}`.*refit"):
            next_version(workspace)
        verdicts(workspace, table, asked(workspace, made.id, 3), say=lambda _: "unsure")
    assert [kept.id for kept in workspace.store.runs()] == [made.id]


def test_members_may_be_fitted_again_without_any_verdict(workspace: Workspace, made: RunRow, unseen: Table) -> None:
    found = next_version(workspace, members="refit", table=unseen)
    assert (found.outcome.verdicts, found.outcome.promoted, found.outcome.comparison) == (0, False, None)
    assert found.outcome.reason == "there is no verdict to compare them by"
    assert workspace.load("m:2")[0].stack is None
    assert workspace.store.scores(found.result.row.id).probability is None


def test_rows_that_are_gone_are_asked_for_by_the_name_of_the_option(
    workspace: Workspace, made: RunRow, table: Table, path: Path
) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 20))
    path.write_text(path.read_text().replace("Bern", "Rome"))
    with pytest.raises(DataError, match=r"its rows are not those of run .*--data"):
        next_version(workspace)
    path.unlink()
    with pytest.raises(DataError, match=r"payments\.csv.*--data"):
        next_version(workspace)
    assert [kept.id for kept in workspace.store.runs()] == [made.id]
    assert next_version(workspace, table=table).outcome.promoted


@pytest.mark.parametrize("poison", ["flipped", "random"])
def test_poison_is_not_promoted_and_the_champion_stays_what_it_was(
    workspace: Workspace, made: RunRow, table: Table, unseen: Table, poison: str
) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 50))
    assert next_version(workspace).outcome.promoted
    before, hashed = workspace.load("m")[0].score(unseen), workspace.find("m").hash
    coin = np.random.default_rng(0)
    bad: Any = flipped if poison == "flipped" else lambda _: "anomaly" if coin.random() < 0.5 else "expected"
    verdicts(workspace, table, asked(workspace, made.id, 50, offset=50), say=bad)
    verdicts(workspace, table, asked(workspace, made.id, 10), say=bad)
    found = next_version(workspace)
    assert not found.outcome.promoted
    assert found.outcome.champion == "m:2"
    assert workspace.store.aliases("m") == {"champion": 2, "challenger": 3}
    assert workspace.find("m").hash == hashed
    after = workspace.load("m")[0].score(unseen)
    for name in ("score", "surprises", "flagged", "probability"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    assert workspace.load("m@challenger")[1].version == 3


def test_a_rollback_gives_the_very_scores_and_the_threshold_back(
    workspace: Workspace, made: RunRow, table: Table, unseen: Table
) -> None:
    first_scores = workspace.load("m")[0].score(unseen)
    verdicts(workspace, table, asked(workspace, made.id, 40))
    next_version(workspace, promote=True, budget=25)
    second_scores = workspace.load("m")[0].score(unseen)
    next_version(workspace, promote=True, stacker="logistic", budget=7)
    for expected, version in ((second_scores, 2), (first_scores, 1)):
        assert workspace.store.rollback("m").version == version
        model, row = workspace.load("m")
        found = model.score(unseen)
        np.testing.assert_array_equal(found.score, expected.score)
        np.testing.assert_array_equal(found.flagged, expected.flagged)
        scored = score(workspace, unseen, model, row).row
        np.testing.assert_array_equal(workspace.store.scores(scored.id).score, expected.score)
    with pytest.raises(UsageError, match="m"):
        workspace.store.rollback("m")


def test_whoever_promotes_or_does_not_has_the_last_word(workspace: Workspace, made: RunRow, table: Table) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 40))
    kept = next_version(workspace, promote=False)
    assert kept.outcome.comparison is not None
    assert (kept.outcome.promoted, kept.outcome.comparison.promote) == (False, True)
    assert workspace.store.aliases("m") == {"champion": 1, "challenger": 2}
    verdicts(workspace, table, asked(workspace, made.id, 40), say=flipped)
    forced = next_version(workspace, promote=True)
    assert forced.outcome.promoted
    assert workspace.store.aliases("m")["champion"] == 3
    assert workspace.store.promotions("m")[0].how == "asked"


def test_a_challenger_is_compared_with_the_champion_whatever_it_starts_from(
    workspace: Workspace, made: RunRow, table: Table
) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 40))
    next_version(workspace)
    found = next_version(workspace, "m:1", stacker="logistic")
    assert found.outcome.champion == "m:2"
    assert found.result.row.params["model"] == "m:1"


def test_the_comparison_is_stored_with_the_run(workspace: Workspace, made: RunRow, table: Table) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 40))
    found = next_version(workspace)
    kept = workspace.store.run(found.result.row.id)
    assert kept.results is not None
    assert kept.results["retrain"] == json.loads(json.dumps(found.outcome.to_dict(), allow_nan=False))
    assert found.to_dict()["retrain"] == found.outcome.to_dict()
    assert kept.model == ("m", 2)
    assert kept.params["retrain"]["members"] == "reuse"
    details = workspace.find("m:2").details["stack"]
    assert details == {
        "name": "gp",
        "position": workspace.store.feedback_position(),
        "datasets": [made.dataset.fingerprint],
        "verdicts": 40,
        "anomalies": found.outcome.anomalies,
        "rate": pytest.approx(details["rate"]),
    }


def test_what_verdicts_changed_is_said_of_the_rows_that_are_explained(
    workspace: Workspace, made: RunRow, table: Table
) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 40))
    found = next_version(workspace, top=12)
    assert len(found.result.findings) == 12
    best = found.result.findings[0]
    assert best.moved is not None
    assert next(iter(best.moved["columns"])) == "amount"
    assert set(best.moved["detectors"]) <= {"distance", "explaining"}


@pytest.mark.parametrize("stacker", ["gp", "gp:local=4,weak=100", "logistic", "boosting:trees=20", "consensus"])
def test_the_same_verdicts_and_the_same_seed_make_the_same_model(
    workspace: Workspace, made: RunRow, table: Table, stacker: str
) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 30))
    found = [next_version(workspace, stacker=stacker, promote=False, members="refit") for _ in range(2)]
    hashes = [workspace.find(f"m:{version}").hash for version in (2, 3)]
    assert hashes[0] == hashes[1]
    assert found[0].outcome.to_dict() == found[1].outcome.to_dict()
    other = next_version(workspace, stacker=stacker, promote=False, members="refit", seed=5)
    assert other.result.row.seed == 5
    model, row = workspace.load("m:3")
    assert model.stack is not None
    assert model.stack.name == stacker.partition(":")[0] == row.details["stack"]["name"]
    if stacker == "gp:local=4,weak=100":
        assert (model.stack.params["local"], model.stack.params["weak"]) == (4.0, 100)


def test_a_version_learns_anew_and_not_on_top_of_what_was_learned(
    workspace: Workspace, made: RunRow, table: Table
) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 30))
    next_version(workspace, promote=True)
    next_version(workspace, promote=True)
    np.testing.assert_array_equal(scores_of(workspace, "m:3", table), scores_of(workspace, "m:2", table))


def test_what_cannot_be_stacked_by_is_refused_before_a_run(workspace: Workspace, made: RunRow, table: Table) -> None:
    verdicts(workspace, table, asked(workspace, made.id, 20))
    for stacker, says in (
        ("nope", "no stacker is called 'nope'; there are gp, logistic, boosting, consensus"),
        ("gp:locale=4", "gp has no parameter 'locale'"),
        ("gp:local=-1", "gp: local must be a variance of 0 or more, got -1.0"),
        ("gp:weak=many", "gp: weak must be"),
    ):
        with pytest.raises(UsageError, match=says):
            next_version(workspace, stacker=stacker)
    for reference in ("q", "m:9", "m@challenger"):
        with pytest.raises(UsageError, match="no model"):
            next_version(workspace, reference)
    assert len(workspace.store.runs()) == 1
