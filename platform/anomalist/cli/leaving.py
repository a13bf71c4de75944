"""Leaving: when a command is done its result is out, and nothing that a plugin left behind adds to it or keeps it."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["Leaving"]

_PATIENCE = 3.0  # seconds


class Leaving:
    """Ends the program; made before anything else is done, so that what others have to do at the exit comes first."""

    def __init__(self) -> None:
        self._code: int | None = None
        self._watch: threading.Thread | None = None
        atexit.register(self._last)  # what is registered first is done last

    def leave(self, code: int) -> NoReturn:
        """End the program with this exit code.

        Where plugins were loaded: what they print from now on goes nowhere, and threads that they left running, and
        what they have to do at the exit, get 3 seconds. A command of a plugin is done when its function returns.
        """
        self._code = code
        if "anomalist.plugins.manager" in sys.modules:
            with suppress(OSError, ValueError):  # stdout is closed already, or is no file
                sys.stdout.flush()
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, sys.stdout.fileno())
                os.close(nowhere)
            self._watch = threading.Thread(target=self._end_late, args=(code,), daemon=True, name="anomalist-leaving")
            self._watch.start()
        sys.exit(code)

    def _last(self) -> None:
        """End here where a thread goes on that was given up: torn from under it, C++ code ends the process by abort.

        Where an exception ends the program, it has a code of its own.
        """
        ours = (threading.main_thread(), self._watch)
        if self._code is not None and any(thread.daemon for thread in threading.enumerate() if thread not in ours):
            self._end(self._code)

    def _end_late(self, code: int) -> None:
        """End the program for certain, unless it has ended by itself until then."""
        time.sleep(_PATIENCE)
        self._end(code)

    def _end(self, code: int) -> NoReturn:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(code)
