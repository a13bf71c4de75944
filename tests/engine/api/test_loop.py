"""The loop from Python: judge, ask, retrain, promote, monitor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

import anomalist
from anomalist import Run
from anomalist.config import load_settings
from anomalist.engine.api.opening import opened
from anomalist.engine.feedback.recording import say
from anomalist.engine.review.questions import ReviewOptions
from anomalist.engine.review.review import Review
from anomalist.errors import AnomalistError, DataError, ParameterError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anomalist.plugins.registry import Registry
    from anomalist.store.rows import FeedbackRow

DETECTORS = ["distance", "explaining:power=1"]
ROWS = 400
WANTED = range(30, 50)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry) -> None:
    """An empty data folder, the detectors of the tests, and somebody who judges."""
    monkeypatch.setenv("ANOMALIST_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ANOMALIST_ANALYST", "ann")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def rows() -> pl.DataFrame:
    """400 rows; the first 30 are the strangest and harmless, the 20 after them are looked for."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(ROWS, 3))
    values[:30, 0] += 12.0
    values[30:50, 1] += 5.0
    return pl.DataFrame({"id": range(1000, 1000 + ROWS), "a": values[:, 0], "b": values[:, 1], "c": values[:, 2]})


@pytest.fixture
def made(rows: pl.DataFrame) -> Run:
    return anomalist.run(rows, key="id", detectors=DETECTORS, budget=20, name="m")


def truth(keys: pl.Series) -> dict[str, str]:
    """What somebody who knows would say of rows."""
    return {key: "anomaly" if int(key) - 1000 in WANTED else "expected" for key in keys}


def log() -> list[FeedbackRow]:
    with opened(load_settings()) as workspace:
        return workspace.store.feedback()


def test_a_row_is_judged_and_judged_anew_and_taken_back(made: Run) -> None:
    made.judge(1000, "expected", cause="test bench", note="since May")
    (stored,) = log()
    assert (stored.key, stored.verdict, stored.analyst, stored.run) == ("1000", "expected", "ann", made.id)
    assert (stored.cause, stored.note) == ("test bench", "since May")
    assert (stored.asked, stored.probability) == ("search", None)
    assert stored.values == made.result.table.values(0)
    made.judge("1000", "False alarm")
    made.judge("1000", verdict=True, analyst="bob")
    found = made.verdicts()
    assert " ".join(found.columns) == "entry key verdict state analyst cause note asked probability time"
    assert found.select("verdict", "analyst", "state").rows() == [
        ("anomaly", "bob", "disputed"),
        ("false_alarm", "ann", "disputed"),
    ]
    made.take_back("1000", note="a slip")
    assert made.verdicts().select("verdict", "analyst", "state").rows() == [("anomaly", "bob", "agreed")]
    every = made.verdicts(everything=True)
    assert every["state"].to_list() == ["takes back", "agreed", "taken back", "superseded"]
    assert every["note"][0] == "a slip"
    with pytest.raises(UnknownNameError, match="no verdict of ann stands on row '1000'"):
        made.take_back(1000)


def test_verdicts_stand_in_every_run_over_the_same_rows(made: Run, rows: pl.DataFrame) -> None:
    assert made.verdicts().height == 0
    made.judge({1000: "expected", "1030": 1})
    again = anomalist.score(rows, "m")
    assert again.verdicts()["key"].to_list() == ["1030", "1000"]
    assert anomalist.score(rows[:100], "m").verdicts().height == 0


@pytest.mark.parametrize("kind", ["polars", "pandas"])
def test_several_rows_are_judged_by_a_frame(kind: str, made: Run) -> None:
    frame = pl.DataFrame(
        {"key": [1030, 1000, 1001], "verdict": ["anomaly", "normal", None], "note": ["clear", None, "later"], "x": 1}
    )
    given: Any = frame if kind == "polars" else pytest.importorskip("pandas").DataFrame(frame.to_dict(as_series=False))
    made.judge(given, note="seen by hand", cause="bench")
    assert [(row.key, row.verdict, row.note, row.cause) for row in log()] == [
        ("1030", "anomaly", "clear", "bench"),
        ("1000", "false_alarm", "seen by hand", "bench"),
    ]


def test_a_frame_of_the_data_with_a_verdict_is_taken(rows: pl.DataFrame) -> None:
    noted = rows.with_columns(note=pl.lit("of the row"))
    made = anomalist.run(noted, key="id", detectors=DETECTORS)
    made.judge(noted.with_columns(verdict=pl.when(pl.col("id") < 1003).then(0)))
    assert [(row.key, row.verdict, row.note) for row in log()] == [
        (str(key), "false_alarm", None) for key in range(1000, 1003)
    ]


@pytest.mark.parametrize(
    ("judging", "error", "message"),
    [
        (lambda run: run.judge("7", "anomaly"), UnknownNameError, "has no row with the key '7'$"),
        (lambda run: run.judge({1000: "anomaly", 7: 0, 8: 0}), UnknownNameError, "has no row with the key '7', '8'$"),
        (lambda run: run.judge(dict.fromkeys(range(9), 1)), UnknownNameError, "'4' and 4 more$"),
        (lambda run: run.judge({1000: "anomaly", 1001: "odd"}), UsageError, "row '1001': 'odd' is no verdict; the ver"),
        (lambda run: run.judge({1000: "anomaly", "1000": 0}), UsageError, "key '1000' comes twice"),
        (lambda run: run.judge({}), UsageError, "there is no verdict"),
        (lambda run: run.judge("1000"), UsageError, r"say what row '1000' is, such as judge\('1000', 'anomaly'\)"),
        (lambda run: run.judge({1000: "anomaly"}, "anomaly"), UsageError, "brings its verdicts"),
        (lambda run: run.judge({1000: "anomaly"}, note="\0"), UsageError, "note must be text without control"),
        (lambda run: run.judge({1000: "anomaly"}, analyst=" "), UsageError, "analyst must be a name"),
        (lambda run: run.judge([1000]), DataError, "verdicts: a polars or pandas DataFrame is needed, got list"),
        (lambda run: run.judge(run.top(3)), DataError, "verdicts: there is no column 'verdict'"),
        (lambda run: run.judge(pl.DataFrame({"verdict": [1]})), DataError, "verdicts: there is no column 'key'"),
        (lambda run: run.judge(pl.DataFrame({"key": [1000] * 2, "verdict": 1})), DataError, "stands in rows 1, 2"),
        (lambda run: run.judge(pl.DataFrame({"key": [1000], "verdict": [None]})), UsageError, "there is no verdict"),
        (lambda run: run.take_back(7), UnknownNameError, "has no row with the key '7'"),
    ],
)
def test_what_cannot_be_judged_is_refused_and_nothing_is_stored(
    judging: Callable[[Run], None], error: type[AnomalistError], message: str, made: Run
) -> None:
    with pytest.raises(error, match=message) as refused:
        judging(made)
    assert "\n" not in str(refused.value)
    assert log() == []


def test_it_asks_what_a_review_would_ask(made: Run, rows: pl.DataFrame, tmp_path: Path) -> None:
    asked = made.ask(8)
    assert asked.columns == ["key", "row", "rank", "score", "probability", "asked", "chance", "why"]
    assert asked.equals(made.ask(8))  # nothing was said meanwhile
    assert asked[:5].equals(made.ask())
    assert asked["probability"].null_count() == 8
    assert asked.join(made.scores, on="key", maintain_order="left")["score_right"].to_list() == asked["score"].to_list()
    assert asked["why"].str.contains(r"\(typically ").all()
    rows.write_csv(tmp_path / "rows.csv")
    with opened(load_settings()) as workspace:
        review = Review.open(workspace, made.id, ReviewOptions(batch=8), data=str(tmp_path / "rows.csv"))
        theirs: list[tuple[object, ...]] = []
        while len(theirs) < 8 and (question := review.next()) is not None:
            theirs.append((question.finding.key, question.asked, question.chance))
            review.skip()
    assert asked.select("key", "asked", "chance").rows() == theirs


def test_what_was_asked_is_stored_with_how_it_came_to_be_asked(made: Run) -> None:
    asked = made.ask(6, mix="random=1")
    assert asked["chance"].to_list() == pytest.approx([1 / (ROWS - i) for i in range(6)])
    made.judge(asked.with_columns(verdict=pl.lit("expected")))
    other = next(key for key in made.scores["key"] if key not in set(asked["key"]))
    made.judge(other, "expected")
    stored = {row.key: (row.asked, row.probability) for row in log()}
    assert stored.pop(other) == ("search", None)
    assert stored == {key: (how, chance) for key, how, chance in asked.select("key", "asked", "chance").rows()}


def test_the_queue_learns_from_what_was_said(made: Run) -> None:
    seen: list[str] = []
    for _ in range(6):
        asked = made.ask(5, mix="top=1")
        assert not set(asked["key"]) & set(seen)
        made.judge(truth(asked["key"]))
        seen += asked["key"].to_list()
    at_first = sum(verdict == "anomaly" for verdict in truth(made.top(30)["key"]).values())
    assert sum(verdict == "anomaly" for verdict in truth(pl.Series(seen)).values()) >= max(17, at_first + 5)
    assert made.ask(1)["probability"].null_count() == 0


def test_disputed_rows_are_asked_about_on_request(made: Run) -> None:
    made.judge({1000: "anomaly", 1001: "anomaly"})
    made.judge(1000, "expected", analyst="bob")
    asked = made.ask(disputed=True, analyst="cid")
    assert asked.select("key", "asked", "chance").rows() == [("1000", "search", None)]
    assert made.ask(disputed=True).is_empty()  # ann has said what she thinks


def test_verdicts_that_cannot_be_learned_from_are_named(
    made: Run, rows: pl.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    later = anomalist.score(rows[50:].with_columns(pl.col("id") + 1), "m")
    with opened(load_settings()) as workspace:
        say(workspace, made.result.row, "1000", "anomaly", analyst="bob", values={"a": 1.0})
    assert later.ask(2).height == 2
    assert "left out: 1 judged row of frame" in caplog.text


def test_what_cannot_be_asked_is_refused(made: Run) -> None:
    with pytest.raises(ParameterError, match="count must be a whole number of at least 1, got 0"):
        made.ask(0)
    with pytest.raises(ParameterError, match="mix 'best=1' names 'best'"):
        made.ask(mix="best=1")
    with pytest.raises(UnknownNameError, match="no stacker is called 'magic'"):
        made.ask(stacker="magic")


def test_a_model_learns_and_takes_over_and_goes_back(made: Run, rows: pl.DataFrame) -> None:
    for _ in range(6):
        made.judge(truth(made.ask(5)["key"]))
    found = anomalist.retrain("m", rows, key="id", members="reuse")
    assert (found.promoted, found.champion, found.model_name) == (True, "m:1", "m:2")
    assert found.reason.startswith("on all verdicts the challenger is better")
    assert found.comparison is not None
    assert found.comparison["all"]["rows"] == 30
    assert found.comparison["all"]["measures"]["average_precision"]["gain"] > 0
    assert found.to_dict()["retrain"]["comparison"] == found.comparison
    assert found.scores.columns == ["key", "score", "level", "flagged", "probability", "distance", "explaining"]
    assert found.top(3).columns == ["key", "row", "score", "level", "flagged", "probability", "why"]
    assert sum(verdict == "anomaly" for verdict in truth(found.flagged["key"]).values()) >= 15
    assert found.verdicts().height == 30
    assert anomalist.score(rows, "m").scores.equals(found.scores)
    back = anomalist.rollback("m")
    assert (back.version, back.replaced) == (1, 2)
    assert anomalist.score(rows, "m").scores.equals(made.scores)
    assert anomalist.promote("m:2").how == "asked"


def test_promotion_can_be_decided_by_hand(made: Run, rows: pl.DataFrame) -> None:
    made.judge(truth(made.top(40)["key"]))
    kept = anomalist.retrain("m", rows, key="id", promote=False, stacker="logistic")
    assert not kept.promoted
    assert anomalist.score(rows, "m").model_name == "m:1"
    assert anomalist.promote("m").version == 2  # its challenger
    with pytest.raises(UsageError, match="m has no challenger"):
        anomalist.promote("m")
    forced = anomalist.retrain("m:1", rows, key="id", promote=True, seed=3, budget="10%")
    assert forced.promoted
    assert (forced.result.row.seed, forced.flagged.height) == (3, 40)


def test_rows_from_memory_have_to_be_given_again(made: Run, rows: pl.DataFrame, tmp_path: Path) -> None:
    made.judge(truth(made.top(40)["key"]))
    with pytest.raises(UsageError, match=r"came from memory.*in Python give them again as data="):
        anomalist.retrain("m")
    rows.write_csv(tmp_path / "rows.csv")
    again = anomalist.run(tmp_path / "rows.csv", key="id", detectors=DETECTORS, name="of_file")
    again.judge(truth(again.top(40)["key"]))
    assert len(anomalist.retrain("of_file").scores) == ROWS


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda rows: anomalist.retrain("m", rows, members="warm"), ParameterError, "members must be one of reuse, re"),
        (lambda rows: anomalist.retrain("m", key="id"), UsageError, r"is said \(key\), but not which: give them"),
        (lambda rows: anomalist.retrain("m", rows, members="reuse"), UsageError, "there is nothing to learn"),
        (lambda rows: anomalist.retrain("nobody", rows), UnknownNameError, "no model 'nobody'"),
        (lambda rows: anomalist.monitor("nobody", rows), UnknownNameError, "no model 'nobody'"),
        (lambda rows: anomalist.monitor("m", rows.drop("a")), DataError, "column 'a' is missing"),
        (lambda rows: anomalist.promote("m:1"), UsageError, "m:1 is the champion already"),
        (lambda rows: anomalist.promote("m:9"), UnknownNameError, "no model m:9"),
        (lambda rows: anomalist.promote("m x"), UsageError, "a model is named NAME"),
        (lambda rows: anomalist.rollback("m"), UsageError, "nothing to roll back to"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    call: Callable[[pl.DataFrame], object], error: type[AnomalistError], message: str, rows: pl.DataFrame
) -> None:
    with pytest.raises(error, match=message) as refused:
        call(rows)
    assert "\n" not in str(refused.value)


def test_rows_are_watched(made: Run, rows: pl.DataFrame) -> None:
    calm = anomalist.monitor("m", rows[::2])
    assert not calm.found
    assert calm.verdict.startswith("no drift: none of 3 columns moved")
    assert repr(calm) == f"<anomalist run {calm.id}: {calm.verdict}>"
    moved = anomalist.monitor("m:1", rows.with_columns(pl.col("b") + 3.0), key="id")
    assert moved.found
    assert moved.columns.filter("moved").select("column").rows() == [("b",)]
    assert {"column", "role", "psi", "ks", "p", "missing_now", "new_levels", "why"} < set(moved.columns.columns)
    assert moved.columns.filter("moved")["why"][0].to_list()
    plain = moved.to_dict()
    assert (plain["run"], plain["model"], plain["found"]) == (moved.id, {"name": "m", "version": 1}, True)
    with opened(load_settings()) as workspace:
        stored = workspace.store.run(moved.id)
    assert (stored.results or {})["drift"]["verdict"] == moved.verdict
