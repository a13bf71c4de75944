"""Messages between a host and its child: plain values and arrays in one file that has no name.

Only the descriptor of the file goes from process to process. So nobody ever waits for a large write, the child maps
the arrays of the host without a copy, and when the last process has closed the file it is gone: whoever is killed,
whenever, leaves nothing behind. Nothing is pickled; what a message may hold is what a `State` may.

A file holds the length of its head, 8 bytes; the head, JSON; and the arrays, each aligned to 64 bytes.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import stat
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.store.state import join_state, split_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

__all__ = ["MessageError", "pack", "read", "see"]

_ALIGN = 64
_LENGTH = 8
_KINDS = "biuf"


class MessageError(Exception):
    """A message that is not of the form that `pack` writes."""


def pack(message: Mapping[str, Any], what: str, *, writable: bool = False) -> int:
    """Write a message and return the descriptor of its file, which the caller closes.

    Args:
        message: Names to arrays and plain values, nested.
        what: What the message is called in errors.
        writable: Whether whoever `see`s it may write to the arrays, which then are its own.

    Raises:
        ModelFileError: Something in the message is neither an array nor a plain value.
    """
    text, arrays = split_state(message, what)
    places: dict[str, list[Any]] = {}
    size = 0
    for name, array in arrays.items():
        places[name] = [array.dtype.str, list(array.shape), size]
        size = _aligned(size + array.nbytes)
    head = json.dumps({"text": text, "arrays": places, "writable": writable}).encode()
    start = _aligned(_LENGTH + len(head))
    file = _file()
    try:
        os.ftruncate(file, start + size)
        _write(file, len(head).to_bytes(_LENGTH, "little") + head, 0)
        for name, array in arrays.items():
            if array.nbytes:
                _write(file, array.reshape(-1).view(np.uint8).data, start + places[name][2])
    except BaseException:
        os.close(file)
        raise
    return file


def see(file: int) -> dict[str, Any]:
    """Read a message of the host in the child; the arrays are the memory of the file itself.

    They are read-only, even to code that writes to memory past numpy, unless the host said that they may be written
    to: then they are a private copy, made page by page as it is written to.
    """
    size = os.fstat(file).st_size
    head, start = _head(file, size)
    memory = mmap.mmap(file, size, access=mmap.ACCESS_COPY if head["writable"] else mmap.ACCESS_READ)

    def found(kind: np.dtype[Any], count: int, offset: int) -> NDArray[Any]:
        return np.frombuffer(memory, kind, count, start + offset)

    return _joined(head, found)


def read(file: int, most: float = math.inf) -> dict[str, Any]:
    """Read an answer of the child in the host, which trusts nothing of it and copies all of it.

    Args:
        file: The descriptor.
        most: Bytes that it may have.

    Raises:
        MessageError: It is damaged, too large or no file at all.
    """
    about = os.fstat(file)
    if not stat.S_ISREG(about.st_mode) or about.st_size > most:
        raise MessageError(f"an answer of {about.st_size:,} bytes")
    try:
        head, start = _head(file, about.st_size)

        def found(kind: np.dtype[Any], count: int, offset: int) -> NDArray[Any]:
            if offset < 0 or start + offset + count * kind.itemsize > about.st_size:
                raise MessageError("an array beyond the end")
            array = np.empty(count, dtype=kind)
            _fill(file, array, start + offset)
            return array

        return _joined(head, found)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise MessageError(str(error)) from error


def _head(file: int, size: int) -> tuple[dict[str, Any], int]:
    """The head, and where the arrays begin."""
    length = int.from_bytes(os.pread(file, _LENGTH, 0), "little")
    if not 0 < length <= size - _LENGTH:
        raise MessageError("no head")
    raw = np.empty(length, dtype=np.uint8)
    _fill(file, raw, _LENGTH)
    return json.loads(raw.tobytes()), _aligned(_LENGTH + length)


def _joined(head: Mapping[str, Any], found: Callable[[np.dtype[Any], int, int], NDArray[Any]]) -> dict[str, Any]:
    arrays = {}
    for name, (code, shape, offset) in head["arrays"].items():
        kind = np.dtype(str(code))
        if kind.kind not in _KINDS or not all(isinstance(number, int) and number >= 0 for number in (*shape, offset)):
            raise MessageError(f"an array of {code} and shape {shape}")
        count = math.prod(shape)
        arrays[name] = (found(kind, count, offset) if count else np.empty(0, dtype=kind)).reshape(shape)
    return join_state(head["text"], arrays)


def _aligned(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN


def _file() -> int:
    """An empty file without a name: in memory where the system can, else where temporary files are."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("anomalist")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _write(file: int, data: bytes | memoryview, offset: int) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(file, rest, offset)
        rest, offset = rest[written:], offset + written


def _fill(file: int, array: NDArray[Any], offset: int) -> None:
    rest = array.view(np.uint8).data
    while rest:
        got = os.preadv(file, [rest], offset)
        if not got:
            raise MessageError("it ends too early")
        rest, offset = rest[got:], offset + got
