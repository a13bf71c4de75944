"""Recording: verdicts are said, superseded and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anomalist.engine.feedback.log import log_of
from anomalist.engine.feedback.recording import judge, row_values, say, take_back
from anomalist.engine.feedback.verdicts import settle
from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.runs.run import run
from anomalist.errors import DataError, UnknownNameError, UsageError
from tests.engine.feedback.judging import fit

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from anomalist.data.table import Table
    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import FeedbackRow, RunRow

RECORDED, PLAIN = "r7", "r20"


def test_a_verdict_is_kept_with_the_row(workspace: Workspace, fitted: RunRow) -> None:
    found = judge(workspace, "latest", RECORDED, "anomaly", analyst=" ann ", cause=" card ", note="two\nlines")
    assert (found.key, found.verdict, found.analyst, found.cause, found.note) == (
        RECORDED,
        "anomaly",
        "ann",
        "card",
        "two\nlines",
    )
    assert (found.asked, found.probability, found.run, found.supersedes) == ("search", None, fitted.id, None)
    assert found.fingerprint == fitted.dataset.fingerprint
    assert found.values == workspace.store.record(fitted.id, RECORDED).values
    assert found.values["amount"] == 500


def test_the_values_of_a_row_without_a_record_are_read_again(
    workspace: Workspace, fitted: RunRow, frame: pl.DataFrame, tmp_path: Path
) -> None:
    found = judge(workspace, fitted.id, PLAIN, "expected", analyst="ann")
    assert found.values == pytest.approx(frame.row(20, named=True))
    (tmp_path / "payments.csv").rename(tmp_path / "moved.csv")
    with pytest.raises(DataError, match=r"no file .*payments\.csv"):
        judge(workspace, fitted.id, "r21", "expected", analyst="ann")
    assert row_values(workspace, fitted, "r21", data=str(tmp_path / "moved.csv"))["id"] == "r21"
    frame.head(200).write_csv(tmp_path / "payments.csv")
    with pytest.raises(DataError, match="not those of run"):
        judge(workspace, fitted.id, "r21", "expected", analyst="ann")
    assert len(log_of(workspace)) == 1


def test_rows_from_memory_need_a_file_unless_recorded(workspace: Workspace, table: Table) -> None:
    run(workspace, table, RunOptions(detectors=("distance",)))
    judge(workspace, "latest", RECORDED, "anomaly", analyst="ann")
    with pytest.raises(UsageError, match=r"came from memory.*--data"):
        judge(workspace, "latest", PLAIN, "anomaly", analyst="ann")


def test_a_later_verdict_supersedes_and_nothing_is_edited(workspace: Workspace, fitted: RunRow) -> None:
    first = judge(workspace, fitted.id, RECORDED, "anomaly", analyst="ann")
    second = judge(workspace, fitted.id, RECORDED, "expected", analyst="ann")
    judge(workspace, fitted.id, RECORDED, "anomaly", analyst="bob")
    assert second.supersedes == first.id
    assert [row.verdict for row in log_of(workspace)] == ["expected", "anomaly"]
    assert log_of(workspace, standing=False)[0] == first


def test_a_verdict_stands_in_every_run_over_the_same_rows(
    workspace: Workspace, fitted: RunRow, frame: pl.DataFrame, tmp_path: Path
) -> None:
    judge(workspace, fitted.id, RECORDED, "anomaly", analyst="ann")
    again = fit(workspace, frame, tmp_path / "copy.csv")
    assert again.id != fitted.id
    assert [row.run for row in log_of(workspace, run_id=again.id)] == [fitted.id]
    assert judge(workspace, again.id, RECORDED, "expected", analyst="ann").supersedes is not None
    fresh = fit(workspace, frame.head(250), tmp_path / "fewer.csv")
    assert log_of(workspace, run_id=fresh.id) == []


def test_say_takes_how_a_row_was_asked_and_a_token(workspace: Workspace, fitted: RunRow) -> None:
    def once() -> FeedbackRow:
        return say(
            workspace,
            fitted,
            RECORDED,
            "anomaly",
            analyst="ann",
            values={"amount": 1},
            asked="random",
            probability=0.25,
            token="once",
        )

    first = once()
    assert (first.asked, first.probability, first.token, first.values) == ("random", 0.25, "once", {"amount": 1})
    assert once() == first
    assert len(log_of(workspace, standing=False)) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"verdict": "bad"}, "verdict must be one of anomaly, expected, .*, got 'bad'"),
        ({"asked": "told"}, "asked must be one of top, uncertain, random, search, got 'told'"),
        ({"probability": 0.0}, "probability must be above 0 and at most 1, got 0.0"),
        ({"probability": 1.5}, "probability must be above 0 and at most 1, got 1.5"),
        ({"probability": float("nan")}, "probability must be above 0"),
        ({"analyst": " "}, "analyst must be a name of one line, got ' '"),
        ({"analyst": "two\nlines"}, "analyst must be a name of one line"),
        ({"note": "a\x00b"}, "note must be text without control characters"),
        ({"cause": "\x1b[31m"}, "cause must be text without control characters"),
    ],
)
def test_what_cannot_be_said_is_refused(
    workspace: Workspace, fitted: RunRow, change: dict[str, Any], says: str
) -> None:
    words: dict[str, Any] = {"verdict": "anomaly", "analyst": "ann", "values": {}} | change
    with pytest.raises(UsageError, match=says):
        say(workspace, fitted, RECORDED, **words)
    assert log_of(workspace) == []


def test_unknown_rows_and_runs(workspace: Workspace, fitted: RunRow) -> None:
    with pytest.raises(UnknownNameError, match="no row with the key 'r999'"):
        judge(workspace, fitted.id, "r999", "anomaly", analyst="ann")
    with pytest.raises(UnknownNameError, match="no run 'zzzz'"):
        judge(workspace, "zzzz", RECORDED, "anomaly", analyst="ann")


# Taking back


def test_a_taking_back_is_an_entry_of_its_own(workspace: Workspace, fitted: RunRow) -> None:
    first = judge(workspace, fitted.id, RECORDED, "anomaly", analyst="ann")
    back, before = take_back(workspace, fitted.id, RECORDED, analyst="ann", note="a slip")
    assert before == first
    assert (back.verdict, back.supersedes, back.note, back.values) == (None, first.id, "a slip", first.values)
    assert log_of(workspace) == []
    assert log_of(workspace, standing=False) == [first, back]
    with pytest.raises(UnknownNameError, match=f"no verdict of ann stands on row '{RECORDED}'.*nobody has judged"):
        take_back(workspace, fitted.id, RECORDED, analyst="ann")
    judge(workspace, fitted.id, RECORDED, "expected", analyst="ann")
    assert [row.verdict for row in log_of(workspace)] == ["expected"]


def test_what_was_superseded_does_not_come_back(workspace: Workspace, fitted: RunRow) -> None:
    judge(workspace, fitted.id, RECORDED, "anomaly", analyst="ann")
    judge(workspace, fitted.id, RECORDED, "expected", analyst="ann")
    take_back(workspace, fitted.id, RECORDED, analyst="ann")
    assert settle(log_of(workspace, standing=False)) == []


def test_only_ones_own_verdict_can_be_taken_back(workspace: Workspace, fitted: RunRow) -> None:
    judge(workspace, fitted.id, RECORDED, "anomaly", analyst="ann")
    with pytest.raises(UnknownNameError, match=r"no verdict of bob.*there are those of ann \(--analyst NAME\)"):
        take_back(workspace, fitted.id, RECORDED, analyst="bob")
    with pytest.raises(UnknownNameError, match="no row with the key 'r777'"):
        take_back(workspace, fitted.id, "r777", analyst="ann")
    assert len(log_of(workspace)) == 1
