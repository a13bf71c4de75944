"""Tells the user's Ctrl-C from a plugin that raises KeyboardInterrupt."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["interruptible"]


@contextmanager
def interruptible() -> Iterator[Callable[[BaseException], bool]]:
    """While the body runs code of plugins, know the user's wish to stop.

    Gives a function that says whether an error is that wish. Only the main thread hears of it.
    """
    came = False
    earlier = signal.getsignal(signal.SIGINT)
    listens = callable(earlier) and threading.current_thread() is threading.main_thread()

    def note(number: int, frame: Any) -> Any:
        nonlocal came
        came = True
        return earlier(number, frame) if callable(earlier) else None

    if listens:
        signal.signal(signal.SIGINT, note)
    try:
        yield lambda error: came and isinstance(error, KeyboardInterrupt)
    finally:
        if listens:
            signal.signal(signal.SIGINT, earlier)
