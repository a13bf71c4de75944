"""Lease: a run says that it is alive, and one that stopped saying so is known to have crashed."""

from __future__ import annotations

import os
import socket
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from anomalist.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BEAT_SECONDS", "Lease", "lease_end", "process_is_gone", "this_host"]

BEAT_SECONDS = 5.0

LEASE = timedelta(minutes=5)
"""Long enough that who waits for a large commit to end is not taken for dead; on one host a death is seen at once."""


def lease_end() -> datetime:
    """The moment until which a process that is alive now need not be heard of again."""
    return datetime.now(UTC) + LEASE


def this_host() -> str:
    """The machine, and on Linux the process namespace: in two containers the same number is not the same process."""
    name = socket.gethostname()
    with suppress(OSError):
        return f"{name}/{Path('/proc/self/ns/pid').stat().st_ino}"
    return name


def process_is_gone(host: str, pid: int) -> bool:
    """True where the process surely ended; False where it runs, or where that cannot be known from here."""
    if host != this_host() or sys.platform == "win32":  # there, asking with signal 0 would end the process
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


class Lease:
    """A background thread that renews the lease of one run until it is stopped or the run is no longer running.

    Use it as a context manager around the work. A renewal that the database refuses is tried again at the next beat.

    Attributes:
        lost: True once the store said that the run is not running any more: it ended, or someone cancelled it.
    """

    def __init__(self, renew: Callable[[], bool], *, every: float = BEAT_SECONDS) -> None:
        self.lost = False
        self._renew = renew
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="anomalist-lease", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it; a second call does nothing."""
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(self._every):
            with suppress(StoreError):
                if not self._renew():
                    self.lost = True
                    return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
