"""How fast the store takes the scores of a large run, and how fast it gives them back.

`python -m tests.benchmarks.store --at-least 200000` ends with exit code 1 where fewer rows are stored a CPU second.
CPU time is that of this process, into which SQLite is linked; a PostgreSQL server spends its own time besides.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anomalist.store.repository import Store
from anomalist.store.rows import DatasetRow, MemberRow, RecordRow, Scores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def content(rows: int, detectors: int, flagged: int) -> tuple[Scores, np.ndarray, list[MemberRow]]:
    """A consensus, member scores and the panel, as an engine would hand them over."""
    random = np.random.default_rng(0)
    surprises = random.exponential(size=(rows, detectors)).astype(np.float32)
    score = surprises.mean(axis=1, dtype=np.float64)
    mask = np.zeros(rows, dtype=np.bool_)
    mask[np.argsort(-score)[:flagged]] = True
    keys = pl.Series(np.arange(rows)).hash(seed=0).cast(pl.String)  # like keys made from content
    members = [
        MemberRow(name=f"detector{i}", detector="knn", package="x 1", params={}, status="done", seconds=1.0)
        for i in range(detectors)
    ]
    return Scores(keys=keys, score=score, level=1 - 2**-score, flagged=mask), surprises, members


def records(scores: Scores, surprises: np.ndarray, members: list[MemberRow]) -> Iterator[RecordRow]:
    """What is kept of the flagged rows: twenty values, three reasons and the level of each member."""
    values = {f"column{i}": i / 7 for i in range(20)}
    reasons = tuple({"column": f"column{i}", "actual": i / 7, "typical": 0.0, "share": 0.3} for i in range(3))
    names = [member.name for member in members]
    for row in np.flatnonzero(scores.flagged).tolist():
        levels = dict(zip(names, (1 - 2.0 ** -surprises[row]).tolist(), strict=True))
        yield RecordRow(row=row, key=scores.keys[row], values=values, reasons=reasons, members=levels)


def milliseconds(read: Callable[[], object]) -> str:
    start = time.perf_counter()
    read()
    return f"{1000 * (time.perf_counter() - start):8.1f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--detectors", type=int, default=8)
    parser.add_argument("--flagged", type=float, default=0.01, help="share of the rows, each with a record")
    parser.add_argument("--url", help="a store of its own; a temporary SQLite file unless given")
    parser.add_argument("--at-least", type=float, default=0.0, help="rows per CPU second")
    options = parser.parse_args()
    scores, surprises, members = content(options.rows, options.detectors, round(options.flagged * options.rows))

    with tempfile.TemporaryDirectory() as home, Store.open(options.url, data_home=Path(home)) as store:
        columns = tuple(f"column{i}" for i in range(20))
        data = DatasetRow(fingerprint="benchmark", source="benchmark", rows=options.rows, columns=columns)
        run_id = store.start_run("score", data, params={}, seed=0)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        wall, cpu = time.perf_counter(), time.process_time()
        store.commit_run(
            run_id,
            status="done",
            members=members,
            scores=scores,
            surprises=surprises,
            records=records(scores, surprises, members),
        )
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory

        rate = options.rows / cpu
        print(f"{options.rows:,} rows x {options.detectors} detectors, {int(scores.flagged.sum()):,} records")
        print(f"stored      {rate:12,.0f} rows per CPU second")
        print(f"            {cpu:.2f} s CPU, {wall:.2f} s, {memory / 1024:.0f} MiB more memory")
        print(f"first ten   {milliseconds(lambda: store.top(run_id, 10))}")
        print(f"one member  {milliseconds(lambda: store.member_column(run_id, members[-1].name))}")
        print(f"one row     {milliseconds(lambda: store.member_scores(run_id, options.rows - 1))}")
        print(f"one key     {milliseconds(lambda: store.score_of(run_id, scores.keys[options.rows - 1]))}")
        print(f"every score {milliseconds(lambda: store.scores(run_id))}")
    if rate < options.at_least:
        print(f"too slow: {options.at_least:,.0f} rows per CPU second were asked for", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
