from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from anomalist.errors import UnknownNameError
from anomalist.store.repository import Store
from tests.store.samples import commit, stored
from tests.store.test_repository import counts

if TYPE_CHECKING:
    from subprocess import Popen

    from anomalist.store.rows import RunRow

ROOT = Path(__file__).parents[2]


def worker(url: str, runs: int, rows: int, *options: str) -> Popen[str]:
    command = [sys.executable, "-W", "error", "-m", "tests.store.samples", url, str(runs), str(rows), *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_processes_that_open_a_new_store_and_commit_at_once_lose_nothing(url: str, tmp_path: Path) -> None:
    processes, runs, rows = 4, 10, 300
    workers = [worker(url, runs, rows) for _ in range(processes)]
    printed = []
    for process in workers:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, "")
        printed += out.split()
    total = processes * runs
    with Store.open(url, data_home=tmp_path) as store:
        listed = store.runs(1000)
        assert sorted(run.id for run in listed) == sorted(printed)
        assert {run.status for run in listed} == {"partial"}
        assert sorted(row.version for row in store.models("shared")) == list(range(1, total + 1))
        assert store.aliases("shared") == {"champion": total}
        for run in listed[:5]:
            np.testing.assert_array_equal(store.scores(run.id).score, commit(rows, seed=run.seed)["scores"].score)
        expected = {"run": total, "dataset": 1, "score": total * rows, "record": total * 5, "score_block": total * 2}
        assert counts(store).items() >= expected.items()


def check_after_a_kill(url: str, tmp_path: Path, run_id: str, whole: RunRow, before: dict[str, int]) -> None:
    """Nothing of the killed run is there but that it began, and the store goes on."""
    with Store.open(url, data_home=tmp_path) as store:
        assert store.run(run_id).status == "crashed"
        with pytest.raises(UnknownNameError, match="it is crashed"):
            store.top(run_id)
        with pytest.raises(UnknownNameError, match="no model"):
            store.model("shared")
        assert store.run(whole.id) == whole
        assert counts(store) == before | {"run": 2, "dataset": 2}
        assert stored(store, seed=5).status == "partial"


def test_a_process_killed_in_the_middle_of_its_commit_leaves_no_half_run(url: str, tmp_path: Path) -> None:
    with Store.open(url, data_home=tmp_path) as store:
        whole = stored(store)
        before = counts(store)
    process = worker(url, 1, 70_000, "kill")
    run_id, _ = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    check_after_a_kill(url, tmp_path, run_id.strip(), whole, before)


@pytest.mark.parametrize("attempt", range(3))
def test_a_process_killed_at_any_moment_leaves_all_or_nothing(tmp_path: Path, attempt: int) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with Store.open(url, data_home=tmp_path) as store:
        whole = stored(store)
        before = counts(store)
    process = worker(url, 1, 100_000)
    assert process.stdout is not None
    run_id = process.stdout.readline().strip()
    time.sleep(random.Random(attempt).uniform(0.0, 0.3))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with Store.open(url, data_home=tmp_path) as store:
        committed = store.run(run_id).status == "partial"
        if committed:
            assert len(store.scores(run_id)) == 100_000
            assert store.model("shared").run == run_id
    if not committed:
        check_after_a_kill(url, tmp_path, run_id, whole, before)
