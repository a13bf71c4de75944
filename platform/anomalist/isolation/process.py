"""Process: a child as its host sees it. It is asked one thing at a time, and it is ended whatever it does."""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

from anomalist.errors import UsageError
from anomalist.isolation import channel, memory
from anomalist.isolation.command import COMMAND, CUT_OFF
from anomalist.isolation.failure import error_of
from anomalist.isolation.message import MessageError, pack, read

__all__ = ["EndedError", "Process", "check_system"]

_log = logging.getLogger(__name__)
_GRACE = 0.5  # seconds after the deadline in which a detector that watches it stops by itself
_LOOK = 0.1  # seconds between two looks at whether the child lives and what it holds
_WAIT = 0.3  # seconds for a process that was killed to be gone before another thread waits for it
_MOST_PRINTED = 1 << 20  # bytes that a child may print while it works off one request
_TAIL = 1 << 12  # bytes of that kept for the log, the last
_THREADS = ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB_MAXIMUM", "NUMEXPR")


def check_system() -> None:
    """Refuse a system on which this cannot work.

    Raises:
        UsageError: It has no descriptors that can be sent, or no sessions.
    """
    if not hasattr(socket, "send_fds") or not hasattr(os, "setsid"):
        raise UsageError(f"--isolate needs Linux or macOS, and this is {sys.platform}")


class EndedError(Exception):
    """A child has ended, or was ended; what it did reads as the rest of a sentence: `ended its process with code 3`.

    Attributes:
        late: It had no time left.
        unasked: It was gone before it was asked: whoever needs it starts another.
    """

    def __init__(self, what: str, *, late: bool = False, unasked: bool = False) -> None:
        super().__init__(what)
        self.late = late
        self.unasked = unasked


class Process:
    """A child process.

    It finds the same modules as this process, has one thread in each numeric library, as detectors have in a run, and
    no more memory than it is given. It ends with this object, or with this process, however that ends.
    """

    def __init__(self, most: int | None = None) -> None:
        """Start one; does not wait for it.

        Args:
            most: Bytes of memory that it may take; None for most of what is free now.

        Raises:
            EndedError: The system would not start it.
        """
        self.settled = False
        """Whether the detector that it is for has been built in it."""
        self._most = memory.available() if most is None else most
        self._end, theirs = socket.socketpair()
        path = [str(Path.cwd()) if entry == "" else entry for entry in sys.path]
        environ = {**os.environ, **{f"{name}_NUM_THREADS": "1" for name in _THREADS}}
        with theirs:
            try:
                self._popen = subprocess.Popen(  # noqa: S603 - this very Python, with a program of our own
                    [sys.executable, "-P", "-c", COMMAND, json.dumps({"path": path, "memory": self._most})],
                    stdin=theirs.fileno(),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env=environ,
                    start_new_session=True,
                )
            except OSError as error:
                self._end.close()
                raise EndedError(f"cannot be given a process: {error}") from error
        assert self._popen.stdout is not None
        self._output = self._popen.stdout.fileno()
        self._printed, self._tail, self._sent, self._lent = 0, b"", 0, 0
        os.set_blocking(self._output, False)
        self._end.setblocking(False)
        self.end = weakref.finalize(self, _end, self._popen, self._end)
        """Ends the process and all that it has started; once is enough."""

    @property
    def pid(self) -> int:
        """Its number."""
        return self._popen.pid

    @property
    def lives(self) -> bool:
        """Whether it can be asked."""
        return self.end.alive and self._popen.poll() is None

    @property
    def reference(self) -> weakref.ref[Process]:
        """What finds it as long as somebody has it."""
        return weakref.ref(self)

    def asked(self, message: dict[str, Any], who: str, *, limit: float | None = None) -> dict[str, Any]:
        """Send a request, wait for the answer and return it.

        Args:
            message: The request.
            who: Whose it is, for the log.
            limit: When the answer must be there, on the clock of `time.monotonic`; None to wait for ever.

        Raises:
            EndedError: It has ended, was over its time, its memory or what it may print, or gave no answer.
            ModelFileError: The message cannot be sent.
            AnomalistError: The same that was raised there; a `DetectorError` for one of another kind.
        """
        self._send(message, who, limit)
        answer = self._answer(who, limit)
        if "error" not in answer:
            found: dict[str, Any] = answer["answer"]
            return found
        told = answer["error"]
        if told["memory"] and self._most is not None:
            self.end()
            raise EndedError(self._too_much)
        raise error_of(told, who)

    def _send(self, message: dict[str, Any], who: str, limit: float | None) -> None:
        seconds = None if limit is None else limit - time.monotonic()
        file = pack({**message, "seconds": seconds}, who, writable=message.get("data", {}).get("is") != "dataset")
        self._printed, self._tail = 0, b""
        size = os.fstat(file).st_size
        self._sent, self._lent = max(self._sent, size), self._sent + size  # it may keep one that it was sent before
        try:
            channel.send(self._end, file)
        except channel.ClosedError:
            how = self._death()
            self.end()
            raise EndedError(how, unasked=True) from None

    def _answer(self, who: str, limit: float | None) -> dict[str, Any]:
        try:
            file = self._awaited(None if limit is None else limit + _GRACE)
            try:
                return read(file, self._most or float("inf"))
            finally:
                os.close(file)
        except MessageError as error:
            self.end()
            raise EndedError(f"gave an answer that cannot be read: {error}") from error
        except BaseException:  # the user's Ctrl-C too: nobody waits for the answer any more
            self.end()
            raise
        finally:
            if self._printed:
                tail = " ".join(self._tail.decode(errors="replace").split())
                _log.info("%s printed %s bytes, which end: %s", who, f"{self._printed:,}", tail)

    def _awaited(self, limit: float | None) -> int:
        """The descriptor of the answer."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._end, selectors.EVENT_READ)
            selector.register(self._output, selectors.EVENT_READ)
            looked = time.monotonic()
            while True:
                patience = _LOOK if limit is None else min(_LOOK, limit - time.monotonic())
                ready = [key.fd for key, _ in selector.select(max(patience, 0.0))]
                if self._output in ready and not self._drain():
                    selector.unregister(self._output)
                if self._end.fileno() in ready:
                    return self._received()
                now = time.monotonic()
                if limit is not None and now > limit:
                    raise EndedError("had no time left, and its process was ended", late=True)
                if now - looked >= _LOOK:
                    looked = now
                    self._look()

    def _received(self) -> int:
        try:
            file = channel.receive(self._end)
        except channel.ClosedError:
            raise EndedError(self._death()) from None
        try:
            while self._drain(most=1):
                pass
        except BlockingIOError:
            pass
        except EndedError:
            os.close(file)
            raise
        return file

    def _drain(self, most: int = 16) -> bool:
        """Read what was printed; False where nothing more can come."""
        for _ in range(most):
            try:
                data = os.read(self._output, 1 << 16)
            except BlockingIOError:
                if most == 1:
                    raise
                return True
            if not data:
                return False
            self._printed += len(data)
            self._tail = (self._tail + data)[-_TAIL:]
            if self._printed > _MOST_PRINTED:
                raise EndedError("printed more than 1 MiB: what a detector has to say goes to its notes")
        return True

    def _look(self) -> None:
        """See whether the child itself lives, since a process that it has started may hold its channel open."""
        if self._popen.poll() is not None:
            raise EndedError(self._death())
        if self._most is not None and memory.held(self.pid, self._lent) > self._most:
            raise EndedError(self._too_much)

    @property
    def _too_much(self) -> str:
        """That its memory does not suffice, in words."""
        return f"needs more than the memory limit of {memory.in_words(self._most or 0)} (--memory)"

    def _death(self) -> str:
        """How it ended, in words."""
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(_WAIT)
        code = self._popen.returncode
        if code in (None, CUT_OFF):
            return "closed what connects its process with the run"
        if code >= 0:
            return f"ended its process with code {code}"
        try:
            return f"was killed by signal {signal.Signals(-code).name}"
        except ValueError:
            return f"was killed by signal {-code}"


def _end(popen: subprocess.Popen[bytes], end: socket.socket) -> None:
    """Kill a child with all of its group, and see that it does not stay as a zombie."""
    with suppress(OSError):  # all of them are gone; as long as one is there no other group gets the number
        os.killpg(popen.pid, signal.SIGKILL)
    end.close()
    if popen.stdout is not None:
        popen.stdout.close()
    try:
        popen.wait(_WAIT)
    except subprocess.TimeoutExpired:  # it takes long to give much memory back
        with suppress(RuntimeError):  # this process ends, too: whoever inherits the child waits for it
            threading.Thread(target=popen.wait, daemon=True, name="anomalist-reaper").start()
