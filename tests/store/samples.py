"""Made runs for the tests of the store, and a program that commits them in a process of its own."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from anomalist.store.repository import Store
from anomalist.store.rows import DatasetRow, MemberRow, NewModel, RecordRow, Scores, ThresholdRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anomalist.store.rows import RunRow

NAMES = ("forest", "knn", "autoencoder")


def dataset(rows: int, source: str = "sales.csv") -> DatasetRow:
    return DatasetRow(fingerprint=f"{rows:064}", source=source, rows=rows, columns=("price", "town"))


def commit(rows: int, *, seed: int = 0, flagged: int = 5, model: NewModel | None = None) -> dict[str, Any]:
    """What `Store.commit_run` takes for a run of so many rows: three members, the last of which failed."""
    random = np.random.default_rng(seed)
    surprises = random.exponential(size=(rows, 2)).astype(np.float32)
    score = surprises.mean(axis=1).astype(np.float64)
    top = np.argsort(-score)[:flagged]
    keys = pl.Series("key", [f"row-{i}" for i in range(rows)])
    mask = np.zeros(rows, dtype=np.bool_)
    mask[top] = True
    done = [
        MemberRow(name=name, detector=name, package="anomalist 0.1.0", params={"k": 5}, status="done", seconds=0.5)
        for name in NAMES[:2]
    ]
    failed = MemberRow(
        name=NAMES[2], detector=NAMES[2], package="x 1", params={}, status="failed", seconds=0.1, error="NaN loss"
    )
    return {
        "status": "partial",
        "members": [*done, failed],
        "threshold": ThresholdRow(policy="budget", settings={"rows": flagged}, value=float(score[top[-1]])),
        "scores": Scores(keys=keys, score=score, level=1 - 2**-score, flagged=mask),
        "surprises": surprises,
        "records": [
            RecordRow(
                row=int(row),
                key=keys[int(row)],
                values={"price": 1.5, "town": "Łódź", "sold": None},
                reasons=({"column": "price", "actual": 1.5, "typical": 9, "share": 0.75},),
                members={name: float(1 - 2.0 ** -surprises[row, i]) for i, name in enumerate(NAMES[:2])},
            )
            for row in top
        ],
        "model": model,
    }


def stored(store: Store, rows: int = 100, *, seed: int = 0, **options: Any) -> RunRow:
    """Start and commit a run."""
    run_id = store.start_run("fit", dataset(rows), params={"panel": "default"}, seed=seed)
    return store.commit_run(run_id, **commit(rows, seed=seed, **options))


def killed_halfway(records: list[RecordRow]) -> Iterator[RecordRow]:
    """Give the records, but end this process for good when some of them are in the database."""
    yield from records[:-1]
    os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, runs: int, rows: int, *, kill: bool) -> None:
    """Commit so many runs, each with a new version of one model, and print the id of each before its commit."""
    with Store.open(url, data_home=Path("unused")) as store:
        for seed in range(runs):
            run_id = store.start_run("fit", dataset(rows), params={}, seed=seed)
            model = NewModel(name="shared", hash=run_id, aliases=("champion",))
            content = commit(rows, seed=seed, flagged=min(rows, 1_200) if kill else 5, model=model)
            sys.stdout.write(f"{run_id}\n")
            sys.stdout.flush()
            store.commit_run(run_id, **(content | {"records": killed_halfway(content["records"])} if kill else content))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), kill="kill" in sys.argv[4:])
