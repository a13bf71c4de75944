"""Runs in processes that are killed at random moments; `python -m tests.engine.runs.victims FOLDER` from test_kill.py.

The heavy imports are done once, then each run is a forked child. Nothing may have computed before: the threads of
polars and of the numeric libraries do not survive a fork.
"""

from __future__ import annotations

import importlib
import os
import random
import signal
import sys
import time
from pathlib import Path

KILLED = 100
STORES = 5
DETECTORS = ("--detector", "distance", "--detector", "explaining:power=1")


def child(folder: Path, number: int) -> int:
    """Fork a process that makes one run; return its id."""
    process = os.fork()
    if process:
        return process
    from anomalist.cli.main import run

    data = str(folder / "rows.csv")
    home = folder / f"store{number % STORES}"
    os.environ["ANOMALIST_DATA_HOME"] = str(home)
    code = 1
    try:
        code = run(
            ["--quiet", "run", data, *DETECTORS, "--name", "m", "--seed", str(number), "--budget", "5", "--json"]
        )
    finally:
        os._exit(code)


def main(folder: Path) -> None:
    """Let a few runs end to see how long they take, then kill so many within that time."""
    for name in ("polars", "sklearn", "anomalist.cli.run", "anomalist.cli.findings", "anomalist.engine.runs.run"):
        importlib.import_module(name)
    for name in (
        "anomalist.engine.runs.export",
        "anomalist.cli.progress",
        "anomalist.store.repository",
        "alembic.command",
    ):
        importlib.import_module(name)
    assert "torch" not in sys.modules
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    lengths = []
    for number in range(3):
        started = time.monotonic()
        _, status = os.waitpid(child(folder, number), 0)
        lengths.append(time.monotonic() - started)
        assert status == 0
    moments = random.Random(0)
    for number in range(3, 3 + KILLED):
        process = child(folder, number)
        time.sleep(moments.uniform(0.0, max(lengths)))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
