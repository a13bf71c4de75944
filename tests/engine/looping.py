"""A loop in small: payments of which some are frauds and more are merely odd, and an analyst who knows which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from anomalist.engine.fitting.request import RetrainOptions, RunOptions
from anomalist.engine.retraining.retrain import retrain
from anomalist.engine.runs.run import run
from anomalist.engine.runs.sources import Source
from anomalist.store.rows import NewFeedback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from anomalist.data.table import Table
    from anomalist.detector import Bools, Floats
    from anomalist.engine.retraining.retrain import Retrained
    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import RunRow, Verdict

__all__ = [
    "PANEL",
    "asked",
    "first",
    "flipped",
    "is_fraud",
    "next_version",
    "payments",
    "scores_of",
    "truth",
    "verdicts",
]

PANEL = ("distance", "explaining:power=1")
"""Two quick detectors, neither of which can tell a fraud from what is merely odd."""


def payments(rows: int = 400, *, seed: int = 0) -> pl.DataFrame:
    """Payments; one in twenty is a fraud, of an odd amount, and as many are odder, in their weight, and none."""
    rng = np.random.default_rng(seed)
    amount, weight = rng.normal(50, 5, rows), rng.gamma(9.0, size=rows)
    kind = rng.permutation(np.arange(rows) * 20 // rows)
    amount[kind == 0] += 22
    weight[kind == 1] += 20
    return pl.DataFrame(
        {
            "id": [f"r{i}" for i in range(rows)],
            "amount": amount,
            "weight": weight,
            "height": rng.normal(size=rows),
            "city": rng.choice(["Basel", "Bern", "Chur"], rows).tolist(),
        }
    )


def is_fraud(values: Any) -> bool:
    """What an analyst sees who looks at a payment."""
    return bool(values["amount"] > 67)


def truth(table: Table) -> Bools:
    """Which payments are frauds, shape (rows,)."""
    return np.array([is_fraud({"amount": amount}) for amount in table.frame["amount"].to_list()])


def first(workspace: Workspace, path: Path, frame: pl.DataFrame | None = None, **options: Any) -> RunRow:
    """Fit the model `m` on payments in a file."""
    (payments() if frame is None else frame).write_csv(path)
    source = Source(location=str(path), key="id")
    request = RunOptions(**{"detectors": PANEL, **options})
    return run(workspace, source.read(workspace.registry), request, name="m", origin=source.to_dict()).row


def asked(workspace: Workspace, run_id: str, count: int, *, offset: int = 0) -> list[str]:
    """The keys of the most anomalous rows of a run."""
    kept = workspace.store.scores(run_id)
    order = np.argsort(-kept.score, kind="stable")[offset : offset + count]
    return [kept.keys[int(row)] for row in order]


def verdicts(
    workspace: Workspace,
    table: Table,
    keys: Iterable[str],
    *,
    say: Callable[[Any], Verdict | None] = lambda values: "anomaly" if is_fraud(values) else "false_alarm",
    analyst: str = "ann",
) -> None:
    """Judge some rows of a table."""
    places = {key: row for row, key in enumerate(table.keys)}
    entries = []
    for key in keys:
        values = table.values(places[key])
        entries.append(
            NewFeedback(fingerprint=table.fingerprint, key=key, verdict=say(values), analyst=analyst, values=values)
        )
    workspace.store.add_feedback(entries)


def flipped(values: Any) -> Verdict:
    """What an analyst says who has it the wrong way round."""
    return "false_alarm" if is_fraud(values) else "anomaly"


def next_version(workspace: Workspace, reference: str = "m", **options: Any) -> Retrained:
    """Retrain, with the options of the request and those of the call."""
    given = {name: options.pop(name) for name in ("table", "origin", "positive") if name in options}
    return retrain(workspace, reference, RetrainOptions(**options), **given)


def scores_of(workspace: Workspace, reference: str, table: Table) -> Floats:
    """What a stored model says of a table."""
    model, _ = workspace.load(reference)
    return model.score(table).score
