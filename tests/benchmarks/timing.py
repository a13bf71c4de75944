"""A kit for measuring sides against each other in one process: CPU and wall time, peak memory, ratios, their spread.

CPU time is that of all threads of the process. Sides take turns (`alternate`), so that a machine that grows busier
slows all of them alike, and a ratio is taken within each turn.

Peak memory is the kernel's own high-water mark of the resident set, set back at the start (`/proc/self/clear_refs`),
above what was resident then. What earlier work has freed is given back to the system first (`malloc_trim`), so that no
side lives on pages that another one left. It sees what numpy, torch and C libraries allocate, which tracemalloc does
not, misses no short peak, which sampling does, and needs no process for each side. Where the kernel has no such mark,
outside Linux, it is None.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import statistics
import time
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

T = TypeVar("T")

PROCESS = Path("/proc/self")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU and wall seconds of a call."""

    cpu: float
    wall: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(cpu=self.cpu + other.cpu, wall=self.wall + other.wall)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The median of some figures, the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Self:
        return cls(median=statistics.median(figures), low=min(figures), high=max(figures))

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.median:.2g}"
        return f"{self.median:.2g} ({self.low:.2g}..{self.high:.2g})"


def timed(call: Callable[[], T]) -> tuple[T, Cost]:
    """Call once; what it returned and what it cost."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return result, Cost(cpu=time.process_time() - cpu, wall=time.perf_counter() - wall)


def timed_often(call: Callable[[], object], *, seconds: float = 0.05) -> Cost:
    """Call for so many wall seconds, and three times at least; the cost of one call."""
    call()
    calls, cost = 0, Cost(cpu=0.0, wall=0.0)
    while calls < 3 or cost.wall < seconds:
        batch = max(1, calls)  # as many again, so that reading the clock costs nothing
        cost += timed(partial(_repeatedly, call, batch))[1]
        calls += batch
    return Cost(cpu=cost.cpu / calls, wall=cost.wall / calls)


def _repeatedly(call: Callable[[], object], times: int) -> None:
    for _ in range(times):
        call()


class Peak:
    """Peak resident memory of a block above what was resident when it began, in bytes; None where it is not known.

    >>> import numpy as np
    >>> with Peak() as peak:
    ...     rows = np.ones(1 << 22)
    >>> peak.bytes is None or peak.bytes > 30_000_000
    True
    """

    bytes: float | None = None

    def __enter__(self) -> Self:
        gc.collect()
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
        self._start = self._status("VmRSS") if self._reset() else None
        return self

    def __exit__(self, *_: object) -> None:
        if self._start is not None:
            self.bytes = max(0.0, self._status("VmHWM") - self._start)

    def _reset(self) -> bool:
        try:
            (PROCESS / "clear_refs").write_text("5")
        except OSError:
            return False
        return True

    def _status(self, name: str) -> float:
        lines = (PROCESS / "status").read_text().splitlines()
        return next(float(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def alternate(sides: Mapping[str, Callable[[int], T]], *, repeat: int, seconds: float) -> dict[str, list[T]]:
    """Call each side in turn, `repeat` times, with the number of the turn; every other turn goes backwards.

    A side that has taken more CPU seconds than `seconds` takes no further turn, so its results may be fewer.
    """
    found: dict[str, list[T]] = {name: [] for name in sides}
    spent = dict.fromkeys(sides, 0.0)
    order = list(sides.items())
    for turn in range(repeat):
        for name, call in order if turn % 2 == 0 else order[::-1]:
            if spent[name] <= seconds:
                result, cost = timed(partial(call, turn))
                found[name].append(result)
                spent[name] += cost.cpu
    return found


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Ours over theirs, turn by turn; a side that took fewer turns decides how many."""
    return Spread.of([mine / their for mine, their in zip(ours, theirs, strict=False)])


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Give the numeric libraries that are loaded by now, torch among them, so many threads."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what is printed and warned inside from the reader: a peer's own talk is not what is measured."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        with contextlib.redirect_stderr(io.StringIO()):
            yield
