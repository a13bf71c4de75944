"""Feedback: verdicts go in one by one or by the file, and come out again."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from anomalist.data.table import Table
from anomalist.engine.feedback import analyst_name, as_dict, check_text, judge, log_of, row_values, say, take_back
from anomalist.engine.feedback_export import export_feedback, feedback_frame
from anomalist.engine.feedback_import import import_feedback
from anomalist.engine.feedback_log import read_log, tally
from anomalist.engine.request import RunOptions
from anomalist.engine.run import run
from anomalist.engine.score import score
from anomalist.engine.sources import Source
from anomalist.engine.verdicts import settle
from anomalist.engine.workspace import Workspace
from anomalist.errors import DataError, UnknownNameError, UsageError
from anomalist.store.repository import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from anomalist.plugins.registry import Registry
    from anomalist.store.rows import FeedbackRow, RunRow

RECORDED, PLAIN = "r7", "r20"


def fit(workspace: Workspace, frame: pl.DataFrame, path: Path, *, key: str | None = "id") -> RunRow:
    """A run over the rows, which are in a file that it knows."""
    frame.write_csv(path)
    source = Source(location=str(path), key=key, label="fraud")
    found = run(
        workspace,
        source.read(workspace.registry),
        RunOptions(detectors=("distance",)),
        name="m",
        origin=source.to_dict(),
    )
    return found.row


@pytest.fixture
def fitted(workspace: Workspace, frame: pl.DataFrame, tmp_path: Path) -> RunRow:
    return fit(workspace, frame, tmp_path / "payments.csv")


@pytest.fixture
def other(registry: Registry, frame: pl.DataFrame, tmp_path: Path) -> Iterator[tuple[Workspace, RunRow]]:
    """Another store with a run over the same rows."""
    with Workspace(store=Store.open(data_home=tmp_path / "b"), registry=registry, models=tmp_path / "b") as opened:
        yield opened, fit(opened, frame, tmp_path / "again.csv")


def standing(workspace: Workspace) -> set[tuple[Any, ...]]:
    """What stands, without what differs from store to store."""
    return {
        (row.fingerprint, row.key, row.verdict, row.analyst, row.cause, row.note, row.asked, row.probability, row.token)
        for row in log_of(workspace)
    }


def file(folder: Path, text: str, name: str = "labels.csv") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


# One verdict


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


def test_the_log_of_a_model_holds_all_data_that_it_met(
    workspace: Workspace, fitted: RunRow, frame: pl.DataFrame, tmp_path: Path
) -> None:
    model, row = workspace.load("m")
    table = Table.from_frame(frame.head(30), source="new.csv", key="id", label="fraud")
    found = score(workspace, table, model, row)
    judge(workspace, fitted.id, RECORDED, "anomaly", analyst="ann")
    judge(workspace, found.row.id, RECORDED, "expected", analyst="ann")
    assert [row.source for row in log_of(workspace, model="m")] == ["payments.csv", "new.csv"]
    assert [row.source for row in log_of(workspace, model="m:1", standing=False)] == ["payments.csv", "new.csv"]
    assert [row.source for row in log_of(workspace, run_id=found.row.id)] == ["new.csv"]
    with pytest.raises(UnknownNameError, match="no model 'q'"):
        log_of(workspace, model="q")
    with pytest.raises(UsageError, match="exclude each other"):
        log_of(workspace, model="m", run_id="latest")


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


def test_texts_of_any_language_are_kept() -> None:
    assert check_text("note", "naïve\u00a0Łódź \N{FAMILY} ok\ttab") == "naïve\u00a0Łódź \N{FAMILY} ok\ttab"
    assert check_text("note", "  \n") is None
    assert check_text("note", None) is None


def test_who_judges_is_whoever_is_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "eve")
    assert analyst_name(None) == "eve"
    assert analyst_name(" ann ") == "ann"


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


# The log


def test_the_log_says_what_became_of_each_entry(workspace: Workspace, fitted: RunRow) -> None:
    judge(workspace, fitted.id, RECORDED, "anomaly", analyst="ann")
    judge(workspace, fitted.id, RECORDED, "expected", analyst="ann")
    judge(workspace, fitted.id, RECORDED, "anomaly", analyst="bob")
    judge(workspace, fitted.id, "r42", "anomaly", analyst="ann")
    take_back(workspace, fitted.id, "r42", analyst="ann")
    judge(workspace, fitted.id, PLAIN, "unsure", analyst="ann")
    judge(workspace, fitted.id, "r100", "anomaly", analyst="ann")
    log = read_log(workspace)
    assert [(entry.row.id, entry.state, entry.stands, entry.disputed) for entry in log] == [
        (7, "agreed", True, False),
        (6, "unsure", True, False),
        (5, "takes back", False, False),
        (4, "taken back", False, False),
        (3, "disputed", True, True),
        (2, "disputed", True, True),
        (1, "superseded", False, True),
    ]
    assert tally(log) == {
        "verdicts": 4,
        "analysts": 2,
        "rows": 3,
        "anomalies": 1,
        "normal": 0,
        "undecided": 2,
        "disputed": 1,
    }
    assert [entry.row for entry in reversed(log) if entry.stands] == log_of(workspace)
    assert tally([])["verdicts"] == 0
    assert json.loads(json.dumps(log[0].to_dict()))["entry"] == 7


# Import


def test_a_file_is_imported_by_key(workspace: Workspace, fitted: RunRow, tmp_path: Path) -> None:
    text = "id,verdict,note\nr7,1,\nr20,Normal,known\nr21,,\n r22 ,new-normal,\n"
    found = import_feedback(workspace, "latest", file(tmp_path, text), analyst="ann")
    assert (found.lines, len(found.stored), found.blank, found.already) == (4, 3, 1, 0)
    assert {(row.key, row.verdict, row.note) for row in found.stored} == {
        ("r7", "anomaly", None),
        ("r20", "false_alarm", "known"),
        ("r22", "new_normal", None),
    }
    assert all(row.values["id"] == row.key and row.run == fitted.id for row in found.stored)
    assert {row.asked for row in found.stored} == {None}
    assert list(found.stored) == log_of(workspace)


def test_the_same_file_again_changes_nothing_and_a_changed_line_supersedes(
    workspace: Workspace, fitted: RunRow, tmp_path: Path
) -> None:
    path = file(tmp_path, "key,verdict\nr7,anomaly\nr20,expected\n")
    import_feedback(workspace, fitted.id, path, analyst="ann")
    before = log_of(workspace, standing=False)
    again = import_feedback(workspace, fitted.id, path, analyst="ann")
    assert (again.stored, again.already, again.faded) == ((), 2, 0)
    assert log_of(workspace, standing=False) == before
    file(tmp_path, "key,verdict\nr7,anomaly\nr20,false_alarm\n")
    (changed,) = import_feedback(workspace, fitted.id, path, analyst="ann").stored
    assert (changed.key, changed.verdict, changed.supersedes) == ("r20", "false_alarm", before[1].id)
    assert len(import_feedback(workspace, fitted.id, path, analyst="bob").stored) == 2


def test_an_old_line_does_not_revert_what_was_said_since(workspace: Workspace, fitted: RunRow, tmp_path: Path) -> None:
    path = file(tmp_path, "key,verdict\nr7,anomaly\nr42,anomaly\nr100,anomaly\n")
    import_feedback(workspace, fitted.id, path, analyst="ann")
    judge(workspace, fitted.id, "r7", "expected", analyst="ann")
    take_back(workspace, fitted.id, "r42", analyst="ann")
    before = log_of(workspace)
    again = import_feedback(workspace, fitted.id, path, analyst="ann")
    assert (again.stored, again.already, again.faded) == ((), 3, 2)
    assert log_of(workspace) == before
    file(tmp_path, "key,verdict,token\nr7,anomaly,second opinion\n")
    assert len(import_feedback(workspace, fitted.id, path, analyst="ann").stored) == 1


def test_a_line_that_says_no_more_than_what_stands_is_not_stored(
    workspace: Workspace, fitted: RunRow, tmp_path: Path
) -> None:
    values = row_values(workspace, fitted, "r7")
    say(workspace, fitted, "r7", "anomaly", analyst="ann", values=values, cause="card", asked="random", probability=0.1)
    found = import_feedback(workspace, fitted.id, file(tmp_path, "key,verdict\nr7,1\n"), analyst="ann")
    assert (found.stored, found.already) == ((), 1)
    (more,) = import_feedback(
        workspace, fitted.id, file(tmp_path, "key,verdict,note\nr7,1,seen twice\n"), analyst="ann"
    ).stored
    assert more.note == "seen twice"


def test_several_at_once_import_a_file_once(workspace: Workspace, fitted: RunRow, tmp_path: Path) -> None:
    path = file(tmp_path, "key,verdict\n" + "".join(f"r{i},1\n" for i in range(50)))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: import_feedback(workspace, fitted.id, path, analyst="ann"), range(4)))
    assert len(log_of(workspace, standing=False)) == 50


def test_the_columns_of_a_file_say_who_why_and_when(workspace: Workspace, fitted: RunRow, tmp_path: Path) -> None:
    text = (
        "key,verdict,analyst,cause,time,asked,probability\n"
        "r7,expected,ann,card,2026-07-02T12:00:00+02:00,Top,1\n"
        "r7,anomaly,ann,,2026-07-02 09:00,,\n"
        "r7,anomaly,bob,,,random,0.25\n"
        "r20,unsure,,,2026-07-01,,\n"
    )
    found = import_feedback(workspace, fitted.id, file(tmp_path, text), analyst="eve")
    assert found.outdated == 1
    assert [(r.key, r.verdict, r.analyst, r.cause, r.asked, r.probability) for r in found.stored] == [
        ("r20", "unsure", "eve", None, None, None),
        ("r7", "expected", "ann", "card", "top", 1.0),
        ("r7", "anomaly", "bob", None, "random", 0.25),
    ]


def test_words_get_a_meaning(workspace: Workspace, fitted: RunRow, tmp_path: Path) -> None:
    path = file(tmp_path, "key,fraud?\nr7,Yes\nr20,no\nr21,\n")
    with pytest.raises(DataError, match=r"line 2: 'Yes' is no verdict \(--map VALUE=VERDICT"):
        import_feedback(workspace, fitted.id, path, verdict="fraud?", analyst="ann")
    found = import_feedback(
        workspace,
        fitted.id,
        path,
        verdict="fraud?",
        analyst="ann",
        meanings={"yes": "anomaly", "no": "expected", "": "unsure", "maybe": "unsure"},
    )
    assert [(row.key, row.verdict) for row in found.stored] == [
        ("r7", "anomaly"),
        ("r20", "expected"),
        ("r21", "unsure"),
    ]
    assert found.unused == ("maybe",)


BAD = "key,verdict\nr7,1\nr999,1\nr20,perhaps\n,0\nr21,0\n"


def test_one_bad_line_keeps_all_out_unless_partial(workspace: Workspace, fitted: RunRow, tmp_path: Path) -> None:
    path = file(tmp_path, BAD)
    with pytest.raises(DataError) as caught:
        import_feedback(workspace, fitted.id, path, analyst="ann")
    assert str(caught.value) == (
        f"labels.csv: nothing was imported, for 3 lines cannot be: line 3: run {fitted.id} has no row with the key "
        "'r999'; line 4: 'perhaps' is no verdict (--map VALUE=VERDICT says what it means); line 5: there is no key in "
        "column 'key'; --partial takes the other 2"
    )
    assert log_of(workspace, standing=False) == []
    found = import_feedback(workspace, fitted.id, path, analyst="ann", partial=True)
    assert [row.key for row in found.stored] == ["r7", "r21"]
    assert [left.place for left in found.left_out] == [3, 4, 5]
    shown = json.loads(json.dumps(found.to_dict()))
    assert [verdict["key"] for verdict in shown["verdicts"]] == ["r7", "r21"]
    assert shown["left_out"][0] == {"line": 3, "why": f"run {fitted.id} has no row with the key 'r999'"}
    with pytest.raises(DataError, match="nothing was imported, for 1 line cannot be: line 2"):
        import_feedback(workspace, fitted.id, file(tmp_path, "key,verdict\nr999,1\n"), analyst="ann", partial=True)


def test_many_bad_lines_are_counted(workspace: Workspace, fitted: RunRow, tmp_path: Path) -> None:
    text = "key,verdict\n" + "".join(f"x{i},1\n" for i in range(40))
    with pytest.raises(DataError, match=r"40 lines cannot be: line 2: .*; line 6: [^;]*; and 35 more$"):
        import_feedback(workspace, fitted.id, file(tmp_path, text), analyst="ann")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("key,verdict\nr7,1\n\n\nr999,1\n", "line 5: "),
        ('key,verdict,note\nr7,1,"two\nlines"\nr999,1,\n', "line 4: "),
        ("key;verdict\nr7;1\nr999;1\n", "line 3: "),
        ("key,verdict,time\nr7,1,soon\n", "line 2: 'soon' is no time such as 2026-07-01T"),
        ("key,verdict,asked\nr7,1,nicely\n", "line 2: asked must be one of top, uncertain"),
        ("key,verdict,probability\nr7,1,often\n", "line 2: probability must be a number, got 'often'"),
        ("key,verdict,probability\nr7,1,0\n", "line 2: probability must be above 0"),
        ("key,verdict,note\nr7,1,a\x07b\n", "line 2: note must be text without control"),
        ("key,verdict,dataset\nr7,1,0123\n", "line 2: it is about the data '0123', those of run"),
        ("key,verdict\nr7,1\nr7,0\n", "line 3: ann says something else of 'r7' in line 2: keep one of the two"),
        ("key,verdict,note\nr7,1,a\nr7,1,b\n", "line 3: ann says something else of 'r7' in line 2"),
        ("key,verdict\nr7,\nr8,\n", "column 'verdict' is empty in every line: there is no verdict to import"),
        ("key,verdict\n", "there are no verdicts in it"),
        ("key,label\nr7,1\n", "there is no column 'verdict'; the columns are 'key', 'label'; name the right one"),
        ("who,verdict\nr7,1\n", "no column 'key' and none of the data of run"),
    ],
)
def test_bad_files_are_refused(workspace: Workspace, fitted: RunRow, tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(DataError) as caught:
        import_feedback(workspace, fitted.id, file(tmp_path, content), analyst="ann")
    assert says in str(caught.value)
    assert str(caught.value).startswith("labels.csv: ")
    assert "\n" not in str(caught.value)
    assert log_of(workspace, standing=False) == []


def test_the_same_line_twice_is_one(workspace: Workspace, fitted: RunRow, tmp_path: Path) -> None:
    found = import_feedback(workspace, fitted.id, file(tmp_path, "key,verdict\nr7,1\nr7,1\n"), analyst="ann")
    assert (len(found.stored), found.outdated) == (1, 1)


def test_typed_files(workspace: Workspace, fitted: RunRow, tmp_path: Path) -> None:
    lines = '{"key": "r7", "verdict": true}\n\n{"key": "r20", "verdict": false, "note": "ok"}\n'
    found = import_feedback(workspace, fitted.id, file(tmp_path, lines, "a.jsonl"), analyst="ann")
    assert [(row.key, row.verdict) for row in found.stored] == [("r7", "anomaly"), ("r20", "false_alarm")]
    with pytest.raises(DataError, match="line 3: run"):
        import_feedback(workspace, fitted.id, file(tmp_path, lines.replace("r20", "x"), "a.jsonl"), analyst="ann")
    path = tmp_path / "a.parquet"
    pl.DataFrame({"key": ["r21", "x"], "verdict": [1.0, 0.0]}).write_parquet(path)
    with pytest.raises(DataError, match="row 2: run"):
        import_feedback(workspace, fitted.id, str(path), analyst="ann")
    pl.DataFrame({"key": ["r21", "r22"], "verdict": [1.0, None]}).write_parquet(path)
    assert [row.verdict for row in import_feedback(workspace, fitted.id, str(path), analyst="ann").stored] == [
        "anomaly"
    ]


def test_keys_that_are_numbers_are_found_in_every_format(
    workspace: Workspace, frame: pl.DataFrame, tmp_path: Path
) -> None:
    numbered = frame.with_columns(id=pl.int_range(1, pl.len() + 1))
    row = fit(workspace, numbered, tmp_path / "numbered.csv")
    pl.DataFrame({"id": [8, 9], "verdict": [1, 1]}).write_parquet(tmp_path / "a.parquet")
    assert len(import_feedback(workspace, row.id, str(tmp_path / "a.parquet"), analyst="ann").stored) == 2
    for name, text in (
        ("a.csv", "id,verdict\n8,1\n9,1\n"),
        ("a.jsonl", '{"id":8,"verdict":1}\n{"id":9,"verdict":1}\n'),
    ):
        assert import_feedback(workspace, row.id, file(tmp_path, text, name), analyst="ann").already == 2


# Import by matching rows


def test_rows_are_matched_by_their_values(workspace: Workspace, frame: pl.DataFrame, tmp_path: Path) -> None:
    row = fit(workspace, frame.drop("id"), tmp_path / "rows.csv", key=None)
    judged = frame.drop("id", "fraud")[[100, 7, 3]].with_columns(verdict=pl.Series(["expected", "anomaly", "normal"]))
    judged.select("verdict", "city", "weight", "amount").write_csv(tmp_path / "labels.csv")
    found = import_feedback(workspace, row.id, str(tmp_path / "labels.csv"), analyst="ann")
    keys = workspace.store.scores(row.id).keys
    assert [(entry.key, entry.verdict) for entry in found.stored] == [
        (keys[100], "expected"),
        (keys[7], "anomaly"),
        (keys[3], "false_alarm"),
    ]
    assert found.stored[0].values["city"] == "Rome"
    assert "fraud" in found.stored[0].values


def test_matching_refuses_what_fits_no_row_or_several(
    workspace: Workspace, frame: pl.DataFrame, tmp_path: Path
) -> None:
    row = fit(workspace, frame, tmp_path / "rows.csv")
    with pytest.raises(
        DataError, match=r"line 2: no row of run \w+ has these values \(in city\); line 3: \d+ rows have"
    ):
        import_feedback(workspace, row.id, file(tmp_path, "city,verdict\nOslo,1\nBern,1\nRome,1\n"), analyst="ann")
    found = import_feedback(
        workspace, row.id, file(tmp_path, "city,verdict\nOslo,1\nBern,1\nRome,1\n"), analyst="ann", partial=True
    )
    assert [entry.key for entry in found.stored] == ["r100"]
    with pytest.raises(DataError, match=r"row 1, column 'amount': 'much' is not a number"):
        import_feedback(workspace, row.id, file(tmp_path, "amount,verdict\nmuch,1\n"), analyst="ann")


def test_missing_values_and_ways_of_writing_match(workspace: Workspace, tmp_path: Path, frame: pl.DataFrame) -> None:
    rows = frame.drop("id").with_columns(
        count=pl.int_range(pl.len()), when=pl.lit(date(2026, 1, 1)) + pl.duration(days=pl.int_range(pl.len()))
    )
    rows = rows.with_columns(city=pl.when(pl.col("count") == 5).then(None).otherwise("city"))
    row = fit(workspace, rows, tmp_path / "rows.csv", key=None)
    keys = workspace.store.scores(row.id).keys
    text = (
        '{"count": 5.0, "city": null, "when": "2026-01-06", "verdict": 1}\n{"count": 6, "city": "Bern", "verdict": 0}\n'
    )
    wrong = rows["city"][6]
    path = file(
        tmp_path, text.replace("Bern", wrong).replace('"verdict": 0', '"when": "2026-01-07", "verdict": 0'), "a.jsonl"
    )
    found = import_feedback(workspace, row.id, path, analyst="ann")
    assert [entry.key for entry in found.stored] == [keys[5], keys[6]]


def test_a_column_of_the_data_says_nothing_about_the_verdict(
    workspace: Workspace, frame: pl.DataFrame, tmp_path: Path
) -> None:
    noted = frame.with_columns(note=pl.lit("of the row") + pl.col("id"), time=pl.int_range(pl.len()))
    row = fit(workspace, noted, tmp_path / "rows.csv")
    noted.head(3).with_columns(verdict=pl.lit(1)).write_csv(tmp_path / "labels.csv")
    found = import_feedback(workspace, row.id, str(tmp_path / "labels.csv"), analyst="ann")
    assert [entry.note for entry in found.stored] == [None] * 3
    text = "id,verdict,note,time\nr9,1,of the verdict,2026-01-01\n"  # no other column of the data
    (said,) = import_feedback(workspace, row.id, file(tmp_path, text), analyst="ann").stored
    assert said.note == "of the verdict"


# Export


def fill(workspace: Workspace, row: RunRow) -> None:
    """Verdicts of every kind, by several analysts, some superseded and some taken back."""
    judge(workspace, row.id, "r7", "anomaly", analyst="ann", cause="card", note='says "so",\nthey; do')
    judge(workspace, row.id, "r7", "expected", analyst="bob")
    judge(workspace, row.id, "r42", "anomaly", analyst="ann")
    judge(workspace, row.id, "r42", "new_normal", analyst="ann", note="=1+1")
    judge(workspace, row.id, "r100", "false_alarm", analyst="ann")
    take_back(workspace, row.id, "r100", analyst="ann")
    say(workspace, row, "r20", "unsure", analyst="Łukasz", values={"a": 1}, asked="uncertain", probability=1 / 3)


def to_json(rows: list[FeedbackRow], path: Path) -> None:
    path.write_text(json.dumps({"schema": 1, "feedback": [as_dict(row) for row in rows]}))


@pytest.mark.parametrize("ending", ["csv", "jsonl", "ndjson", "parquet", "json"])
def test_what_is_exported_is_imported_again(
    workspace: Workspace, fitted: RunRow, other: tuple[Workspace, RunRow], tmp_path: Path, ending: str
) -> None:
    fill(workspace, fitted)
    path = tmp_path / f"verdicts.{ending}"
    write: Callable[[list[FeedbackRow], Path], None] = to_json if ending == "json" else export_feedback
    write(log_of(workspace), path)
    there, row = other
    found = import_feedback(there, row.id, str(path), analyst="nobody")
    assert len(found.stored) == 4
    assert standing(there) == standing(workspace)
    for which, run_row in ((there, row), (workspace, fitted)):
        before = log_of(which, standing=False)
        again = import_feedback(which, run_row.id, str(path), analyst="nobody")
        assert (again.stored, again.already) == ((), 4)
        assert log_of(which, standing=False) == before


def test_a_line_of_an_export_that_was_changed_supersedes(workspace: Workspace, fitted: RunRow, tmp_path: Path) -> None:
    fill(workspace, fitted)
    path = tmp_path / "verdicts.csv"
    export_feedback(log_of(workspace), path)
    path.write_text(path.read_text().replace("r7,expected", "r7,unsure"))
    (changed,) = import_feedback(workspace, fitted.id, str(path), analyst="nobody").stored
    assert (changed.key, changed.verdict, changed.analyst) == ("r7", "unsure", "bob")
    assert import_feedback(workspace, fitted.id, str(path), analyst="nobody").stored == ()


def test_an_export_of_other_data_is_refused_by_line(
    workspace: Workspace, fitted: RunRow, frame: pl.DataFrame, tmp_path: Path
) -> None:
    fill(workspace, fitted)
    export_feedback(log_of(workspace), tmp_path / "verdicts.csv")
    fewer = fit(workspace, frame.head(250), tmp_path / "fewer.csv")
    with pytest.raises(DataError, match="4 lines cannot be: line 2: it is about the data"):
        import_feedback(workspace, fewer.id, str(tmp_path / "verdicts.csv"), analyst="ann")
    moved = pl.read_csv(tmp_path / "verdicts.csv").drop("dataset")  # now it is said that they are about these rows
    moved.write_csv(tmp_path / "verdicts.csv")
    assert len(import_feedback(workspace, fewer.id, str(tmp_path / "verdicts.csv"), analyst="ann").stored) == 4


def test_nothing_to_export_is_a_table_without_rows(tmp_path: Path) -> None:
    export_feedback([], tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text() == ",".join(feedback_frame([]).columns) + "\n"
    with pytest.raises(UsageError, match="the ending must be one of"):
        export_feedback([], tmp_path / "none.xlsx")
