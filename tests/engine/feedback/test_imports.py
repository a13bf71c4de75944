"""Import: a file of verdicts goes in whole, once, and line by line where that is asked for."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import polars as pl
import pytest

from anomalist.engine.feedback.imports import import_feedback
from anomalist.engine.feedback.log import log_of
from anomalist.engine.feedback.recording import judge, row_values, say, take_back
from anomalist.errors import DataError
from tests.engine.feedback.judging import file, fit

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import RunRow


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
        ("key,verdict,time\nr7,1,0001-01-01T00:00:00+10:00\n", "line 2: '0001-01-01T00:00:00+10:00' is no time"),
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
