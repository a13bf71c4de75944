"""Review: a session that asks, is answered, and learns."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from anomalist.engine.feedback.recording import say
from anomalist.engine.feedback.verdicts import Judged
from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.review.questions import ReviewOptions
from anomalist.engine.review.queue import Mix
from anomalist.engine.review.ranking import Ranker
from anomalist.engine.review.review import Review
from anomalist.engine.runs.run import run
from anomalist.engine.runs.score import score
from anomalist.engine.runs.sources import Source
from anomalist.ensemble.stack import Evidence
from anomalist.ensemble.stacked import Recipe
from anomalist.ensemble.stackers.gp import Gp
from anomalist.errors import DataError, ParameterError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import RunRow

PLAIN = RunOptions(detectors=("distance", "explaining:power=1"))
TOP = ReviewOptions(analyst="ann", mix=Mix(top=1.0, uncertain=0.0, random=0.0))


@pytest.fixture
def source(frame: pl.DataFrame, tmp_path: Path) -> Source:
    """The payments in a file; rows 7 and 42 are anomalous in `amount`, row 100 in `city`."""
    frame.write_csv(tmp_path / "payments.csv")
    return Source(location=str(tmp_path / "payments.csv"), key="id", label="fraud")


@pytest.fixture
def made(workspace: Workspace, source: Source) -> RunRow:
    """A run over the payments."""
    return run(workspace, source.read(workspace.registry), PLAIN, name="m", origin=source.to_dict()).row


def asked(review: Review) -> str:
    question = review.next()
    assert question is not None
    return question.finding.key


def test_a_question_shows_what_is_known_of_the_row(workspace: Workspace, made: RunRow) -> None:
    review = Review.open(workspace, "latest", TOP)
    question = review.next()
    assert question is not None
    assert question is review.next()  # until it has an answer
    (top,) = workspace.store.top(made.id, 1)
    assert question.finding.key == top.key
    assert question.finding.values["fraud"] == 1
    assert question.finding.reasons[0].column in ("amount", "city")
    assert set(question.finding.members) == {"distance", "explaining"}
    assert (question.rank, question.asked, question.chance, question.twins) == (1, "top", 1.0, 0)
    assert question.probability is None  # nobody has said anything yet
    assert question.near == ()
    assert review.columns == ("id", "amount", "weight", "city")  # and not the label
    assert review.progress.flagged_left == made.flagged == 3


def test_a_verdict_is_stored_at_once_with_how_it_came_about(workspace: Workspace, made: RunRow) -> None:
    review = Review.open(workspace, made.id, ReviewOptions(analyst="ann", mix=Mix(), seed=3))
    question = review.next()
    assert question is not None
    entry = review.answer("anomaly", cause="typo", note="two zeros too many")
    (stored,) = workspace.store.feedback(run=made.id)
    assert stored == entry
    assert (stored.key, stored.verdict, stored.analyst, stored.run) == (question.finding.key, "anomaly", "ann", made.id)
    assert (stored.cause, stored.note) == ("typo", "two zeros too many")
    assert (stored.asked, stored.probability) == (question.asked, question.chance)
    assert dict(stored.values) == dict(question.finding.values)
    with pytest.raises(UsageError, match="no row was asked about"):
        review.answer("anomaly")


def test_a_row_that_was_not_recorded_is_explained_when_it_is_asked_about(workspace: Workspace, made: RunRow) -> None:
    random = ReviewOptions(analyst="ann", mix=Mix(top=0.0, uncertain=0.0, random=1.0))
    review = Review.open(workspace, made.id, random)
    ranks, chances = [], []
    for _ in range(10):
        question = review.next()
        assert question is not None
        assert question.finding.values["id"] == question.finding.key
        assert question.finding.members
        ranks.append(question.rank)
        chances.append(question.chance)
        review.answer("false_alarm")
    assert max(ranks) > 10
    assert chances == pytest.approx([1 / (300 - i) for i in range(10)])


def test_no_row_is_asked_about_again_by_anyone(workspace: Workspace, made: RunRow) -> None:
    first = Review.open(workspace, made.id, TOP)
    answered = []
    for _ in range(4):
        answered.append(asked(first))
        first.answer("unsure" if len(answered) == 2 else "expected")
    skipped = asked(first)
    first.skip()
    later = {asked(first) for _ in range(7) if not first.skip()} if asked(first) else set()
    assert not later & {*answered, skipped}
    second = Review.open(workspace, made.id, replace(TOP, analyst="bob"))
    assert asked(second) not in answered
    assert skipped in {asked(second), *(asked(second) for _ in range(10) if not second.skip())}


def test_the_rows_are_ranked_anew_after_each_batch(workspace: Workspace, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 3))
    rows[:30, 0] += 12.0  # strange and harmless, the strangest of all
    rows[30:50, 1] += 5.0  # what is looked for
    frame = pl.DataFrame({"id": [f"r{i}" for i in range(400)], "a": rows[:, 0], "b": rows[:, 1], "c": rows[:, 2]})
    frame.write_csv(tmp_path / "rows.csv")
    source = Source(location=str(tmp_path / "rows.csv"), key="id")
    made = run(workspace, source.read(workspace.registry), PLAIN, origin=source.to_dict()).row
    review = Review.open(workspace, made.id, TOP)
    found = []
    for number in range(30):
        row = int(asked(review)[1:])
        assert review.progress.learned == number - number % 5
        found.append(30 <= row < 50)
        review.answer("anomaly" if found[-1] else "expected")
    at_first = sum(30 <= scored.row < 50 for scored in workspace.store.top(made.id, 30))
    assert sum(found) >= max(17, at_first + 5)
    progress = review.progress
    assert (progress.answered, progress.anomalies) == (30, sum(found))
    assert progress.precision == pytest.approx(sum(found) / 30)
    question = review.next()
    assert question is not None
    assert question.probability is not None
    assert 0 < question.probability < 1


def test_the_nearest_judged_rows_are_shown_the_nearest_first(workspace: Workspace, made: RunRow) -> None:
    for key, verdict in (("r42", "anomaly"), ("r100", "expected"), ("r1", "false_alarm"), ("r2", "unsure")):
        say(workspace, made, key, verdict, analyst="bob", values={"amount": 1.0})
    question = Review.open(workspace, made.id, TOP).next()
    assert question is not None
    assert question.finding.key == "r7"
    assert question.near[0].judged.key == "r42"
    assert len(question.near) == 3
    distances = [one.distance for one in question.near]
    assert distances == sorted(distances)
    assert question.near[0].judged.verdicts[0].verdict == "anomaly"


def test_an_answer_is_undone_and_asked_again_also_after_the_batch(workspace: Workspace, made: RunRow) -> None:
    review = Review.open(workspace, made.id, replace(TOP, batch=2))
    assert review.undo() is None
    first = asked(review)
    review.answer("false_alarm")
    slip = asked(review)
    review.answer("false_alarm")
    third = asked(review)  # of the next batch: the slip was learned from
    assert review.progress.learned == 2
    undone = review.undo()
    assert undone is not None
    assert undone.entry is not None
    assert undone.entry.key == slip == asked(review)
    assert [row.key for row in workspace.store.feedback()] == [first]
    assert len(workspace.store.feedback(standing=False)) == 3  # the log only grows
    assert review.progress.answered == 1
    entry = review.answer("anomaly")
    assert (entry.key, entry.verdict) == (slip, "anomaly")
    assert asked(review) not in (first, slip)
    assert review.progress.learned == 2
    assert {row.key: row.verdict for row in workspace.store.feedback()} == {first: "false_alarm", slip: "anomaly"}
    for _ in range(2):
        review.undo()
    assert workspace.store.feedback() == []
    assert asked(review) == first
    assert third not in (first, slip)


def test_undo_takes_back_a_skip_too_and_nothing_is_lost(workspace: Workspace, made: RunRow) -> None:
    review = Review.open(workspace, made.id, TOP)
    order = []
    for _ in range(3):
        order.append(asked(review))
        review.skip()
    fourth = asked(review)
    review.undo()
    review.undo()
    seen = []
    for _ in range(3):
        seen.append(asked(review))
        review.skip()
    assert seen == [*order[1:], fourth]
    assert workspace.store.feedback(standing=False) == []


def test_the_last_verdict_is_amended(workspace: Workspace, made: RunRow) -> None:
    review = Review.open(workspace, made.id, TOP)
    with pytest.raises(UsageError, match="no verdict was given"):
        review.amend(note="too early")
    key = asked(review)
    before = review.answer("anomaly", cause="typo")
    review.next()
    review.skip()
    after = review.amend(note="seen by hand")
    assert (after.key, after.verdict, after.cause, after.note) == (key, "anomaly", "typo", "seen by hand")
    assert (after.asked, after.probability, after.supersedes) == (before.asked, before.probability, before.id)
    assert [step.entry for step in review.steps] == [after, None]
    review.undo()
    review.undo()
    assert workspace.store.feedback() == []


@pytest.fixture
def later(workspace: Workspace, made: RunRow, frame: pl.DataFrame, tmp_path: Path) -> RunRow:
    """A run of the stored model over new payments, much like the first."""
    frame.with_columns(pl.col("id") + "n", pl.col("amount") * 1.01).write_csv(tmp_path / "new.csv")
    model, row = workspace.load("m")
    source = Source(location=str(tmp_path / "new.csv"), key="id", label="fraud", like=model.encoder.reading)
    return score(workspace, source.read(workspace.registry), model, row, origin=source.to_dict()).row


def test_rows_of_a_later_run_are_reviewed_with_what_was_learned_from_earlier_ones(
    workspace: Workspace, made: RunRow, later: RunRow, frame: pl.DataFrame
) -> None:
    for key, verdict in (("r7", "expected"), ("r1", "false_alarm")):
        say(workspace, made, key, verdict, analyst="bob", values=frame.row(int(key[1:]), named=True))
    review = Review.open(workspace, later.id, TOP)
    assert (review.progress.learned, review.notes) == (2, ())
    question = review.next()
    assert question is not None
    assert {one.judged.key for one in question.near} == {"r7", "r1"}
    assert question.finding.key.endswith("n")
    review.answer("anomaly")
    assert workspace.store.feedback(run=later.id)[0].fingerprint == later.dataset.fingerprint


def test_verdicts_on_rows_that_the_model_cannot_read_are_named(
    workspace: Workspace, made: RunRow, later: RunRow
) -> None:
    say(workspace, made, "r7", "anomaly", analyst="bob", values={"amount": 500.0})
    review = Review.open(workspace, later.id, TOP)
    assert review.progress.learned == 0
    (note,) = review.notes
    assert "left out: 1 judged row of payments.csv" in note


def test_only_disputed_rows_on_request(workspace: Workspace, made: RunRow) -> None:
    for who, key, verdict in (
        ("bob", "r7", "anomaly"),
        ("cid", "r7", "expected"),
        ("bob", "r42", "anomaly"),
        ("bob", "r100", "unsure"),
        ("ann", "r5", "anomaly"),
        ("bob", "r5", "false_alarm"),
    ):
        say(workspace, made, key, verdict, analyst=who, values={"amount": 1.0})
    review = Review.open(workspace, made.id, replace(TOP, disputed=True))
    seen = set()
    while (question := review.next()) is not None:
        seen.add(question.finding.key)
        assert (question.asked, question.chance) == ("search", None)
        assert {row.analyst for row in question.said} <= {"bob", "cid"}
        review.answer("anomaly")
    assert seen == {"r7", "r100"}


def test_a_session_ends_when_no_row_is_left(workspace: Workspace, made: RunRow, frame: pl.DataFrame) -> None:
    review = Review.open(workspace, made.id, replace(TOP, batch=200))
    for _ in range(300):
        asked(review)
        review.skip()
    assert review.next() is None
    assert review.progress.skipped == 300


def test_what_cannot_be_reviewed_is_refused(workspace: Workspace, made: RunRow, source: Source, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="no stacker is called 'magic'"):
        Review.open(workspace, made.id, replace(TOP, stacker="magic"))
    with pytest.raises(UnknownNameError):
        Review.open(workspace, "zzzzzz", TOP)
    with pytest.raises(ParameterError, match="batch must be"):
        ReviewOptions(batch=0)
    with pytest.raises(UsageError, match="analyst must be"):
        Review.open(workspace, made.id, replace(TOP, analyst=" "))
    (tmp_path / "payments.csv").rename(tmp_path / "moved.csv")
    with pytest.raises(DataError, match="no file"):
        Review.open(workspace, made.id, TOP)
    assert asked(Review.open(workspace, made.id, TOP, data=str(tmp_path / "moved.csv"))) in ("r7", "r42", "r100")


def test_the_same_seed_and_the_same_verdicts_ask_the_same(workspace: Workspace, made: RunRow) -> None:
    def keys(seed: int) -> list[str]:
        review = Review.open(workspace, made.id, ReviewOptions(analyst="ann", seed=seed))
        return [asked(review) for _ in range(20) if not review.skip()] if review.next() else []

    assert keys(1) == keys(1)
    assert len({tuple(keys(seed)) for seed in range(4)}) > 1


@pytest.mark.parametrize("stacker", ["consensus", "logistic", "gp:local=4"])
def test_any_stacker_ranks(workspace: Workspace, made: RunRow, stacker: str) -> None:
    review = Review.open(workspace, made.id, ReviewOptions(analyst="ann", stacker=stacker, batch=2))
    for verdict in ("anomaly", "false_alarm", "anomaly"):
        asked(review)
        review.answer(verdict)
    assert review.summary()["stacker"] == stacker
    assert [answer["verdict"] for answer in review.summary()["answers"]] == ["anomaly", "false_alarm", "anomaly"]


def test_learning_from_new_verdicts_is_quick() -> None:
    rng = np.random.default_rng(0)
    rows = 10_000
    evidence = Evidence(
        consensus=rng.exponential(1.4, rows),
        surprises=rng.exponential(1.4, (rows, 8)),
        columns=rng.normal(size=(rows, 20)).astype(np.float32),
    )
    keys = pl.Series([str(i) for i in range(rows)])
    ranker = Ranker(
        evidence=evidence, keys=keys, fingerprint="f", recipe=Recipe(name="gp", params={}, make=Gp), budget=0.01
    )
    judged = [
        Judged(fingerprint="f", key=str(i), label=float(i % 2), state="agreed", verdicts=(), values={})
        for i in range(50)
    ]
    began = time.process_time()
    ranking = ranker.rank(judged)
    assert time.process_time() - began < 1.0
    assert ranking.learned == 50
    assert ranking.log_odds.shape == ranking.doubts.shape == (rows,)
