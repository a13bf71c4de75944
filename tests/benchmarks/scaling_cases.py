"""What is measured of growth: the program as a whole in processes of their own, and each detector alone.

A process starts with the high-water mark of the one that starts it, so nothing large is ever done in the caller: tables
are written by a process, too.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tests.benchmarks.panel import ONE_THREAD, measured

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
_BLOCK = 100_000
_SHAPES = 6  # hidden causes that the columns have in common

FOREST = """
import sys, time
import polars as pl
from sklearn.ensemble import IsolationForest
values = pl.read_parquet(sys.argv[1]).to_numpy()
started = time.process_time()
IsolationForest(random_state=0).fit(values).score_samples(values)
print(time.process_time() - started)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A command of the program on a table of a size.

    Attributes:
        what: What it is called in the tables: a panel, or another way to use the program.
        rows: Of the table.
        columns: Of the table.
        cpu: CPU seconds, the start of the program and all threads included.
        wall: Wall seconds.
        peak: The most resident memory, bytes.
    """

    what: str
    rows: int
    columns: int
    cpu: float
    wall: float
    peak: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """A detector alone, in a process that has the rows already: CPU seconds, and bytes above what was there before."""

    detector: str
    rows: int
    columns: int
    fit: float
    score: float
    peak: float | None


def write(path: str, rows: int, columns: int) -> None:
    """Write a Parquet file, or a CSV file, of numbers with few causes in common."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(0)
    mix = rng.normal(size=(_SHAPES, columns))
    values = np.empty((rows, columns), dtype=np.float32)
    for first in range(0, rows, _BLOCK):
        part = values[first : first + _BLOCK]
        part[:] = rng.normal(size=(len(part), _SHAPES)) @ mix + 0.3 * rng.normal(size=part.shape)
    frame = pl.DataFrame({f"x{i}": values[:, i] for i in range(columns)})
    if path.endswith(".csv"):
        frame.write_csv(path)
    else:
        frame.write_parquet(path)


def table(folder: Path, rows: int, columns: int, form: str = "parquet") -> Path:
    """A file of that size; written once."""
    path = folder / f"{rows}x{columns}.{form}"
    if not path.exists():
        process = multiprocessing.get_context("spawn").Process(target=write, args=(str(path), rows, columns))
        process.start()
        process.join()
        if process.exitcode:
            raise click.ClickException(f"{path.name} could not be written")
    return path


def program(folder: Path, what: str, path: Path, *arguments: str) -> Case:
    """Let the program do something with a table, in one thread."""
    command, *others = arguments
    call = [sys.executable, "-m", "anomalist", "-q", command, str(path), "--threads", "1", "--json", *others]
    cpu, wall, peak = measured(call, folder)
    ended = json.loads((folder / "log").read_text(encoding="utf-8"))["run"]
    if ended["status"] != "done":  # the cost of a panel without one of its detectors is another figure
        why = "; ".join(f"{one['detector']}: {one['error']}" for one in ended["members"] if one["error"])
        raise click.ClickException(f"{what} on {path.name} ended as {ended['status']}: {why}")
    rows, columns = map(int, path.stem.split("x"))
    return Case(what=what, rows=rows, columns=columns, cpu=cpu, wall=wall, peak=peak)


def run(folder: Path, panel: str, path: Path, what: str | None = None) -> Case:
    """`anomalist run` with a panel; the model is called after the panel and the table."""
    return program(folder, what or panel, path, "run", "--panel", panel, "--name", f"{panel}-{path.stem}")


def alone(detector: str, paths: Sequence[Path]) -> list[Alone]:
    """One detector on one table after the other, in one process."""
    found = json.loads(_printed("-m", "tests.benchmarks.scaling_alone", detector, *paths))
    return [Alone(**figures) for figures in found]


def forest_pass(path: Path) -> float:
    """CPU seconds that scikit-learn's isolation forest, with its defaults, takes to fit and to score a table."""
    return float(_printed("-c", FOREST, path))


def _printed(option: str, program: str, *arguments: str | Path) -> str:
    """What Python prints that runs a module or a text with arguments, wherever the caller stands."""
    whole = [one.absolute() if isinstance(one, Path) else one for one in arguments]
    command = [sys.executable, option, program, *whole]
    environ = {**os.environ, **ONE_THREAD}
    done = subprocess.run(command, capture_output=True, check=False, text=True, env=environ, cwd=ROOT)
    if done.returncode:
        raise click.ClickException(f"{option} {program[:80]} failed: {done.stderr[-800:]}")
    return done.stdout


def machine() -> dict[str, Any]:
    """Where figures were measured: ratios carry over to other machines, seconds do not."""
    import platform

    return {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()}
