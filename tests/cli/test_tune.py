"""`anomalist tune`, and how its runs are listed and shown."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest

from anomalist.cli.tuning_view import print_report
from tests.cli.samples import type_in
from tests.helpers import anomalist, install_plugin

FRAIL = '''
import os, signal, time
from dataclasses import dataclass
import numpy as np
from anomalist import DetectorSpec, hookimpl

@dataclass
class Frail:
    """The values of one column, or of all.

    Attributes:
        way: What it does.
    """

    way: str = "b"

    def fit(self, data):
        if self.way == "fail":
            raise RuntimeError("out of luck")
        if self.way == "stop":
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.3)
        return self

    def score(self, data):
        taken = data.values[:, data.columns.index(self.way)]
        return np.abs(taken).astype(np.float64)

    def state(self):
        return {}

    def restore(self, state):
        return self

@hookimpl
def anomalist_detectors():
    return [DetectorSpec(name="frail", summary="Frail.", factory=__name__ + ":Frail", family="other")]
'''

TUNE = "tune rows.csv --detector knn --space neighbours=2..30:log,metric=euclidean|manhattan"


@pytest.fixture
def rows(home: Path) -> Path:
    """120 labelled rows in rows.csv, 24 of them anomalies; gives the data folder."""
    rng = np.random.default_rng(1)
    fraud = rng.permutation(np.repeat([1, 0], [24, 96]))
    values = rng.normal(size=(120, 3)) + 1.5 * fraud[:, None] * rng.normal(size=(120, 3))
    lines = [",".join([*(f"{x:.3f}" for x in row), str(label)]) for row, label in zip(values, fraud, strict=True)]
    Path("rows.csv").write_text("\n".join(["a,b,c,fraud", *lines]) + "\n")
    return home


def test_a_search_is_printed_stored_and_gone_on_with(rows: Path) -> None:
    done = type_in(f"{TUNE} --label fraud --trials 4")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    run = lines[0].removeprefix("run ")
    assert lines[2].startswith("knn: 4 trials (4 done), by average precision")
    assert any(line.startswith("    0 ") and line.endswith("the defaults") for line in lines)
    assert lines[-1].startswith("use it:  anomalist run rows.csv --label fraud --detector ")

    listed = type_in("runs").out.splitlines()
    assert len(listed) == 2
    assert listed[1].split()[:4] == [run, "tune", "done", "rows.csv"]
    trials = type_in("runs --trials --json").json["runs"]
    assert [found["kind"] for found in trials] == ["trial"] * 4 + ["tune"]

    shown = type_in("show latest").out
    assert shown.startswith(f"run            {run}\nkind           tune\n")
    assert shown.endswith(done.out.split("\n", 1)[1])
    trial = type_in(f"show {trials[3]['id']}").out
    assert f"trial 0 of search {run}: knn\ndone: average precision on each fold: 0." in trial

    more = type_in(f"{TUNE} --label fraud --trials 5 --json")
    assert more.err == "note: knn: goes on from 4 trials of earlier calls; --fresh begins anew\n"
    (found,) = more.json["detectors"]
    assert (found["resumed"], len(found["trials"])) == (4, 5)
    assert set(found["comparison"]["measures"]) == {"average_precision", "roc_auc"}
    assert found["line"] == found["best"]["line"]
    assert type_in(f"--quiet {lines[-1].removeprefix('use it:  anomalist ')}").code == 0


def test_what_is_to_be_used_reads_the_rows_as_the_search_did(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("sub").mkdir()
    Path("rows.csv").rename("sub/rows.csv")
    how = "--label fraud --format csv --positive 1 --ignore b --role a=categorical"
    done = type_in(f"tune sub/rows.csv {how} --detector gmm --space clouds=1..3 --trials 2")
    use = done.out.splitlines()[-1]
    assert use.startswith(f"use it:  anomalist run sub/rows.csv {how} --detector gmm")
    assert type_in("show latest").out.splitlines()[-1] == use
    monkeypatch.chdir("sub")
    assert type_in("show latest").out.splitlines()[-1] == use.replace("sub/rows.csv", "rows.csv")


def test_without_labels_a_note_says_how_far_to_trust_it(rows: Path) -> None:
    done = type_in(f"{TUNE} --ignore fraud --unsupervised --trials 2 --panel fast")
    assert done.code == 0
    assert done.err.startswith("note: without labels trials are judged by how well they agree with the consensus")
    assert "2 trials (2 done), by consensus" in done.out


@pytest.fixture
def frail(rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A detector that fails, or is interrupted, where it is told to; gives the command that searches it."""
    install_plugin(tmp_path, "frail", FRAIL)
    monkeypatch.syspath_prepend(tmp_path)
    lines = Path("rows.csv").read_text().splitlines()
    strong = [line.replace(",", f",{9 if line.endswith('1') else 0},", 1) for line in lines[1:]]
    Path("rows.csv").write_text("\n".join([lines[0].replace(",", ",odd,", 1), *strong]) + "\n")
    return "tune rows.csv --label fraud --detector frail --trials 9 --space"


def test_it_says_what_failed_why_it_ended_and_what_to_do_next(frail: str) -> None:
    done = type_in(f"{frail} 'way=b|odd|fail'")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[2] == "frail:frail: 3 trials, all that the space holds (2 done, 1 failed), by average precision"
    assert any(line.startswith("failed: 1 trial, such as ") for line in lines)
    assert any(line.endswith("(way=fail): package frail: RuntimeError: out of luck") for line in lines)
    assert lines[-1] == "use it:  anomalist run rows.csv --label fraud --detector frail:frail:way=odd"
    hurried = type_in(f"{frail} 'way=b|odd' --seconds 0.0001").out
    assert "frail:frail: 1 of 9 trials when the time was over (1 done)" in hurried
    assert "\ngo on:   the same command, without --fresh, " in hurried


KNN = "anomalist run a.csv --detector knn"


@pytest.mark.parametrize(
    ("ruling", "gain", "advice"),
    [
        ("better", 0.1, [f"use it:  {KNN}:p=3"]),
        ("unproven", 0.1, [f"keep:    {KNN}", f"or try:  {KNN}:p=3"]),
        ("unproven", -0.1, [f"keep:    {KNN}"]),
        ("worse", -0.1, [f"keep:    {KNN}"]),
        (None, None, [f"try it:  {KNN}:p=3"]),
    ],
)
def test_the_defaults_stay_where_nothing_is_proven_better(
    ruling: str | None, gain: float | None, advice: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pair = {"defaults": 0.5, "tuned": 0.5, "gain": gain, "low": -0.2, "high": 0.2}
    comparison = {"ruling": ruling, "metric": "roc_auc", "measures": {"roc_auc": pair}, "confidence": 0.9}
    one = {"detector": "knn", "line": "knn:p=3", "defaults": "knn", "trials": [], "counts": {"done": 2}}
    one |= {"wanted": 2, "ended": "trials", "comparison": comparison if ruling else None, "reason": "so it is"}
    params = {"origin": {}, "tune": {"positive": None, "features": []}}
    print_report({"judged_by": "roc_auc", "detectors": [one]}, data="a.csv", params=params)
    lines = capsys.readouterr().out.splitlines()
    assert lines[lines.index("so it is") + 1 :] == advice


def test_an_interruption_says_how_to_go_on(frail: str, rows: Path, tmp_path: Path) -> None:
    words = shlex.split(f"{frail} 'way=b|stop'")
    done = anomalist(*words, folder=Path.cwd(), PYTHONPATH=str(tmp_path), ANOMALIST_DATA_HOME=str(rows))
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.startswith("note: trials that came to their end are kept; the same command, without --fresh, ")
    assert [run["status"] for run in type_in("runs --trials --json").json["runs"]] == ["cancelled", "done", "cancelled"]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("tune rows.csv", 2, "name their column as the label, or search unsupervised"),
        (
            "tune rows.csv --label fraud --panel fast",
            2,
            "a panel says whose consensus judges",
        ),
        ("tune rows.csv --positive 1", 2, "--positive says which labels mean an anomaly"),
        ("tune rows.csv --label fraud --trials 1", 2, "trials must be a whole number of at least 2, got 1"),
        ("tune rows.csv --label fraud --detector gmn", 2, "no detector is called 'gmn'"),
        ("tune rows.csv --label fraud --detector gmm --space clouds=5", 2, "clouds is searched between LOW..HIGH or"),
        ("tune rows.csv --label fraud --detector pyod:ECOD", 2, "pyod:ECOD"),
        ("tune rows.csv --label fraud --detector knn --detector knn", 2, "detector knn is named twice"),
        ("tune rows.csv --label fraud --detector knn --detector gmm --space a=1..2", 2, "a space is for one detector"),
        ("tune rows.csv --label a", 4, "rows.csv"),
        ("tune none.csv --label fraud", 4, "none.csv"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_stores_nothing(rows: Path, text: str, code: int, message: str) -> None:
    done = type_in(text)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert message in done.err
    assert type_in("runs --trials --json").json["runs"] == []


def test_without_optuna_it_says_what_to_install(rows: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text(
        "import importlib.util as u\nreal = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'optuna' else real(name, *a)\n"
    )
    done = anomalist(
        *f"{TUNE} --label fraud".split(), folder=Path.cwd(), PYTHONPATH=str(blocked), ANOMALIST_DATA_HOME=str(rows)
    )
    assert (done.returncode, done.stderr) == (2, "error: tuning needs Optuna: pip install 'anomalist[tune]'\n")


def test_a_detector_shows_what_is_searched(home: Path) -> None:
    assert "searched  clouds=none|1|2|3|5|8|12 " in type_in("detectors gmm").out
    assert type_in("detectors gmm --json").json["detector"]["search"][0] == "clouds=none|1|2|3|5|8|12"
