"""`feedback`: verdicts as people and programs type them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.samples import FOREST, payments, type_in
from tests.cli.shapes import NOISE, has

TEXT = (str, type(None))
ENTRY = {
    "entry": int,
    "key": str,
    "verdict": str,
    "analyst": str,
    "cause": TEXT,
    "note": TEXT,
    "asked": TEXT,
    "probability": (float, type(None)),
    "run": str,
    "token": str,
    "supersedes": (int, type(None)),
    "time": str,
    "dataset": str,
    "source": str,
    "values": dict,
}
LISTED = {**ENTRY, "state": str, "label": (float, type(None))}


def listed(options: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = type_in(f"feedback list {options} --json").json["feedback"]
    return found


def say(key: str, verdict: str, analyst: str = "ann", more: str = "") -> None:
    assert type_in(f"feedback add latest {key} {verdict} --analyst {analyst} {more}").code == 0


def test_a_verdict_is_added_listed_and_taken_back(fitted: Path) -> None:
    done = type_in("feedback add latest r7 Anomaly --cause card --note 'seen before' --analyst ann")
    assert (done.code, done.out, done.err) == (0, "entry 1: r7 is anomaly, says ann\n", "")
    assert type_in("feedback add latest r7 false-alarm --analyst ann").out == (
        "entry 2: r7 is false_alarm, says ann, in place of entry 1\n"
    )
    assert [(entry["key"], entry["verdict"], entry["state"]) for entry in listed()] == [("r7", "false_alarm", "agreed")]
    done = type_in("feedback undo latest r7 --analyst ann")
    assert (done.code, done.out, done.err) == (0, "entry 3: ann takes back that r7 is false_alarm\n", "")
    assert listed() == []
    assert [(entry["entry"], entry["verdict"], entry["state"]) for entry in listed("--all")] == [
        (3, None, "takes back"),
        (2, "false_alarm", "taken back"),
        (1, "anomaly", "superseded"),
    ]


def test_the_json_of_what_is_said(fitted: Path) -> None:
    found = type_in("feedback add latest r20 expected --analyst ann --note fine --json").json
    has(found, {"schema": int, "feedback": ENTRY})
    assert found["feedback"]["values"]["id"] == "r20"  # not a recorded row: its data were read again
    assert found["feedback"]["asked"] == "search"
    has(type_in("feedback list --json").json["feedback"], [LISTED])
    has(type_in("feedback export --json").json["feedback"], [ENTRY])
    back = type_in("feedback undo latest r20 --analyst ann --note slip --json").json
    has(back["taken_back"], ENTRY)
    assert (back["feedback"]["verdict"], back["feedback"]["note"], back["feedback"]["supersedes"]) == (None, "slip", 1)


def test_who_judges(fitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "eve")
    type_in("feedback add latest r1 anomaly")
    Path("anomalist.toml").write_text('analyst = "of the file"\n')
    type_in("feedback add latest r2 anomaly")
    monkeypatch.setenv("ANOMALIST_ANALYST", "of the variable")
    type_in("feedback add latest r3 anomaly")
    type_in("feedback add latest r4 anomaly --analyst 'of the flag'")
    type_in("feedback add latest r5 anomaly --analyst none")
    assert [entry["analyst"] for entry in reversed(listed())] == [
        "eve",
        "of the file",
        "of the variable",
        "of the flag",
        "eve",
    ]
    assert type_in("config show --json").json["settings"]["analyst"]["source"] == "environment ANOMALIST_ANALYST"


def test_verdicts_outlive_the_run(fitted: Path) -> None:
    say("r7", "anomaly")
    type_in(f"run payments.csv --key id --label fraud --name m {FOREST}")
    assert [entry["key"] for entry in listed("latest")] == ["r7"]
    Path("payments.csv").rename("moved.csv")
    assert "no file" in type_in("feedback add latest r20 anomaly").err
    assert type_in("feedback add latest r20 anomaly --data moved.csv").code == 0


def test_the_list_says_where_analysts_disagree(fitted: Path) -> None:
    say("r7", "anomaly")
    say("r7", "expected", "bob")
    say("r42", "anomaly")
    say("r20", "unsure")
    done = type_in("feedback list latest")
    assert (done.code, done.err) == (0, "")
    assert not NOISE.search(done.out)
    assert re.search(r"^2 +r7 +expected +disputed +bob", done.out, re.MULTILINE)
    assert done.out.splitlines()[-1] == (
        "4 verdicts of 2 analysts on 3 rows: 1 anomalous, 0 normal, 2 undecided; 1 disputed"
    )
    assert [(entry["key"], entry["analyst"]) for entry in listed("--disputed")] == [("r7", "bob"), ("r7", "ann")]
    assert [entry["key"] for entry in listed("--model m -n 2")] == ["r20", "r42"]
    assert type_in("feedback list -n 1").out.endswith("; the newest 1 of 4 are shown\n")
    has(
        type_in("feedback list --json").json["summary"],
        dict.fromkeys(("verdicts", "analysts", "rows", "anomalies", "normal", "undecided", "disputed"), int),
    )


def test_nothing_said_yet(fitted: Path) -> None:
    assert type_in("feedback list").out == "no verdict yet: say one with `anomalist feedback add RUN KEY VERDICT`\n"
    assert listed() == []
    assert type_in("feedback export --json").json["feedback"] == []
    assert type_in("feedback export --out none.csv").out == "0 verdicts written to none.csv\n"


LABELS = "id,verdict,note\nr7,fraud,\nr20,0,a\nr21,,\nr999,1,\n"


def test_a_file_is_imported(fitted: Path) -> None:
    Path("labels.csv").write_text(LABELS.replace("r999", "r9"))
    typed = "feedback import labels.csv --run latest --analyst ann --map fraud=anomaly --map no=normal"
    done = type_in(typed)
    (run,) = {entry["run"] for entry in listed()}
    assert done.out == f"3 verdicts imported on rows of run {run}, 1 line without a verdict\n"
    assert done.err == "note: labels.csv: no line holds 'no', which --map gives a meaning\n"
    assert type_in(f"{typed} --quiet").out == (
        f"0 verdicts imported on rows of run {run}, 3 there already, 1 line without a verdict\n"
    )
    assert len(listed("--all")) == 3
    say("r7", "expected")
    assert "1 line of verdicts that were superseded or taken back since" in type_in(typed).err
    assert listed()[0]["verdict"] == "expected"


def test_what_is_left_out_is_said(fitted: Path) -> None:
    Path("labels.csv").write_text(LABELS + "".join(f"x{i},1,\n" for i in range(7)))
    typed = "feedback import labels.csv --run latest --partial --analyst ann"
    done = type_in(typed)
    assert (done.code, len(listed())) == (0, 1)
    notes = done.err.splitlines()
    assert (
        notes[0] == "note: labels.csv: left out line 2: 'fraud' is no verdict (--map VALUE=VERDICT says what it means)"
    )
    assert notes[-1] == "note: labels.csv: left out 4 more lines; --json lists all"
    assert done.out.endswith("9 left out\n") or "9 left out" in done.out
    found = type_in(f"{typed} --json --analyst bob").json["import"]
    assert (found["lines"], found["imported"], found["already"], found["without_verdict"]) == (11, 1, 0, 1)
    assert [verdict["key"] for verdict in found["verdicts"]] == ["r20"]
    assert len(found["left_out"]) == 9
    assert set(found["left_out"][0]) == {"line", "why"}


def test_a_file_without_keys_is_matched(fitted: Path) -> None:
    lines = payments().splitlines()
    header, *rows = [line.split(",") for line in (lines[0], lines[8], lines[21])]
    chosen = [[row[header.index(name)] for name in ("amount", "weight", "city")] for row in rows]
    Path("labels.csv").write_text(
        "amount,weight,city,suspicious\n" + "".join(f"{','.join(row)},{i}\n" for i, row in enumerate(chosen))
    )
    done = type_in("feedback import labels.csv --run latest --verdict suspicious")
    assert (done.code, done.err) == (0, "")
    assert {(entry["key"], entry["verdict"]) for entry in listed()} == {("r7", "false_alarm"), ("r20", "anomaly")}


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "json"])
def test_verdicts_move_to_another_store(ending: str, fitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say("r7", "anomaly", more="--note 'a, b'")
    say("r7", "expected", "bob")
    say("r20", "unsure")
    if ending == "json":
        Path("v.json").write_text(type_in("feedback export latest --json").out)
    else:
        done = type_in(f"feedback export latest --out v.{ending}")
        assert (done.code, done.out) == (0, f"3 verdicts written to v.{ending}\n")
        assert type_in(f"feedback export --model m --out w.{ending} --json").json["verdicts"] == 3
    names = ("key", "verdict", "analyst", "note", "asked", "token", "values")
    before = [[entry[name] for name in names] for entry in listed()]
    monkeypatch.setenv("ANOMALIST_STORE", "second.db")
    type_in(f"run payments.csv --key id --label fraud {FOREST}")
    assert type_in(f"feedback import v.{ending} --run latest").code == 0
    assert [[entry[name] for name in names] for entry in listed()] == before
    assert "3 there already" in type_in(f"feedback import v.{ending} --run latest").out
