"""Executor: runs one function over many items, each in its own time, and never lets one failure stop the others."""

from __future__ import annotations

import logging
import queue
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from threadpoolctl import threadpool_limits

from anomalist.detector import check_parameter, deadline
from anomalist.engine.execution.printing import Printed, prints_kept_apart
from anomalist.engine.execution.turns import Turn
from anomalist.errors import DetectorTimeoutError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Executor", "Outcome", "Threads"]

_log = logging.getLogger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")
_LISTEN = 0.2  # seconds: polars lets a wait go on after Ctrl-C, which is only heard between two waits
_GRACE = 1.0  # seconds that an item which watches its own deadline gets to stop before it is abandoned


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[Item, Result]):
    """What became of one item.

    Attributes:
        item: The item.
        seconds: Wall time that it took, or that was waited for it.
        result: What the function returned; None where it failed.
        error: What it raised; None where it went well.
    """

    item: Item
    seconds: float
    result: Result | None = None
    error: BaseException | None = None


class Executor(Protocol):
    """Runs functions over items."""

    def outcomes(self, function: Callable[[Item], Result], items: Iterable[Item], /) -> Iterator[Outcome[Item, Result]]:
        """Yield what became of each item, as they end."""
        ...

    def attempts(self, function: Callable[[Item], Result], items: Iterable[Item], /) -> Iterator[Result | None]:
        """Yield the results in the order of the items, None for one that failed or ran out of time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Working(Generic[Item]):
    """One item at work."""

    item: Item
    turn: Turn
    thread: threading.Thread
    started: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """Runs each item in a thread of its own, a few at a time.

    numpy, scikit-learn and torch release the interpreter while they compute. While items run, the numeric libraries are
    held to one thread each: there is one level of threads only, and results do not depend on the number of cores.

    An item that changes what all code of the process shares fails (`anomalist.engine.execution.turns`), and so does one
    that prints without end (`anomalist.engine.execution.printing`).

    An item over its time is told so through `anomalist.detector.deadline`; if it does not stop by itself its thread is
    abandoned and its result is thrown away. A thread cannot be killed: an abandoned one uses a core until it ends.

    Attributes:
        workers: At most this many at once.
        timeout: Seconds that an item may take; None for no limit.
    """

    workers: int = 1
    timeout: float | None = None

    def __post_init__(self) -> None:
        check_parameter(self.workers >= 1, "threads", self.workers, "a whole number of at least 1")
        check_parameter(self.timeout is None or self.timeout > 0, "timeout", self.timeout, "a positive number")

    def outcomes(self, function: Callable[[Item], Result], items: Iterable[Item], /) -> Iterator[Outcome[Item, Result]]:
        """Yield what became of each item, as they end."""
        return (outcome for _, outcome in self._numbered(function, items))

    def attempts(self, function: Callable[[Item], Result], items: Iterable[Item], /) -> Iterator[Result | None]:
        """Yield the results in the order of the items, None for one that failed or ran out of time (see the log)."""
        done: dict[int, Result | None] = {}
        for number, outcome in self._numbered(function, items):
            done[number] = outcome.result
            if outcome.error is not None:
                _log.warning("%s is left out: %s", _called(outcome.item), one_line(outcome.error))
        return (done[number] for number in sorted(done))

    def _numbered(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[int, Outcome[Item, Result]]]:
        """Yield the number of each item and what became of it, as they end."""
        waiting = deque(enumerate(items))
        running: dict[int, _Working[Item]] = {}
        ended: queue.SimpleQueue[tuple[int, Outcome[Item, Result]]] = queue.SimpleQueue()
        with one_thread_each(), prints_kept_apart() as abandoned:
            try:
                while waiting or running:
                    while waiting and len(running) < self.workers:
                        number, item = waiting.popleft()
                        running[number] = self._prepared(function, number, item, ended)
                        running[number].thread.start()
                    try:
                        number, outcome = ended.get(timeout=self._patience(running))
                    except queue.Empty:
                        for number in self._late(running):
                            abandoned.append(running[number].thread)
                            outcome = self._abandoned(running[number])
                            del running[number]  # not before: Ctrl-C may come in between
                            yield number, outcome
                        continue
                    if running.pop(number, None) is not None:
                        yield number, outcome
            finally:
                for working in running.values():  # after Ctrl-C, or where nobody asks for the rest
                    abandoned.append(working.thread)
                    working.turn.abandon()

    def _prepared(
        self,
        function: Callable[[Item], Result],
        number: int,
        item: Item,
        ended: queue.SimpleQueue[tuple[int, Outcome[Item, Result]]],
    ) -> _Working[Item]:
        turn, printed = Turn(item), Printed()

        def work() -> None:
            started = time.monotonic()
            deadline.set(None if self.timeout is None else started + self.timeout)
            printed.begin()
            result, error = None, None
            try:
                with threadpool_limits(limits=1, user_api="openmp"), turn:  # OpenMP keeps a limit for each thread
                    result = function(item)
                    printed.check()
            except BaseException as caught:  # noqa: BLE001 - whatever a detector raises is its own failure
                result, error = None, caught
            seconds = time.monotonic() - started
            printed.log(turn.name)
            ended.put((number, Outcome(item=item, seconds=seconds, result=result, error=error)))

        thread = threading.Thread(target=copy_context().run, args=(work,), daemon=True, name=f"anomalist-{number}")
        return _Working(item=item, turn=turn, thread=thread, started=time.monotonic())

    def _patience(self, running: dict[int, _Working[Item]]) -> float:
        if self.timeout is None:
            return _LISTEN
        first = min(working.started for working in running.values())
        return min(_LISTEN, max(0.0, first + self.timeout + _GRACE - time.monotonic()))

    def _late(self, running: dict[int, _Working[Item]]) -> list[int]:
        """The numbers of those that had their time and the grace."""
        if self.timeout is None:
            return []
        latest = time.monotonic() - self.timeout - _GRACE
        return [number for number, working in running.items() if working.started <= latest]

    def _abandoned(self, late: _Working[Item]) -> Outcome[Item, Result]:
        late.turn.abandon()
        error = DetectorTimeoutError(f"did not finish within {self.timeout:g} seconds and was abandoned")
        return Outcome(item=late.item, seconds=time.monotonic() - late.started, error=error)


def _called(item: object) -> object:
    """What the log calls an item: its name with its package, its name, or itself."""
    return getattr(item, "who", getattr(item, "name", item))


class _OneThreadEach:
    """Holds the numeric libraries to one thread while at least one body runs, whichever ends first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bodies = 0
        self._limits: threadpool_limits | None = None
        self._torch: int | None = None

    def enter(self) -> None:
        """A body begins: the first one saves what the libraries had."""
        with self._lock:
            torch = sys.modules.get("torch")
            if self._bodies == 0:
                self._limits = threadpool_limits(limits=1)
                self._torch = None
            if torch is not None:
                self._torch = self._torch or torch.get_num_threads()
                torch.set_num_threads(1)
            self._bodies += 1

    def leave(self) -> None:
        """A body ends: the last one gives the libraries back what they had."""
        with self._lock:
            self._bodies -= 1
            if self._bodies:
                return
            if self._limits is not None:
                self._limits.restore_original_limits()
            if self._torch is not None:
                sys.modules["torch"].set_num_threads(self._torch)


_one_thread_each = _OneThreadEach()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Hold the numeric libraries to one thread while the body runs, then give them back what they had."""
    _one_thread_each.enter()
    try:
        yield
    finally:
        _one_thread_each.leave()
