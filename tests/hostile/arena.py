"""Runs the hostile plugins: the real program in a process of its own, on a small table, with a store."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from anomalist.store.repository import Store
from tests.helpers import environment, install_plugin
from tests.hostile.case import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from anomalist.detector import Floats
    from tests.hostile.case import Case

__all__ = ["GOOD_ONES", "Arena", "Fight"]

GOOD_ONES = ("mahalanobis", "knn")
LONGEST = 60.0
"""Seconds after which a run is ended that does not end by itself."""


@dataclass(frozen=True, kw_only=True)
class Fight:
    """What became of one run.

    Attributes:
        code: The exit code, negative where a signal ended it; None where it had to be ended.
        seconds: Wall time, from the start of the program to its end.
        out: What it wrote to stdout.
        err: What it wrote to stderr.
        status: Of the run in the store; empty where there is none.
        surprises: What the good members gave every row, as the store has it.
    """

    code: int | None
    seconds: float
    out: str
    err: str
    status: str
    surprises: dict[str, Floats]

    @property
    def members(self) -> dict[str, dict[str, Any]]:
        """The members of the result by name."""
        return {member["detector"]: member for member in json.loads(self.out)["run"]["members"]}


class Arena:
    """A folder with a table and an empty store, of which each run gets a copy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        rng = np.random.default_rng(0)
        frame = pl.DataFrame({name: rng.normal(size=60) for name in "abc"}).with_row_index("id")
        frame.write_csv(folder / "rows.csv")
        Store.open(f"sqlite:///{folder / 'empty.db'}", data_home=folder).close()

    def fight(self, name: str, cases: Sequence[Case], *options: str, patience: float = LONGEST) -> Fight:
        """Run the good detectors together with hostile ones; it is ended where it takes longer than `patience`."""
        self.prepare(name, cases)
        detectors = [word for member in (*GOOD_ONES, *(case.name for case in cases)) for word in ("--detector", member)]
        return self.again(name, "run", "--key", "id", *detectors, *options, patience=patience)

    def prepare(self, name: str, cases: Sequence[Case]) -> Path:
        """A folder with an empty store and these plugins."""
        home = self.folder / name
        site = home / "site"
        site.mkdir(parents=True)
        for case in cases:
            install_plugin(site, case.distribution, case.source, entry=case.name, metadata=case.metadata)
        shutil.copy(self.folder / "empty.db", home / "runs.db")
        return home

    def again(self, name: str, command: str, *options: str, patience: float = LONGEST) -> Fight:
        """Do something with the table in the folder of a fight, with its plugins."""
        home = self.folder / name
        words = [sys.executable, "-m", "anomalist", command, str(self.folder / "rows.csv"), "--json"]
        words += ["--store", str(home / "runs.db"), "--timeout", f"{TIMEOUT:g}", *options]
        environ = environment(OMP_NUM_THREADS="1", PYTHONPATH=str(home / "site"), ANOMALIST_DATA_HOME=str(home))
        code, seconds, out, err = _run(words, home, environ, patience)
        return Fight(code=code, seconds=seconds, out=out, err=err, **_stored(home))


def _run(
    command: list[str], home: Path, environ: dict[str, str], patience: float
) -> tuple[int | None, float, str, str]:
    """Run a program in a session of its own, with a stdin that stays open, and end all of it when its time is over."""
    started = time.monotonic()
    with (home / "out").open("wb") as out, (home / "err").open("wb") as err:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=out, stderr=err, cwd=home, env=environ, start_new_session=True
        )
        try:
            code: int | None = process.wait(patience)
        except subprocess.TimeoutExpired:
            code = None
        seconds = time.monotonic() - started
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdin.close()
    return code, seconds, (home / "out").read_text(errors="replace"), (home / "err").read_text(errors="replace")


def _stored(home: Path) -> dict[str, Any]:
    with Store.open(f"sqlite:///{home / 'runs.db'}", data_home=home) as store:
        runs = store.runs()
        if not runs:
            return {"status": "", "surprises": {}}
        done = {member.name for member in store.members(runs[0].id) if member.status == "done"}
        surprises = {name: store.member_column(runs[0].id, name) for name in GOOD_ONES if name in done}
        return {"status": runs[0].status, "surprises": surprises}
