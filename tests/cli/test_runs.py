"""`runs`, `show`, `top`, `explain`, `evaluate`, `models`, `profile`, `demo`: what people and programs read."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.samples import FOREST, payments, stored, type_in
from tests.cli.shapes import MEASURES, NOISE, REASON, ROW, has
from tests.helpers import PLUGIN, install_plugin

COMMANDS = [
    "runs",
    "show latest",
    "top latest",
    "top latest --flagged",
    "explain latest r7",
    "explain latest r20",
    "evaluate latest --label fraud",
    "evaluate payments.csv --label fraud",
    "evaluate payments.csv --label fraud --model m",
    "models list",
    "models list m",
    "models show m",
    "profile payments.csv --label fraud",
    "profile payments.csv --time when",
    "detectors",
    "detectors isolation_forest",
    "plugins list",
    "db check",
    "config show",
]


@pytest.mark.parametrize("typed", COMMANDS)
def test_every_command_prints_for_people_and_for_programs(typed: str, fitted: Path) -> None:
    shown = type_in(typed)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.strip()
    if not typed.startswith(("detectors", "plugins")):  # parameters may be None, and say so
        assert not NOISE.search(shown.out), NOISE.search(shown.out)
    assert shown.out.isprintable() or not re.search(r"[\x00-\x09\x0b-\x1f]", shown.out)
    assert isinstance(type_in(f"{typed} --json").json, dict)
    assert type_in(f"{typed} --quiet").out == type_in(typed).out or "evaluate" in typed


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("runs", "no run yet: make one with `anomalist run DATA`"),
        ("models list", "no model yet: make one with `anomalist run DATA`"),
    ],
)
def test_an_empty_store_says_what_to_do(typed: str, says: str, home: Path) -> None:
    assert type_in(typed).out == f"{says}\n"
    assert [value for name, value in type_in(f"{typed} --json").json.items() if name != "schema"] == [[]]


def test_runs_are_listed_the_newest_first(fitted: Path) -> None:
    type_in("score payments.csv --model m")
    type_in("score none.csv --model nobody")
    header, newest, oldest = type_in("runs").out.splitlines()
    assert " ".join(header.split()) == "run kind status data rows model flagged started (UTC) seconds"
    assert newest.split()[1:7] == ["score", "done", "payments.csv", "60", "m:1", "1"]
    assert oldest.split()[1:7] == ["fit", "done", "payments.csv", "60", "m:1", "1"]
    listed = type_in("runs -n 1 --json").json["runs"]
    assert [run["kind"] for run in listed] == ["score"]
    assert set(listed[0]) >= {
        "id",
        "kind",
        "status",
        "source",
        "rows",
        "columns",
        "model",
        "seed",
        "flagged",
        "seconds",
    }


def test_a_run_is_found_by_the_beginning_of_its_name(fitted: Path) -> None:
    ((run, _),) = stored(fitted)["runs"]
    by_name, latest = (type_in(f"show {name} --json").json["run"] for name in (run[:3], "latest"))
    assert by_name == latest
    assert by_name["id"] == run
    assert by_name["params"]["origin"]["key"] == "id"
    assert by_name["results"]["evaluation"]["rows"] == 60
    assert by_name["members"][0]["params"]["trees"] == 10


def test_a_failed_run_shows_why_and_is_not_the_latest_with_scores(
    fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    install_plugin(site, "acme", PLUGIN.replace("NAME", "simple"))  # it has no fit
    monkeypatch.syspath_prepend(site)
    assert type_in("run payments.csv --key id --detector simple").code == 1
    shown = type_in("show latest").out
    assert "status         failed" in shown
    assert "no detector could be fitted: simple: package acme: AttributeError" in shown
    failed = type_in("runs -n 1 --json").json["runs"][0]["id"]
    refused = type_in(f"top {failed}")
    assert refused.code == 2
    assert "has no scores: it is failed (no detector could be fitted" in refused.err
    assert type_in("top latest --json").json["run"] != failed


def test_the_top_rows_are_those_of_the_run(fitted: Path) -> None:
    found = type_in("top latest -n 12 --json").json
    has(found, {"schema": int, "run": str, "top": list})
    has(found["top"][:10], [ROW])
    assert len(found["top"]) == 12
    assert {row["key"] for row in found["top"][:2]} == {"r7", "r42"}
    assert found["top"][11]["reasons"] == []  # only the flagged and the first ten have a record
    assert [row["flagged"] for row in type_in("top latest --flagged --json").json["top"]] == [True]


def test_a_run_that_flags_nothing_says_so(fitted: Path) -> None:
    type_in(f"run payments.csv --key id --scores-only {FOREST}")
    assert re.fullmatch(r"run \w+ flagged no row\n", type_in("top latest --flagged").out)


def test_a_row_is_explained_whether_or_not_it_was_recorded(home: Path) -> None:
    Path("payments.csv").write_text(payments())
    type_in(f"run payments.csv --key id --label fraud {FOREST}")
    for key in ("r7", "r20"):
        found = type_in(f"explain latest {key} --json").json["finding"]
        has(
            found,
            {
                **ROW,
                "reasons": list,
                "values": dict.fromkeys(("id", "amount", "weight", "city", "when", "fraud"), (str, int, float)),
            },
        )
        assert found["key"] == found["values"]["id"] == key
        shown = type_in(f"explain latest {key}").out
        assert f"(key {key})" in shown
        assert "detector " in shown
        assert re.search(r"^city +\w+", shown, re.MULTILINE)
        assert re.search(
            r"^column +actual +typical +share" if found["reasons"] else "no column stands", shown, re.MULTILINE
        )
    Path("payments.csv").rename("moved.csv")
    assert type_in("explain latest r7").code == 0
    assert "no file" in type_in("explain latest r20").err
    assert type_in("explain latest r20 --data moved.csv").code == 0


def test_the_json_of_evaluate(fitted: Path) -> None:
    for typed in ("latest", "payments.csv", "payments.csv --model m"):
        found = type_in(f"evaluate {typed} --label fraud --json").json
        has({name: found[name] for name in MEASURES}, MEASURES)
        assert set(found) == {"schema", "run", "evaluation", *MEASURES}
        assert found["evaluation"]["members"]["isolation_forest"].keys() == MEASURES.keys()
        assert found["roc_auc"] == 1.0


def test_a_run_is_measured_by_the_label_that_it_was_given(home: Path) -> None:
    Path("a.csv").write_text(payments(fraud=lambda i, fraud: "bad" if fraud == "1" else "odd" if i % 2 else "good"))
    type_in(f"run a.csv --key id --label fraud --positive bad {FOREST}")
    for typed in ("", " --label fraud", " --label fraud --positive bad"):
        assert type_in(f"evaluate latest{typed} --json").json["roc_auc"] == 1.0
    assert type_in("evaluate latest --label fraud --positive good --json").json["roc_auc"] < 1.0


def test_new_rows_are_measured_by_the_label_column_of_their_model(home: Path) -> None:
    Path("a.csv").write_text(payments(fraud=lambda i, fraud: "bad" if fraud == "1" else "odd" if i % 2 else "good"))
    type_in(f"run a.csv --key id --label fraud --positive bad --name m {FOREST}")
    scored = type_in("score a.csv --model m")
    assert "against 60 labels, 2 of them anomalies" in scored.out
    assert scored.err == ""
    for typed in ("latest", "a.csv --model m", "latest"):
        assert type_in(f"evaluate {typed} --json").json["roc_auc"] == 1.0


def test_labels_that_were_features_are_said(home: Path) -> None:
    Path("a.csv").write_text(payments())
    type_in(f"run a.csv --key id {FOREST}")
    done = type_in("evaluate latest --label fraud")
    assert done.code == 0
    assert "it may have been a feature" in done.err
    assert type_in("evaluate latest --label fraud --quiet").err == ""


def test_a_model_is_shown_with_all_that_is_in_it(fitted: Path) -> None:
    found = type_in("models show m --json").json["model"]
    assert (found["name"], found["version"], found["aliases"]) == ("m", 1, ["champion"])
    assert found["columns"] == ["amount", "weight", "city", "when"]
    assert found["left_out"] == {"id": "it names the row", "fraud": "it is the label"}
    assert found["detectors"]["isolation_forest"]["trees"] == 10
    assert (fitted / "models" / found["hash"]).is_dir()
    shown = type_in("models show m").out
    assert "left out: fraud (it is the label)" in shown
    assert "trees=10,subsample=256" in shown  # as it would be typed after the name
    assert "depth=none" in shown


def test_a_profile_of_data_reads_well(home: Path) -> None:
    Path("a.csv").write_text(payments(note=lambda i, _: "" if i else "x", same=lambda _, __: "y"))
    shown = type_in("profile a.csv --label fraud --time when")
    assert shown.code == 0
    assert "60 rows" in shown.out
    assert "2 rows are '1'" in shown.out
    assert "worry: " in shown.out
    found = type_in("profile a.csv --json").json["profile"]
    assert found["rows"] == 60
    assert {column["name"]: column["role"] for column in found["columns"]}["same"] == "constant"
    assert stored(home)["runs"] == []


def test_a_pipe_to_head_is_quiet(fitted: Path) -> None:
    program = f"{shutil.which('head') or 'head'} -1"
    command = f"{sys.executable} -m anomalist top latest -n 60 | {program}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, env=dict(os.environ))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["#", "key", "bits", "one", "row", "in", "flagged", "why"]


def test_the_demonstration_makes_a_folder_and_says_what_to_type_next(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANOMALIST_PANEL", "fast")
    done = type_in("demo --folder shown")
    assert done.code == 0
    assert "377 rows are in shown/cells.csv" in done.out
    assert "against 377 labels, 20 of them anomalies" in done.out
    assert not NOISE.search(done.out)
    assert {path.name for path in Path("shown").iterdir()} >= {"cells.csv", "anomalist.db", "models"}
    assert not home.exists()  # nothing is left anywhere else
    found = json.loads(type_in("demo --folder shown --seed 1 --json").out)
    assert found["run"]["seed"] == 1
    assert found["evaluation"]["ensemble"]["roc_auc"] > 0.85
    (setting,) = re.findall(r"export (.*)", done.out)
    for variable in setting.split():
        monkeypatch.setenv(*variable.split("=", 1))
    typed = next(line.split("anomalist ", 1)[1] for line in done.out.splitlines() if line.startswith("why one row:"))
    assert type_in(typed).code == 0


def test_reasons_have_the_documented_shape(fitted: Path) -> None:
    reasons = [reason for row in type_in("top latest --json").json["top"] for reason in row["reasons"]]
    has(reasons, [REASON])
    assert all(0 < reason["share"] <= 1 for reason in reasons)
