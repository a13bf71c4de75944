"""Pool: the children of a run that are not at work, kept because to start one takes longer than to ask it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from anomalist.isolation import memory
from anomalist.isolation.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pool"]

_MOST = 32  # children kept, however little they hold
_SHARE = 4  # they may together hold this part of the memory that is free, one in four
_UNKNOWN = 2 << 30  # bytes taken to be free where the system does not say


class Pool:
    """Starts children, and keeps those that rest until they would hold too much memory: then the longest at rest ends.

    A process leaves the pool while it works, and when nobody has it any more.
    """

    def __init__(self, most: int | None = None, *, idle: int = _MOST) -> None:
        """Begin with none.

        Args:
            most: Bytes of memory that each of them may take; None for most of what is free when it starts.
            idle: At most this many rest.
        """
        self._most = most
        self._idle = idle
        self._room = (memory.available() or _UNKNOWN) // _SHARE
        self._resting: dict[int, Callable[[], Process | None]] = {}
        self._lock = threading.Lock()

    def started(self) -> Process:
        """A new child."""
        return Process(self._most)

    def taken(self, process: Process | None) -> Process | None:
        """A child that rests, to be asked; None where there is none, or it has ended."""
        if process is None:
            return None
        with self._lock:
            self._resting.pop(id(process), None)
        return process if process.lives else None

    def rested(self, process: Process) -> None:
        """Let a child rest; an ended one is forgotten."""
        if not process.lives:
            return
        with self._lock:
            self._resting.pop(id(process), None)  # what had the number before is gone, and its place in the row with it
            self._resting[id(process)] = process.reference
            resting = {key: found for key, call in self._resting.items() if (found := call()) is not None}
            sizes = {key: memory.held(found.pid) for key, found in resting.items()}
            while resting and (len(resting) > self._idle or sum(sizes.values()) > self._room):
                oldest = next(iter(resting))
                resting.pop(oldest).end()
                sizes.pop(oldest)
            self._resting = {key: self._resting[key] for key in resting}
