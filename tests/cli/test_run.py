"""`anomalist run` and `score`: what people read, what programs read, files, exit codes."""

from __future__ import annotations

import gzip
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from tests.cli.samples import FOREST, payments, stored, type_in
from tests.cli.shapes import EVALUATION, NOISE, ROW, RUN, has
from tests.helpers import environment, install_plugin


@pytest.fixture
def data(home: Path) -> Path:
    path = Path("payments.csv")
    path.write_text(payments())
    return path


def test_the_json_of_run(data: Path, home: Path) -> None:
    done = type_in(f"run payments.csv --key id --label fraud --budget 2 --seed 3 --json {FOREST}")
    assert done.code == 0
    found = done.json
    has(found, {"schema": int, "run": RUN, "top": [ROW], "evaluation": EVALUATION})
    run = found["run"]
    assert (run["status"], run["rows"], run["columns"], run["seed"], run["flagged"]) == ("done", 60, 6, 3, 2)
    assert run["model"] == {"name": "payments", "version": 1}
    assert run["threshold"]["policy"] == "budget"
    assert run["members"][0] | {"seconds": 0} == {
        "detector": "isolation_forest",
        "status": "done",
        "seconds": 0,
        "error": None,
        "notes": [],
    }
    assert {row["key"] for row in found["top"][:2]} == {"r7", "r42"}
    assert len(found["top"]) == 10
    assert [row["score"] for row in found["top"]] == sorted((row["score"] for row in found["top"]), reverse=True)
    assert all(0 < row["level"] < 1 for row in found["top"])
    assert found["top"][0]["reasons"][0]["column"] == "amount"
    assert found["evaluation"]["ensemble"]["roc_auc"] == 1.0
    assert run["id"] == stored(home)["runs"][0][0]


def test_without_labels_there_is_no_evaluation(data: Path) -> None:
    found = type_in(f"run payments.csv --key id --ignore fraud --top 3 --json {FOREST}").json
    assert set(found) == {"schema", "run", "top"}
    assert len(found["top"]) == 3


def test_scores_only_have_no_value(data: Path) -> None:
    found = type_in(f"run payments.csv --key id --ignore fraud --scores-only --json {FOREST}").json
    assert found["run"]["threshold"] == {"policy": "none", "parameter": None, "value": None}
    assert found["run"]["flagged"] == 0
    assert len(found["top"]) == 10


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("", "flagged 1 of 60 rows: a budget of 1% of the rows, but at least one row, from "),
        ("--budget 5", "flagged 5 of 60 rows: a budget of 5 rows, from "),
        ("--budget 10%", "flagged 6 of 60 rows: a budget of 10% of the rows, from "),
        ("--fpr 0.2", "rows: a false-positive rate of 0.2, from "),
        ("--label fraud --f-beta 1", "flagged 2 of 60 rows: the best F-beta on the labels, beta 1, from "),
        ("--scores-only", "flagged 0 of 60 rows: no threshold, scores only"),
    ],
)
def test_people_read_which_threshold_was_in_force(data: Path, option: str, says: str) -> None:
    done = type_in(f"run payments.csv --key id {option} {FOREST}")
    assert done.code == 0
    assert says in done.out


def test_people_read_a_run(data: Path) -> None:
    done = type_in(f"run payments.csv --key id --label fraud {FOREST}")
    assert done.err == ""
    lines = done.out.splitlines()
    assert re.fullmatch(
        r"run \w{6}: done in \d+\.\d s, 60 rows, \d+ encoded columns, seed 0, model payments:1", lines[0]
    )
    assert re.fullmatch(r"  isolation_forest  \d+\.\d s", lines[1])
    assert "against 60 labels, 2 of them anomalies" in done.out
    assert re.search(r"^ ensemble|^ensemble +1\.000", done.out, re.MULTILINE)
    assert re.search(r"amount 500 \(typically \d+\.\d+\) \d+%", done.out)
    run_id = lines[0].split()[1].rstrip(":")
    assert f"anomalist explain {run_id} r" in done.out
    assert f"anomalist top {run_id} -n 50" in done.out
    assert "anomalist score FILE --model payments" in done.out
    assert not NOISE.search(done.out)


def test_what_is_worth_knowing_is_on_stderr_unless_quiet(home: Path) -> None:
    Path("a.csv").write_text(payments(same=lambda _, __: "x"))
    loud = type_in(f"run a.csv --key id --label fraud {FOREST}")
    assert loud.err == "note: column 'same' is left out: constant: every value is 'x'\n"
    quiet = type_in(f"run a.csv --key id --label fraud {FOREST} --quiet")
    assert quiet.err == ""
    assert quiet.out.splitlines()[1:2] == [line for line in quiet.out.splitlines() if "isolation_forest  0" in line][:1]


@pytest.mark.parametrize("name", ["s.csv", "s.parquet", "s.jsonl"])
def test_all_scores_go_to_a_file(data: Path, name: str) -> None:
    done = type_in(f"run payments.csv --key id --label fraud --out {name} --json {FOREST}")
    assert (done.code, done.err) == (0, f"note: all scores are in {name}\n")
    read = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".jsonl": pl.read_ndjson}[Path(name).suffix]
    frame = read(name)
    assert frame.columns == ["key", "score", "level", "flagged", "isolation_forest"]
    assert frame["key"].to_list() == [f"r{i}" for i in range(60)]
    top = done.json["top"][0]
    assert frame.row(top["row"], named=True)["score"] == pytest.approx(top["score"])


def test_an_exit_code_can_tell_of_anomalies(data: Path) -> None:
    assert type_in(f"run payments.csv --key id --fail-on-anomaly {FOREST}").code == 10
    assert type_in(f"run payments.csv --key id --fail-on-anomaly --scores-only {FOREST}").code == 0
    assert type_in("score payments.csv --model payments --fail-on-anomaly --json").code == 10


def test_new_rows_are_scored(fitted: Path) -> None:
    done = type_in("score payments.csv --model m --json --label fraud")
    has(done.json, {"schema": int, "run": RUN, "top": [ROW], "evaluation": EVALUATION})
    shown = type_in("score payments.csv --model m@champion --budget 3")
    assert shown.code == 0
    assert "model m:1" in shown.out
    assert "flagged 3 of 60 rows: a budget of 3 rows" in shown.out
    assert not NOISE.search(shown.out)
    assert len(stored(fitted)["finished"]) == 3


def test_a_row_alone_has_the_score_that_it_has_among_others(fitted: Path) -> None:
    header, *rows = payments().splitlines()
    every = type_in("score payments.csv --model m:1 --top 60 --json").json
    for row in (0, 7, 42):
        Path("one.csv").write_text(f"{header}\n{rows[row]}\n")
        (alone,) = type_in("score one.csv --model m --json").json["top"]
        among = next(found for found in every["top"] if found["row"] == row)
        assert alone["key"] == among["key"] == f"r{row}"
        assert alone["score"] == pytest.approx(among["score"], abs=1e-9)
        assert (alone["flagged"], alone["reasons"]) == (among["flagged"], among["reasons"])


@pytest.mark.parametrize("form", ["csv.gz", "parquet", "jsonl", "db"])
def test_every_format_gives_the_same_scores(data: Path, form: str) -> None:
    frame = pl.read_csv(data)
    source, query = f"payments.{form}", ""
    if form == "csv.gz":
        Path(source).write_bytes(gzip.compress(data.read_bytes()))
    elif form == "parquet":
        frame.write_parquet(source)
    elif form == "jsonl":
        frame.write_ndjson(source)
    else:
        with closing(sqlite3.connect(source)) as database, database:
            database.execute("""CREATE TABLE p (id, amount, weight, city, "when", fraud)""")
            database.executemany(f"INSERT INTO p VALUES ({', '.join('?' * frame.width)})", frame.rows())
        source, query = f"sqlite:///{source}", "--query p"
    options = f"--key id --label fraud --json {FOREST}"
    first, second = type_in(f"run payments.csv {options}").json, type_in(f"run {source} {query} {options}").json
    assert [row["score"] for row in second["top"]] == pytest.approx([row["score"] for row in first["top"]])
    assert [row["reasons"] for row in second["top"]] == [row["reasons"] for row in first["top"]]


def test_the_same_seed_gives_the_same_run(data: Path) -> None:
    first, second, third = (
        type_in(f"run payments.csv --key id --json --seed {seed} {FOREST}").json for seed in (1, 1, 2)
    )
    assert first["top"] == second["top"]
    assert first["top"] != third["top"]
    assert (first["run"]["model"]["version"], second["run"]["model"]["version"]) == (1, 2)


FAILING = """
from dataclasses import dataclass
from anomalist import DetectorSpec, hookimpl

@dataclass
class Failing:
    def fit(self, data):
        raise RuntimeError("out of luck")
    score = state = restore = fit

@hookimpl
def anomalist_detectors():
    return [DetectorSpec(name="failing", summary="Fails.", factory=__name__ + ":Failing", family="other")]
"""


def test_a_partial_run_names_the_detector_that_failed(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    install_plugin(site, "failing", FAILING)
    monkeypatch.syspath_prepend(site)
    typed = f"run payments.csv --key id --label fraud --detector failing {FOREST}"
    shown = type_in(typed)
    assert shown.code == 0
    assert "  failing  failed: package failing: RuntimeError: out of luck\n" in shown.out
    assert ": partial in " in shown.out
    members = type_in(f"{typed} --json").json["run"]["members"]
    assert [(member["detector"], member["status"], member["error"]) for member in members] == [
        ("failing", "failed", "package failing: RuntimeError: out of luck"),
        ("isolation_forest", "done", None),
    ]
    lost = type_in(f"{typed} --combiner weighted:failing=3,isolation_forest=1 --json")
    assert lost.code == 0  # the weight of the one that failed is lost with it
    alone = type_in("--quiet run payments.csv --key id --detector failing")
    assert (alone.code, alone.out) == (1, "")
    assert alone.err == "error: no detector could be fitted: failing: package failing: RuntimeError: out of luck\n"


WAITING = """
from dataclasses import dataclass
from pathlib import Path
from anomalist import DetectorSpec, hookimpl

@dataclass
class Waiting:
    def fit(self, data):
        import LIBRARY
        Path("waits").touch()
        WORK
    score = state = restore = fit

@hookimpl
def anomalist_detectors():
    return [DetectorSpec(name="waiting", summary="Waits.", factory=__name__ + ":Waiting", family="other")]
"""


@pytest.mark.parametrize(
    ("library", "work"),
    [("time", "time.sleep(60)"), ("torch", "while True: torch.mm(torch.ones(99, 99), torch.ones(99, 99))")],
)
def test_an_interrupted_run_is_cancelled_at_once(
    library: str, work: str, data: Path, home: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    install_plugin(site, "waiting", WAITING.replace("LIBRARY", library).replace("WORK", work))
    command = [sys.executable, "-m", "anomalist", "run", "payments.csv", "--key", "id", "--detector", "waiting"]
    environ = environment(PYTHONPATH=str(site), ANOMALIST_DATA_HOME=str(home), OMP_NUM_THREADS="1")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, cwd=Path.cwd()
    ) as process:
        while not Path("waits").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.strip()) == (130, "", "error: interrupted")
    assert [status for _, status in stored(home)["runs"]] == ["cancelled"]


def test_a_series_detector_without_a_time_is_refused_where_it_was_named(data: Path) -> None:
    done = type_in("run payments.csv --key id --detector rnn --detector isolation_forest:trees=10")
    assert (done.code, done.out) == (2, "")
    assert "rnn needs rows in order" in done.err
