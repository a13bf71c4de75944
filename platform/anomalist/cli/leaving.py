"""Leaving: when a command is done its result is out, and nothing that a plugin left behind adds to it or keeps it."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["leave"]

_PATIENCE = 3.0  # seconds


def leave(code: int) -> NoReturn:
    """End the program with this exit code.

    Where plugins were loaded: what they print from now on goes nowhere, and threads that they left running, and what
    they have to do at the exit, get 3 seconds. A command of a plugin is done when its function returns.
    """
    if "anomalist.plugins.manager" in sys.modules:
        with suppress(OSError, ValueError):  # stdout is closed already, or is no file
            sys.stdout.flush()
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
        threading.Thread(target=_end, args=(code,), daemon=True, name="anomalist-leaving").start()
    sys.exit(code)


def _end(code: int) -> None:
    """End the program for certain, unless it has ended by itself until then."""
    time.sleep(_PATIENCE)
    with suppress(Exception):
        sys.stderr.flush()
    os._exit(code)
