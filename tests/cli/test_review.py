"""`anomalist review`: keys from a pipe and from a terminal, and what is stored of them."""

from __future__ import annotations

import io
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pexpect
import pytest

from tests.cli.samples import FOREST, Typed, payments, type_in
from tests.cli.shapes import NOISE

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = "--mix top=1 --analyst ann"
LAST_KEY = r"quit\x1b?[^\n]*\n"  # the end of the line of keys: the program listens


def press(keys: str, typed: str, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Run a command with these keys on a stdin that is no terminal."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(keys))
    return type_in(typed)


def said(home: Path) -> list[tuple[Any, ...]]:
    """The log, the oldest first."""
    with closing(sqlite3.connect(home / "anomalist.db")) as database:
        return database.execute("SELECT key, verdict, cause, note, analyst FROM feedback ORDER BY id").fetchall()


def test_each_key_is_a_verdict(fitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = press("a e\nfn? x sq", f"review latest {TOP}", monkeypatch)
    assert (done.code, done.err) == (0, "")
    log = said(fitted)
    assert [verdict for _, verdict, *_ in log] == [
        "anomaly",
        "expected",
        "false_alarm",
        "new_normal",
        "unsure",
        "unsure",
    ]
    assert {key for key, *_ in log[:2]} == {"r7", "r42"}
    assert len({key for key, *_ in log}) == 6
    assert {analyst for *_, analyst in log} == {"ann"}
    assert "6 answered, 1 skipped, 1 anomaly, precision 25%" in done.out
    assert "ranked anew by 4 verdicts" in done.out
    assert "anomalist retrain m\n" in done.out


def test_what_is_shown_of_a_row(fitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = press("asq", f"review latest {TOP} --count 9", monkeypatch)
    first, second, third = done.out.split("\nrow r")[1:4]
    assert first.split(",")[0] in ("7", "42")
    assert "question 1 of 9" in first
    assert re.search(r"score +[\d.]+ bits, one row in 61, no\. 1, flagged\n", first)
    assert re.search(r"why +amount +500 +typically \d+", first)
    assert re.search(r"said +isolation_forest one in \d+", first)
    assert re.search(r"row +id +r\d+\n +weight +[\d.]+\n +city +B\w+\n", first)
    assert "fraud" not in first  # the label would be an answer
    assert "near" not in first
    assert "0 answered, 0 anomalies, 1 flagged row to go" in first
    assert re.search(r"near +anomaly +at [\d.]+ +r\d+", second)
    assert "1 answered, 1 skipped" in third
    assert not NOISE.search(done.out)
    assert not any(line != line.rstrip() for line in done.out.splitlines())
    assert "\x1b" not in done.out


def test_all_values_on_request(fitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = {f"column_{i}": (lambda i, _: "" if i % 3 else str(i)) for i in range(40)}
    Path("wide.csv").write_text(payments(story=lambda i, _: f"a long story of row {i} " * 20, **wide))
    type_in(f"run wide.csv --key id --ignore fraud --role story=text {FOREST}")
    done = press("vvq", f"review latest {TOP}", monkeypatch)
    before, whole, after = done.out.split("\nrow r")[1:4]
    assert re.search(r"\d+ more columns: v", before)
    assert max(map(len, before.splitlines())) <= 80
    assert "story" in whole
    assert "column_39" in whole
    assert "missing" in whole
    assert len(whole.splitlines()) > 45
    assert re.search(r"\d+ more columns: v", after)


def test_a_cause_and_a_note_go_with_the_verdict(fitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = "c card stolen\nm seen before\na f M a second look: fine\ntlost with the skip\ns m \n n q"
    done = press(keys, f"review latest {TOP}", monkeypatch)
    assert done.code == 0, done.err
    assert [entry[1:4] for entry in said(fitted)] == [
        ("anomaly", "card stolen", "seen before"),
        ("false_alarm", None, None),
        ("false_alarm", None, "a second look: fine"),
        ("new_normal", None, None),
    ]
    assert "the note for that row went with it" in done.out
    assert "no note" in done.out
    assert "card stolen; seen before" in done.out  # among the nearest rows


def test_undo_goes_back_as_far_as_the_session(fitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = press("u c typo\na f u u e q", f"review latest {TOP} --batch 1", monkeypatch)
    assert "there is nothing to undo in this session" in done.out
    log = said(fitted)
    assert [entry[1:3] for entry in log] == [
        ("anomaly", "typo"),
        ("false_alarm", None),
        (None, None),
        (None, None),
        ("expected", "typo"),
    ]
    assert log[0][0] == log[3][0] == log[4][0]
    assert re.search(r"taken back; its cause stays for the next verdict", done.out)
    assert "1 answered, 0 anomalies, precision 0%" in done.out


def test_it_stops_after_so_many_verdicts_and_at_the_end_of_the_keys(
    fitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert press("asfffff", f"review latest --count 3 {TOP}", monkeypatch).code == 0
    assert len(said(fitted)) == 3
    assert press("ff", f"review latest {TOP}", monkeypatch).code == 0
    assert len(said(fitted)) == 5
    assert press("x" * 60, f"review latest {TOP} --batch 60", monkeypatch).out.count("no row is left to ask about") == 1
    assert len(said(fitted)) == 60
    again = press("q", f"review latest {TOP}", monkeypatch)
    assert (again.code, "no row is left to ask about" in again.out) == (0, True)


def test_a_program_reads_a_summary(fitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = press("aemnote\n fq", "review latest --json --seed 5 --analyst ann", monkeypatch)
    assert "question 1" in done.err  # the rows are shown beside it
    found = done.json["review"]
    assert set(found) == {
        "run",
        "model",
        "analyst",
        "stacker",
        "mix",
        "answered",
        "skipped",
        "anomalies",
        "precision",
        "flagged_left",
        "learned",
        "rate",
        "answers",
    }
    assert (found["answered"], found["anomalies"], found["analyst"]) == (3, 1, "ann")
    assert found["precision"] == pytest.approx(1 / 3)
    assert found["mix"] == {"top": 0.7, "uncertain": 0.2, "random": 0.1}
    assert [answer["verdict"] for answer in found["answers"]] == ["anomaly", "expected", "false_alarm"]
    assert found["answers"][2]["note"] == "note"
    assert all(0 < answer["probability"] <= 1 for answer in found["answers"])
    assert {answer["asked"] for answer in found["answers"]} <= {"top", "uncertain", "random"}


@pytest.mark.parametrize(
    ("keys", "typed", "says"),
    [
        ("", "review latest", "stdin is no terminal and holds no key"),
        (" \n", "review latest", "stdin is no terminal and holds no key"),
        ("az", "review latest", "key 2 on stdin is 'z', which does nothing; there are a e f n ? x"),
        ("q", "review nope", "no run 'nope'"),
        ("q", "review latest --mix best=1", "names 'best', which is unknown"),
        ("q", "review latest --stacker magic", "no stacker is called 'magic'"),
        ("q", "review latest --stacker gp:local=-1", "local must be a variance of 0 or more"),
        ("q", "review latest --batch 0", "0 is not in the range"),
        ("q", "review latest --data nowhere.csv", "nowhere.csv"),
        ("q", "review", "Missing argument"),
    ],
)
def test_what_cannot_be_done_is_refused(
    keys: str, typed: str, says: str, fitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = press(keys, typed, monkeypatch)
    assert done.code in (2, 4)
    assert done.err.startswith("error: ")
    assert says in done.err
    assert len(done.err.splitlines()) == 1
    assert len(said(fitted)) == keys.count("a")


def test_rows_that_moved_are_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("payments.csv").write_text(payments())
    type_in(f"run payments.csv --key id {FOREST}")
    Path("payments.csv").rename("moved.csv")
    assert "no file" in press("a", "review latest", monkeypatch).err
    assert press("a", "review latest --data moved.csv", monkeypatch).code == 0
    assert len(said(home)) == 1
    Path("other.csv").write_text(payments(30))
    assert "not those of run" in press("a", "review latest --data other.csv", monkeypatch).err


def test_disputed_rows_come_to_a_third(fitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in("feedback add latest r7 anomaly --analyst bob")
    type_in("feedback add latest r7 expected --analyst cid --note 'known'")
    done = press("a", f"review latest --disputed {TOP}", monkeypatch)
    assert "others disagree" in done.out
    assert re.search(r"others +anomaly +bob\n +expected +cid +known", done.out)
    assert said(fitted)[-1][:2] == ("r7", "anomaly")


def test_what_stands_in_a_cell_does_not_move_the_cursor(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.csv").write_text(payments(memo=lambda i, _: f"\x1b[2Jcleared {i % 5}"), encoding="utf-8")
    assert type_in(f"run a.csv --key id --label fraud {FOREST}").code == 0
    done = press("vq", f"review latest {TOP}", monkeypatch)
    assert "[2Jcleared" in done.out
    assert "\x1b" not in done.out


def test_a_stream_that_knows_few_letters_gets_those(fitted: Path) -> None:
    command = [sys.executable, "-m", "anomalist", "review", "latest", "--analyst", "ann"]
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, input=b"aq", capture_output=True, check=False, env=environ)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"question 1 ---" in done.stdout


@pytest.fixture
def terminal(fitted: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """`anomalist review latest` in a terminal of 100 columns, that waits for its first key."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "anomalist", "review", "latest", *TOP.split(), *getattr(request, "param", [])],
        dimensions=(60, 100),
        encoding="utf-8",
        timeout=120,
        env={**os.environ, "TERM": "xterm-256color", "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler
        ),  # else Ctrl-C is as in this process
    )
    child.expect(LAST_KEY)
    yield child
    child.close(force=True)


# Python 3.12 and later warn of forks of a process with threads; this one goes on to run another program at once.
FORKS = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


@FORKS
def test_a_session_in_a_terminal(terminal: Any, fitted: Path) -> None:
    shown = terminal.before
    assert "\x1b[" in shown  # colours
    assert re.search(r"row r(7|42)", shown)
    for key in "af":
        terminal.send(key)
        terminal.expect(LAST_KEY)
        assert len(said(fitted)) == "af".index(key) + 1  # while the session goes on
    terminal.send("m")
    terminal.expect("note: ")
    terminal.send("long known\r")
    terminal.expect("kept for the verdict")
    terminal.send("e")
    terminal.expect(LAST_KEY)
    terminal.send("z")
    terminal.expect("that key does nothing")
    terminal.send("\x1b[A")  # an arrow
    terminal.expect("that key does nothing")
    terminal.send("h")
    terminal.expect("false alarm +nothing is strange about it")
    terminal.send("u")
    terminal.expect("taken back; its note stays")
    terminal.expect(LAST_KEY)
    terminal.send("n")
    terminal.expect(LAST_KEY)
    terminal.send("q")
    terminal.expect("3 answered, 1 anomaly, precision 33%")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert [entry[1] for entry in said(fitted)] == ["anomaly", "false_alarm", "expected", None, "new_normal"]
    assert said(fitted)[-1][3] == "long known"


@FORKS
@pytest.mark.parametrize("terminal", [["--batch", "1"]], indirect=True)
def test_ctrl_c_leaves_and_keeps_everything(terminal: Any, fitted: Path) -> None:
    terminal.send("a")
    terminal.expect("ranked anew by 1 verdicts?")
    terminal.expect(LAST_KEY)
    terminal.send("c")
    terminal.expect("cause: ")
    terminal.send("half a th")
    terminal.sendintr()
    terminal.expect("1 answered, 1 anomaly")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    assert [entry[1:3] for entry in said(fitted)] == [("anomaly", None)]


@FORKS
def test_a_session_that_is_killed_has_stored_every_verdict(terminal: Any, fitted: Path) -> None:
    for _ in range(2):
        terminal.send("a")
        terminal.expect(LAST_KEY)
    terminal.kill(signal.SIGKILL)
    terminal.expect(pexpect.EOF)
    assert [entry[1] for entry in said(fitted)] == ["anomaly", "anomaly"]


@FORKS
def test_no_colours_where_nobody_wants_them(fitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    child = pexpect.spawn(
        sys.executable,
        ["-m", "anomalist", "review", "latest", "--analyst", "ann"],
        dimensions=(60, 80),
        encoding="utf-8",
        timeout=120,
    )
    child.expect("quit")
    assert not re.search(r"\x1b\[[\d;]*3\d", child.before)
    child.send("\x04")  # the end of the input
    child.expect("0 answered")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
