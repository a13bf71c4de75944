"""What `--isolate` costs a run, in CPU and wall seconds of the whole program and its children.

    python -m tests.benchmarks.isolation [--panel default] [--repeat 5] [--rows 0]

It runs the samples that `anomalist demo` writes, or so many random rows of 20 numbers, with and without `--isolate` in
turn; the medians are compared, and the surprises that the members give are compared row by row: isolation changes none.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import polars as pl

from tests.helpers import environment

WAYS = {"threads": (), "--isolate": ("--isolate",)}


def table(folder: Path, rows: int) -> Path:
    """The rows that are run, keyed by the column `sample`."""
    if rows:
        values = np.random.default_rng(0).normal(size=(rows, 20)).astype(np.float32)
        frame = pl.DataFrame(values, schema=[f"x{i}" for i in range(20)]).with_row_index("sample")
        frame.write_parquet(folder / "rows.parquet")
        return folder / "rows.parquet"
    command = [sys.executable, "-m", "anomalist", "demo", "--quiet", "--folder", str(folder / "demo")]
    environ = environment(ANOMALIST_PANEL="fast", OMP_NUM_THREADS="1")
    subprocess.run(command, check=True, capture_output=True, env=environ, cwd=folder)
    return folder / "demo" / "cells.csv"


def cost(folder: Path, command: list[str]) -> tuple[float, float]:
    """CPU and wall seconds of a run and of all processes that it waited for."""
    environ = environment(ANOMALIST_DATA_HOME=str(folder / "home"), OMP_NUM_THREADS="1")
    started = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environ, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise click.ClickException((folder / "log").read_text()[-800:])
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - started


@click.command()
@click.option("--panel", default="default", show_default=True)
@click.option("--repeat", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--rows", type=click.IntRange(min=0), default=0, show_default=True, help="0: the samples of the demo.")
def main(panel: str, repeat: int, rows: int) -> None:
    """Print what a run costs both ways."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = table(folder, rows)
        costs: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
        for number in range(repeat + 1):  # the first round warms the caches of files
            for way, options in WAYS.items():
                out = folder / f"{way}.csv"
                command = [sys.executable, "-m", "anomalist", "run", str(data), "--key", "sample", "--panel", panel]
                found = cost(folder, [*command, "--quiet", "--out", str(out), *options])
                if number:
                    costs[way].append(found)
        one, other = (pl.read_csv(folder / f"{way}.csv") for way in WAYS)
        same = one.equals(other)
    print(f"{'':<12}{'CPU s':>8}{'wall s':>8}   median of {repeat}; panel {panel}, {one.height} rows")
    medians = {way: [statistics.median(column) for column in zip(*found, strict=True)] for way, found in costs.items()}
    for way, (cpu, wall) in medians.items():
        print(f"{way:<12}{cpu:8.2f}{wall:8.2f}")
    without, isolated = medians.values()
    print(f"{'ratio':<12}{isolated[0] / without[0]:8.2f}{isolated[1] / without[1]:8.2f}")
    print(f"the scores are {'the same' if same else 'NOT the same'}")


if __name__ == "__main__":
    main()
