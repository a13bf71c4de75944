"""How long one verdict takes while many processes write to one store, and whether any is lost or doubled.

`python -m tests.benchmarks.feedback_writes` ends with exit code 1 where one is lost, doubled or out of its chain.
Without `--pause` every process writes the next verdict at once: fifty of them are far more than fifty analysts.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from anomalist.store.repository import Store
from anomalist.store.rows import VERDICTS, DatasetRow, NewFeedback

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Barrier

    from anomalist.store.rows import FeedbackRow

DATA = DatasetRow(fingerprint="f" * 64, source="benchmark", rows=1_000, columns=("amount", "town"))
ANALYSTS = 5
START_SECONDS = 300

Written: TypeAlias = tuple[float, float, list[float], float]
"""The moments of the first and after the last write of a process, the seconds of each, and its CPU time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it.

    Attributes:
        log: Every entry of the store, the oldest first.
        seconds: Wall time of each write, of the replays too.
        wall: Seconds from the first write to the last.
        cpu: CPU seconds of all writers together, their start included.
    """

    log: list[FeedbackRow]
    seconds: np.ndarray
    wall: float
    cpu: float


def verdict(number: int) -> NewFeedback:
    """The verdict of a number: few rows and analysts, so that verdicts of several processes form one chain."""
    return NewFeedback(
        fingerprint=DATA.fingerprint,
        key=f"row-{number % 397}",
        verdict=VERDICTS[number % len(VERDICTS)],
        analyst=f"analyst-{number % ANALYSTS}",
        values={"amount": number / 7, "town": "Łódź", **{f"column{i}": i / 3 for i in range(18)}},
        asked="random",
        probability=0.25,
        token=f"token-{number}",
    )


def shares(processes: int, verdicts: int, replays: int) -> list[list[int]]:
    """The numbers that each process writes: its own, and some that are written again, often by another process.

    A replay comes about when the first writing of it does, so that it is before, after or at the same moment.
    """
    own = [list(range(process, verdicts, processes)) for process in range(processes)]
    for replay in range(replays):
        number = replay * verdicts // replays
        place = number // processes + replay % 2
        own[(number + replay % 3) % processes].insert(place, number)
    return own


def write(url: str, numbers: list[int], pause: float, ready: Barrier, results: Connection) -> None:
    """Write verdicts one by one: what each worker process does."""
    seconds = []
    with Store.open(url, data_home=Path("unused")) as store:
        chance = random.Random(numbers[0] if numbers else 0)
        ready.wait(START_SECONDS)
        begin = time.time()
        for number in numbers:
            time.sleep(chance.uniform(0, 2 * pause))
            start = time.perf_counter()
            store.add_feedback([verdict(number)])
            seconds.append(time.perf_counter() - start)
    results.send((begin, time.time(), seconds, time.process_time()))


def run(url: str, *, processes: int, verdicts: int, replays: int, pause: float = 0.0) -> Outcome:
    """Let the processes loose on a store and read back what they left; an EOFError says that one of them failed."""
    with Store.open(url, data_home=Path("unused")) as store:
        store.start_run("fit", DATA, params={}, seed=0)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["anomalist.store.repository", "numpy"])
    ready: Barrier = context.Barrier(processes)
    workers, receivers = [], []
    for share in shares(processes, verdicts, replays):
        receiver, sender = context.Pipe(duplex=False)
        workers.append(context.Process(target=write, args=(url, share, pause, ready, sender)))
        workers[-1].start()
        sender.close()
        receivers.append(receiver)
    written: list[Written] = [receiver.recv() for receiver in receivers]
    for worker in workers:
        worker.join()
    with Store.open(url, data_home=Path("unused")) as store:
        log = store.feedback(standing=False)
    return Outcome(
        log=log,
        seconds=np.concatenate([seconds for _, _, seconds, _ in written]),
        wall=max(end for _, end, _, _ in written) - min(begin for begin, _, _, _ in written),
        cpu=sum(cpu for _, _, _, cpu in written),
    )


def faults(log: list[FeedbackRow], verdicts: int) -> list[str]:
    """What is wrong with a log that should hold each of so many verdicts once, in chains without a gap."""
    tokens = Counter(row.token for row in log)
    expected = {verdict(number).token for number in range(verdicts)}
    found = {
        "lost": len(expected - tokens.keys()),
        "doubled": sum(count > 1 for count in tokens.values()),
        "of nobody": len(tokens.keys() - expected),
    }
    newest: dict[tuple[str, str], int] = {}
    broken = 0
    for row in log:
        broken += row.supersedes != newest.get((row.key, row.analyst))
        newest[row.key, row.analyst] = row.id
    return [f"{count} verdicts {what}" for what, count in (found | {"out of their chain": broken}).items() if count]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=50)
    parser.add_argument("--verdicts", type=int, default=10_000)
    parser.add_argument("--replayed", type=float, default=0.1, help="share of the verdicts that is written twice")
    parser.add_argument("--pause", type=float, default=0.0, help="mean seconds between two verdicts of a process")
    parser.add_argument("--url", help="a store of its own; a temporary SQLite file unless given")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        outcome = run(
            options.url or f"sqlite:///{home}/store.db",
            processes=options.processes,
            verdicts=options.verdicts,
            replays=round(options.replayed * options.verdicts),
            pause=options.pause,
        )
    p50, p99, longest = 1000 * np.quantile(outcome.seconds, [0.5, 0.99, 1.0])
    print(f"{options.processes} processes, {outcome.seconds.size:,} writes, {len(outcome.log):,} verdicts in the store")
    print(f"a write   p50 {p50:.1f} ms   p99 {p99:.1f} ms   max {longest:.1f} ms")
    rate = outcome.seconds.size / outcome.wall
    print(f"together  {outcome.wall:.1f} s, {outcome.cpu:.1f} s CPU, {rate:.0f} writes a second")
    wrong = faults(outcome.log, options.verdicts)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
