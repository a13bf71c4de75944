"""Child: the process in which a detector lives. It reads requests, works, and answers, until its host is gone.

It imports numpy and the few modules of anomalist that a detector needs, and nothing of what the host reads data or
stores runs with. Before anything of a plugin is imported, the channel to the host is put out of its way: stdin is empty
and stdout is what stderr is, so that what a plugin prints cannot be taken for an answer.
"""

from __future__ import annotations

import faulthandler
import fcntl
import json
import os
import queue
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from anomalist.detector import deadline
from anomalist.isolation import channel, memory
from anomalist.isolation.command import CUT_OFF
from anomalist.isolation.failure import told
from anomalist.isolation.message import pack, see
from anomalist.isolation.work import Work

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Be a child: work off what comes from the host over stdin."""
    most = json.loads(sys.argv[1])["memory"]
    sys.argv[:] = [""]
    end = _channel()
    faulthandler.enable()
    if most is not None:
        memory.limit(most)
    requests: queue.SimpleQueue[int] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(end, requests), daemon=True, name="anomalist-host").start()
    myself, work = os.getpid(), Work()
    while True:
        file = requests.get()
        with _Leash(end):
            answer = _answered(work, file)
        if os.getpid() != myself:
            os._exit(0)  # a detector called os.fork, and this is the other process: it has nobody to answer to
        try:
            channel.send(end, answer)
        except channel.ClosedError:  # by the detector; if the host is gone, `_listen` has heard of it
            os._exit(CUT_OFF)


def _channel() -> socket.socket:
    """Take the channel off stdin and put nothing there."""
    end = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return end


def _listen(end: socket.socket, requests: queue.SimpleQueue[int]) -> None:
    """Hand over what the host asks; when the host is gone, so is this process and all that it has started."""
    poll = select.poll()  # a thread that waits in `recv` itself would get the hang-up in place of SIGIO, see `_Leash`
    poll.register(end, select.POLLIN)
    try:
        while True:
            poll.poll()
            requests.put(channel.receive(end))
    finally:
        _end_all()


def _end_all() -> NoReturn:
    """End this process and all of its group; it leads a session, so that the group is its own."""
    with suppress(OSError):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


class _Leash:
    """While the body works, let the system end all processes of this group when the host closes the channel.

    A detector in C code that never lets another thread run would keep `_listen` from hearing of it. The host sends
    nothing while it waits for an answer, so that SIGIO means that it is gone; the system ends a process that gets it.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def __enter__(self) -> None:
        if sys.platform == "linux":  # elsewhere the signal does nothing by itself
            self._set(os.O_ASYNC)

    def __exit__(self, *_: object) -> None:
        if sys.platform == "linux":
            self._set(0)

    def _set(self, flag: int) -> None:
        with suppress(OSError, ValueError):  # a detector closed the channel: its answer will not go out either
            fcntl.fcntl(self._end, fcntl.F_SETOWN, -os.getpgrp())
            flags = fcntl.fcntl(self._end, fcntl.F_GETFL) & ~os.O_ASYNC
            fcntl.fcntl(self._end, fcntl.F_SETFL, flags | flag)


def _answered(work: Work, file: int) -> int:
    """Work off one request and pack the answer, or what went wrong: whatever a plugin raises is told, never raised."""
    try:
        try:
            request = see(file)
        finally:
            os.close(file)
        seconds = request.pop("seconds")
        deadline.set(None if seconds is None else time.monotonic() + seconds)
        return pack({"answer": work.done(request)}, work.name)
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything, and the host is to hear of it
        answer: dict[str, Any] = {"error": told(error)}
    finally:
        deadline.set(None)
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # the plugin may have closed or replaced them
                stream.flush()
    return pack(answer, work.name)
