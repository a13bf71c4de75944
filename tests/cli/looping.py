"""A folder with payments, a run over them, verdicts on its top rows and a model, to be copied by tests of the loop."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.samples import type_in
from tests.engine.looping import is_fraud, payments

if TYPE_CHECKING:
    from tests.cli.samples import Typed

__all__ = ["PANEL", "judge", "retrain", "say_all", "set_out"]

PANEL = "--detector mahalanobis --detector knn:neighbours=5 --threads 1"


def set_out(rows: int = 200) -> None:
    """Fit the model `m` on payments.csv in the working directory, and judge thirty rows of the run."""
    payments(rows).write_csv("payments.csv")
    done = type_in(f"--quiet run payments.csv --key id --name m {PANEL}")
    assert (done.code, done.err) == (0, "")
    judge(30)


def judge(count: int, *, flip: bool = False, analyst: str = "ann", data: str = "payments.csv") -> None:
    """Import verdicts on the top of the newest run, as somebody who knows, or has it the wrong way round."""
    top = type_in(f"top latest -n {count} --json").json["top"]
    with Path(data).open(newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    frauds = {row["key"]: is_fraud({"amount": float(rows[row["key"]]["amount"])}) != flip for row in top}
    say_all({key: "anomaly" if fraud else "false_alarm" for key, fraud in frauds.items()}, analyst=analyst)


def say_all(said: dict[str, str], *, analyst: str = "ann") -> None:
    """Import verdicts on rows of the newest run."""
    Path("verdicts.csv").write_text("id,verdict\n" + "".join(f"{key},{verdict}\n" for key, verdict in said.items()))
    done = type_in(f"--quiet feedback import verdicts.csv --run latest --analyst {analyst} --key id")
    assert (done.code, done.err) == (0, "")


def retrain(options: str = "") -> Typed:
    """Retrain the model `m`, quietly."""
    return type_in(f"--quiet retrain m --threads 1 {options}")
