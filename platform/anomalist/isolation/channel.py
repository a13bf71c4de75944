"""Channel: one end of the socket between a host and its child, over which go descriptors of messages."""

from __future__ import annotations

import os
import socket

__all__ = ["ClosedError", "receive", "send"]

_PRIVATE = getattr(socket, "MSG_CMSG_CLOEXEC", 0)  # not for programs that a detector starts


class ClosedError(Exception):
    """Nobody is at the other end."""


def send(end: socket.socket, file: int) -> None:
    """Send the descriptor of a message, and close it here.

    Raises:
        ClosedError: Nobody is at the other end.
    """
    try:
        socket.send_fds(end, [b"m"], [file])
    except OSError as error:
        raise ClosedError from error
    finally:
        os.close(file)


def receive(end: socket.socket) -> int:
    """The descriptor of the next message, which the caller closes.

    Raises:
        ClosedError: Nobody is at the other end, or what came was no message.
        BlockingIOError: Nothing has come, and the socket does not wait.
    """
    try:
        data, files, _, _ = socket.recv_fds(end, 1, 1, _PRIVATE)
    except BlockingIOError:
        raise
    except OSError as error:
        raise ClosedError from error
    if not data or len(files) != 1:
        for file in files:
            os.close(file)
        raise ClosedError
    return files[0]
