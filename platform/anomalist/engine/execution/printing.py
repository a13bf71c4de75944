"""Printing: what detectors print is kept out of stdout, which carries the result of the program and nothing else.

While items run, `sys.stdout` and `sys.stderr` are streams that know who writes. What an item writes to stdout is kept
for the log, the last of it; what it writes to stderr goes there, up to a bound. Threads that were there before write as
ever; one that came since, and may be a detector's own, writes to stderr where it meant stdout. What C code writes to
the file descriptors themselves does not pass here: only a process of its own (`--isolate`) keeps that apart.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TextIO
from weakref import WeakSet

from anomalist.errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["MOST", "Printed", "prints_kept_apart"]

_log = logging.getLogger(__name__)
MOST = 1 << 20
"""Characters that one item may print before it fails."""

_SHOWN = 1 << 14  # characters that one item may write to stderr before the rest is kept to itself
_TAIL = 1 << 10  # characters at the end that are kept for the log


class Printed:
    """What one item prints while it runs.

    Attributes:
        size: How many characters it was so far.
        tail: The last of them.
    """

    def __init__(self) -> None:
        self.size = 0
        self.tail = ""

    def begin(self) -> None:
        """From here on, what this thread prints is this item's."""
        _printed.set(self)

    def add(self, text: str) -> None:
        """Keep the end of it.

        Raises:
            DetectorError: It was too much.
        """
        self.size += len(text)
        self.tail = (self.tail + text[-_TAIL:])[-_TAIL:]
        self.check()

    def check(self) -> None:
        """Refuse too much; asked again at the end, where the item may have swallowed the error.

        Raises:
            DetectorError: It was too much.
        """
        if self.size > MOST:
            raise DetectorError("printed more than 1 MiB: what a detector has to say goes to its notes")

    def log(self, name: object) -> None:
        """Tell the log what was printed, where anything was."""
        if self.size:
            _log.info("%s printed %s characters, which end: %s", name, f"{self.size:,}", " ".join(self.tail.split()))


_printed: ContextVar[Printed | None] = ContextVar("printed", default=None)


class _Stream:
    """Stands for a stream of the program and lets it be used as ever by whoever does not run as an item."""

    def __init__(self, stream: TextIO, desk: _Desk, *, shown: bool) -> None:
        self._stream, self._desk, self._shown = stream, desk, shown

    def write(self, text: str) -> int:
        printed = _printed.get()
        if printed is None:
            return self._for_others().write(text)
        printed.add(str(text))
        if self._shown and printed.size <= _SHOWN:
            self._stream.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._for_others().flush()

    def close(self) -> None:
        """It stays open for the others; the program closes it when it ends."""

    @property
    def buffer(self) -> Any:
        return self._stream.buffer if _printed.get() is None else _Bytes(self)

    def _for_others(self) -> TextIO:
        return self._stream if self._shown or self._desk.knows_this_thread() else self._desk.stderr

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Bytes(io.RawIOBase):
    """The bytes below the text that an item prints."""

    def __init__(self, stream: _Stream) -> None:
        self._text = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._text.write(bytes(data).decode("utf-8", errors="replace"))


class _Desk:
    """Puts the streams in place while at least one body runs, or an item that was abandoned goes on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bodies = 0
        self._before: tuple[TextIO, TextIO] | None = None
        self._abandoned: WeakSet[threading.Thread] = WeakSet()
        self._hosts: WeakSet[threading.Thread] = WeakSet()

    @property
    def stderr(self) -> TextIO:
        """The stderr of the program."""
        return self._before[1] if self._before is not None else sys.stderr

    def knows_this_thread(self) -> bool:
        """Whether the thread was there before the items, or is one that reports on them."""
        return threading.current_thread() in self._hosts

    def enter(self) -> None:
        """A body begins: the first one puts the streams in place."""
        with self._lock:
            self._bodies += 1
            self._hosts.update(thread for thread in threading.enumerate() if thread not in self._abandoned)
            if self._before is None or not isinstance(sys.stdout, _Stream):
                self._before = sys.stdout, sys.stderr
                sys.stdout = _Stream(sys.stdout, self, shown=False)
                sys.stderr = _Stream(sys.stderr, self, shown=True)

    def leave(self, abandoned: Iterable[threading.Thread]) -> None:
        """A body ends: the last one puts the program's own streams back, unless somebody is left who could print."""
        with self._lock:
            self._bodies -= 1
            self._abandoned.update(abandoned)
            if self._bodies == 0 and self._before is not None and not any(t.is_alive() for t in self._abandoned):
                (sys.stdout, sys.stderr), self._before = self._before, None


_desk = _Desk()


@contextmanager
def prints_kept_apart() -> Iterator[list[threading.Thread]]:
    """Keep what items print apart while the body runs; it adds the threads to the list that it had to abandon."""
    abandoned: list[threading.Thread] = []
    _desk.enter()
    try:
        yield abandoned
    finally:
        _desk.leave(abandoned)
