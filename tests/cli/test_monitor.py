"""`anomalist monitor`: a verdict line for people, an exit code for cron, an object for programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.samples import payments, type_in


@pytest.fixture
def moved(fitted: Path) -> Path:
    """A file of payments in which the amount is another and a new city turns up; model `m` knows payments.csv."""
    path = Path("moved.csv")
    changed = payments(
        amount=lambda _, value: f"{float(value) + 20:.2f}", city=lambda i, value: "Rome" if i % 4 == 0 else value
    )
    path.write_text(changed)
    return path


def test_the_same_rows_are_no_drift(fitted: Path) -> None:
    typed = type_in("monitor m payments.csv --fail-on-drift")
    assert (typed.code, typed.err) == (0, "")
    assert typed.out.splitlines()[0].endswith(": model m:1")
    assert typed.out.splitlines()[-1].startswith("no drift: none of 4 columns moved, ")


def test_drift_is_said_in_one_line_with_what_to_type_next(moved: Path) -> None:
    typed = type_in(f"monitor m {moved}")
    assert typed.code == 0
    last = typed.out.splitlines()[-1]
    assert last.startswith("drift: 2 of 4 columns moved (amount PSI ")
    assert "in new levels such as 'Rome'" in last
    assert last.endswith("; retrain with `anomalist retrain m --data moved.csv`")
    assert "1 level never seen in training" in typed.err
    assert type_in(f"--quiet monitor m {moved} --fail-on-drift").code == 10


def test_a_program_reads_what_people_read(moved: Path) -> None:
    found = type_in(f"--quiet monitor m:1 {moved} --json --fail-on-drift")
    assert (found.code, found.err) == (10, "")
    said = found.json
    assert said["found"] is True
    assert said["model"] == {"name": "m", "version": 1}
    assert (said["rows"], said["rows_before"], said["precision"]) == (60, 60, None)
    columns = {column["column"]: column for column in said["columns"]}
    assert {name for name, column in columns.items() if column["moved"]} == {"amount", "city"}
    assert columns["city"]["new_levels"] == ["Rome"]
    assert columns["city"]["ks"] is None
    assert columns["amount"]["ks"] > 0.8
    assert said["scores"]["judged"] is False


def test_it_is_a_run_that_can_be_listed_and_shown(moved: Path) -> None:
    verdict = type_in(f"--quiet monitor m {moved}").out.splitlines()[-1].partition("; retrain")[0]
    newest = type_in("runs --json").json["runs"][0]
    assert (newest["kind"], newest["status"], newest["flagged"]) == ("evaluate", "done", None)
    shown = type_in("show latest")
    assert shown.code == 0
    assert shown.out.splitlines()[-1] == verdict
    assert type_in("show latest --json").json["run"]["results"]["drift"]["verdict"] == verdict
    assert type_in("top latest").code == 0  # still the newest run with scores


def test_verdicts_on_flagged_rows_show_as_precision(fitted: Path) -> None:
    key = type_in("top latest --flagged --json").json["top"][0]["key"]
    assert type_in(f"feedback add latest {key} anomaly --analyst ann").code == 0
    typed = type_in("monitor m payments.csv")
    assert "precision: 1 of 1 decided row among the flagged are anomalies, 100% (95% interval 21% to 100%)" in typed.out


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("monitor nobody payments.csv", 2, "no model 'nobody': the store has m"),
        ("monitor m absent.csv", 4, "absent.csv"),
        ("monitor m lacking.csv", 4, "column 'weight' is missing"),
        ("monitor m", 2, "Missing argument 'DATA'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(fitted: Path, text: str, code: int, said: str) -> None:
    Path("lacking.csv").write_text(payments(weight=None))
    typed = type_in(text)
    assert typed.code == code
    assert said in typed.err
    assert len(typed.err.splitlines()) == 1
    assert [run["kind"] for run in type_in("runs --json").json["runs"]] == ["fit"]
