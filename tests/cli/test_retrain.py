"""`anomalist retrain`: the next version of a model, as people, programs and cron ask for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.cli.looping import PANEL, judge, retrain, set_out
from tests.cli.samples import stored, type_in
from tests.cli.shapes import NOISE, has
from tests.engine.looping import payments

NUMBER = (int, float)
PAIR = {"champion": NUMBER, "challenger": NUMBER, "gain": NUMBER, "low": NUMBER, "high": NUMBER}
MEASURES = {
    "average_precision": PAIR,
    "precision_at_anomalies": PAIR,
    "precision_at_10": PAIR,
    "log_loss": PAIR,
    "brier": PAIR,
}
EMPTY = {"rows": int, "anomalies": int, "measures": {}}
OUTCOME = {
    "promoted": bool,
    "champion": str,
    "reason": str,
    "verdicts": int,
    "anomalies": int,
    "comparison": {
        "verdict": str,
        "promote": bool,
        "reason": str,
        "all": {"rows": int, "anomalies": int, "measures": MEASURES},
        "taught": EMPTY,
        "new": {"rows": int, "anomalies": int, "measures": MEASURES},
        "confidence": float,
        "folds": int,
    },
}


@pytest.fixture(scope="session")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with payments.csv and, under `home`, a run over it, its model `m` and thirty verdicts; to be copied."""
    folder = tmp_path_factory.mktemp("loop")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ANOMALIST_")]:
            patch.delenv(name)
        patch.setenv("ANOMALIST_DATA_HOME", str(folder / "home"))
        patch.chdir(folder)
        set_out()
    return folder


@pytest.fixture
def loop(home: Path, set_up: Path) -> Path:
    """The data folder; payments.csv is in the working directory, and where its run had it."""
    shutil.copytree(set_up / "home", home)
    shutil.copy(set_up / "payments.csv", "payments.csv")
    return home


def made(options: str = "") -> dict[str, Any]:
    """The parameters that the newest run of a retraining kept."""
    done = retrain(f"--json {options}")
    assert (done.code, done.err) == (0, "")
    found: dict[str, Any] = type_in("show latest --json").json["run"]
    assert found["kind"] == "retrain"
    return found


def test_people_read_what_came_of_it_and_what_to_type_next(loop: Path) -> None:
    done = type_in("retrain m --threads 1")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].endswith("model m:2")
    assert any(line.startswith("learned from 30 verdicts, ") and "compared with m:1" in line for line in lines)
    assert any(line.startswith("all (30)  average precision") for line in lines)
    assert not any(line.startswith("new to the champion") for line in lines)  # the same rows again
    assert lines[-2].startswith("m:2 is the champion now: on all verdicts the challenger is better: average precision")
    assert lines[-1] == "back again:     anomalist models rollback m"
    assert not NOISE.search(done.out)
    shown = type_in("show latest").out.splitlines()
    assert shown[-2:] == lines[-2:]
    assert "probability" in done.out


def test_programs_read_the_same(loop: Path) -> None:
    done = retrain("--json")
    assert (done.code, done.err) == (0, "")
    found = done.json
    has(found["retrain"], OUTCOME)
    assert set(found) == {"schema", "run", "top", "retrain"}
    assert found["run"]["model"] == {"name": "m", "version": 2}
    assert (found["retrain"]["promoted"], found["retrain"]["champion"]) == (True, "m:1")
    assert all(0 <= row["probability"] <= 1 for row in found["top"])
    assert found["top"][0]["moved"]["columns"]
    assert type_in("show latest --json").json["run"]["results"]["retrain"] == found["retrain"]


def test_what_is_not_promoted_is_kept_and_can_be_used_by_its_name(loop: Path) -> None:
    done = retrain("--no-promote")
    assert done.out.splitlines()[-2].startswith(
        "m:1 stays the champion: as was asked; by the comparison, on all verdicts"
    )
    assert done.out.splitlines()[-1] == "promote it:     anomalist models promote m:2"
    plain, learned = (
        type_in(f"--quiet score payments.csv --model {name} --json").json for name in ("m", "m@challenger")
    )
    assert (plain["run"]["model"]["version"], learned["run"]["model"]["version"]) == (1, 2)
    assert plain["top"][0]["probability"] is None
    assert learned["top"][0]["probability"] > 0.5
    assert [row["key"] for row in plain["top"]] != [row["key"] for row in learned["top"]]


def test_promote_has_the_last_word(loop: Path) -> None:
    retrain()
    judge(30, flip=True)
    assert not retrain("--json").json["retrain"]["promoted"]
    found = retrain("--json --promote").json["retrain"]
    assert found["promoted"]
    assert not found["comparison"]["promote"]
    assert type_in("models show m --json").json["model"]["version"] == 4


def test_members_are_kept_unless_there_are_other_rows_or_it_is_said(loop: Path) -> None:
    payments(260, seed=4).write_csv("new.csv")
    assert made()["params"]["retrain"]["members"] == "reuse"
    assert made("--members refit")["params"]["retrain"]["members"] == "refit"
    found = made("--data new.csv --key id")
    assert (found["params"]["retrain"]["members"], found["rows"], found["source"]) == ("refit", 260, "new.csv")
    found = made("--data new.csv --key id --members reuse")
    assert (found["params"]["retrain"]["members"], found["rows"]) == ("reuse", 260)
    assert found["params"]["origin"]["location"] == str(Path("new.csv").absolute())


def test_warm_starts_say_what_they_did(loop: Path) -> None:
    payments(260, seed=4).write_csv("new.csv")
    found = made("--data new.csv --members warm-start")
    assert all(any("fitted anew" in note for note in member["notes"]) for member in found["members"])


def test_the_next_version_goes_on_from_the_rows_of_the_last(loop: Path) -> None:
    payments(260, seed=4).write_csv("new.csv")
    retrain("--data new.csv --key id --promote")
    assert made()["rows"] == 260
    Path("new.csv").unlink()
    done = retrain()
    assert (done.code, done.err.count("\n")) == (4, 1)
    assert "new.csv" in done.err
    assert "--data" in done.err


@pytest.mark.parametrize(
    ("stacker", "params"),
    [("logistic", {}), ("boosting:trees=7", {"trees": 7}), ("consensus", {}), ("gp:local=2", {"local": 2.0})],
)
def test_who_learns_can_be_chosen(loop: Path, stacker: str, params: dict[str, float]) -> None:
    found = made(f"--stacker {stacker}")
    assert found["params"]["retrain"]["stacker"] == stacker
    shown = type_in("models show m:2 --json").json["model"]
    assert shown["stack"]["name"] == stacker.partition(":")[0]
    assert shown["stack"]["verdicts"] == 30


def test_seed_budget_device_and_top_are_heard(loop: Path) -> None:
    found = made("--members refit --seed 7 --budget 9 --device cpu --top 4")
    assert (found["seed"], found["flagged"]) == (7, 9)
    assert found["threshold"]["parameter"] == 9
    options = found["params"]["options"]
    assert (options["seed"], options["device"], options["top"]) == (7, "cpu", 4)
    assert {member["params"]["seed"] for member in found["members"]} == {7}
    assert len(type_in("top latest -n 50 --json").json["top"]) == 50
    assert len(retrain("--json --top 3").json["top"]) == 3


def test_without_them_they_stay_as_they_were(loop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    retrain("--members refit --seed 7 --budget 9 --promote")
    monkeypatch.setenv("ANOMALIST_SEED", "3")  # a default for new models, not for the next version of this one
    monkeypatch.setenv("ANOMALIST_BUDGET", "50%")
    found = made("--members refit")
    assert (found["seed"], found["flagged"]) == (7, 9)


def test_a_timeout_is_heard(loop: Path) -> None:
    done = retrain("--members refit --timeout 0.000001")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "time" in done.err
    assert type_in("models show m --json").json["model"]["version"] == 1


def test_scores_are_written_and_flagged_rows_can_fail_a_job(loop: Path) -> None:
    assert retrain("--out scores.csv --fail-on-anomaly").code == 10
    scores = pl.read_csv("scores.csv")
    assert scores.height == 200
    assert scores["probability"].is_between(0, 1).all()
    assert scores["flagged"].sum() == 2
    assert retrain("--out scores.parquet").code == 0
    assert pl.read_parquet("scores.parquet").height == 200


def test_labels_of_other_rows_are_read_as_it_is_said(loop: Path) -> None:
    frame = payments(260, seed=4).with_columns(
        kind=pl.when(pl.col("amount") > 67).then(pl.lit("x")).otherwise(pl.lit("y"))
    )
    frame.write_csv("new.csv")
    done = retrain("--data new.csv --key id --label kind --positive x --json")
    assert done.code == 0
    assert done.json["evaluation"]["anomalies"] == frame["kind"].to_list().count("x")
    assert retrain("--data new.csv --key id --label kind --positive y --json").json["evaluation"]["anomalies"] > 200


def test_cron_retrains_where_it_is_needed_and_only_there(loop: Path) -> None:
    done = type_in("retrain m --if-needed --verdicts 31")
    assert (done.code, done.out, done.err) == (0, "not needed: 30 new verdicts since m:1, 31 are waited for\n", "")
    done = type_in("retrain m --if-needed --verdicts 31 --json")
    assert done.json == {
        "schema": 1,
        "needed": False,
        "reason": "30 new verdicts since m:1, 31 are waited for",
    }
    assert len(stored(loop)["runs"]) == 1
    done = type_in("retrain m --if-needed --threads 1")
    assert done.code == 0
    assert "note: retraining: 30 new verdicts since m:1" in done.err
    assert len(stored(loop)["models"]) == 2
    judge(20, flip=True, analyst="eve")
    found = type_in("--quiet retrain m --if-needed --verdicts 1 --threads 1 --json").json
    assert (found["needed"], found["retrain"]["champion"]) == (True, "m:2")
    assert "since m:2, 1 are waited for" in found["reason"]
    done = type_in("retrain m --if-needed")
    assert done.out.startswith("not needed: 0 new verdicts since m:3, 20 are waited for; m:3 is a challenger")


def test_cron_sees_drift_in_the_rows_it_names(loop: Path) -> None:
    payments(200, seed=4).write_csv("same.csv")
    payments(200, seed=4).with_columns(pl.col("height") + 4).write_csv("moved.csv")
    retrain()
    done = type_in("retrain m --if-needed --data same.csv --key id")
    assert done.out.startswith("not needed: 0 new verdicts since m:2, 20 are waited for; no drift: ")
    done = type_in("retrain m --if-needed --data moved.csv --key id --threads 1")
    assert done.code == 0
    assert "retraining: drift: 1 of 4 columns moved (height" in done.err
    assert "learned from 30 verdicts" in done.out


def test_only_that_which_learned_something_is_stored(loop: Path) -> None:
    type_in("--quiet run payments.csv --key id --name fresh " + PANEL)
    payments(50, seed=9).write_csv("other.csv")
    type_in("--quiet run other.csv --key id --name alone " + PANEL)
    before = stored(loop)
    done = type_in("--quiet retrain alone")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: there is nothing to learn: ")
    assert stored(loop) == before
    assert type_in("--quiet retrain fresh --threads 1").code == 0  # the verdicts are on its rows, too


def test_quiet_says_only_the_result(loop: Path) -> None:
    assert retrain().err == ""
    assert type_in("--quiet retrain m --if-needed").err == ""
