"""`anomalist tune`, and how its runs are listed and shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.samples import type_in
from tests.helpers import anomalist

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


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("tune rows.csv", 2, "name their column with --label, or add --unsupervised"),
        (
            "tune rows.csv --label fraud --panel fast",
            2,
            "flag --panel: it says whose consensus judges",
        ),
        ("tune rows.csv --positive 1", 2, "--positive says which labels mean an anomaly"),
        ("tune rows.csv --label fraud --trials 1", 2, "trials must be a whole number of at least 2, got 1"),
        ("tune rows.csv --label fraud --detector gmn", 2, "no detector is called 'gmn'"),
        ("tune rows.csv --label fraud --detector gmm --space clouds=5", 2, "clouds is searched between LOW..HIGH or"),
        ("tune rows.csv --label fraud --detector pyod:ECOD", 2, "pyod:ECOD"),
        ("tune rows.csv --label fraud --detector knn --detector gmm --space a=1..2", 2, "--space is for one detector"),
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
    assert "searched  clouds=1..12 " in type_in("detectors gmm").out
    assert type_in("detectors gmm --json").json["detector"]["search"][0] == "clouds=1..12"
