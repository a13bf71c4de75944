from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from anomalist.errors import StoreError
from anomalist.store.lease import Lease, process_is_gone, this_host
from anomalist.store.tables import run
from tests.store.samples import dataset

if TYPE_CHECKING:
    from anomalist.store.repository import Store


def change(store: Store, run_id: str, **values: object) -> None:
    with store._database.write() as connection:
        connection.execute(sa.update(run).where(run.c.slug == run_id).values(**values))


def lease_until(store: Store, run_id: str) -> datetime:
    with store._database.read() as connection:
        return connection.execute(sa.select(run.c.lease_until).where(run.c.slug == run_id)).scalar_one()


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


def test_a_run_whose_process_is_gone_has_crashed_at_once(store: Store) -> None:
    run_id = store.start_run("fit", dataset(10), params={}, seed=0)
    change(store, run_id, pid=dead_process())
    assert store.run(run_id).status == "crashed"
    assert store.runs()[0].status == "crashed"
    assert store.run(run_id).finished_at is None


def test_a_run_on_another_host_has_crashed_when_its_lease_ran_out(store: Store) -> None:
    run_id = store.start_run("fit", dataset(10), params={}, seed=0)
    change(store, run_id, host="elsewhere", pid=dead_process())
    assert store.run(run_id).status == "running"
    change(store, run_id, lease_until=datetime.now(UTC) - timedelta(seconds=1))
    assert store.run(run_id).status == "crashed"
    assert store.heartbeat(run_id)
    assert store.run(run_id).status == "running"


def test_an_ended_run_never_becomes_crashed(store: Store) -> None:
    run_id = store.start_run("fit", dataset(10), params={}, seed=0)
    store.fail_run(run_id, "no")
    change(store, run_id, lease_until=datetime.now(UTC) - timedelta(days=1), pid=dead_process())
    assert store.run(run_id).status == "failed"


def test_a_heartbeat_prolongs_the_lease(store: Store) -> None:
    run_id = store.start_run("fit", dataset(10), params={}, seed=0)
    first = lease_until(store, run_id)
    time.sleep(0.01)
    assert store.heartbeat(run_id)
    assert lease_until(store, run_id) > first
    with store.lease(run_id) as lease:
        assert not lease.lost
    assert not any(thread.name == "anomalist-lease" for thread in threading.enumerate())


def test_a_lease_beats_until_it_is_stopped_and_survives_a_refusal() -> None:
    beats: list[float] = []
    enough = threading.Event()

    def renew() -> bool:
        beats.append(time.monotonic())
        if len(beats) == 4:
            enough.set()
        if len(beats) == 2:
            raise StoreError("locked")
        return True

    lease = Lease(renew, every=0.01)
    assert enough.wait(10)
    lease.stop()
    lease.stop()
    stopped = len(beats)
    time.sleep(0.05)
    assert len(beats) == stopped
    assert not lease.lost


def test_a_lease_ends_by_itself_when_the_run_is_not_running_any_more() -> None:
    lease = Lease(lambda: False, every=0.01)
    deadline = time.monotonic() + 10
    while not lease.lost and time.monotonic() < deadline:
        time.sleep(0.01)
    assert lease.lost
    lease.stop()


def test_processes_are_judged_on_this_host_only() -> None:
    gone = dead_process()
    assert process_is_gone(this_host(), gone)
    assert not process_is_gone(this_host(), os.getpid())
    assert not process_is_gone(this_host(), 1)
    assert not process_is_gone("elsewhere", gone)
