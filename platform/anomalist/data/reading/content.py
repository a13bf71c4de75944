"""The bytes of a text file: decompressed, of one encoding, with every complaint naming the file and the line."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import mmap
import zlib
from dataclasses import dataclass
from difflib import get_close_matches
from io import BytesIO
from typing import TYPE_CHECKING

from anomalist.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["Content", "check_file", "open_content"]

_OPENERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}
_MAGIC = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\x00": ".xz"}
_STRANGERS = {
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"SQLite format 3\x00": "an SQLite database",
    b"\x28\xb5\x2f\xfd": "compressed with zstd, which is not supported",
    b"%PDF": "a PDF document",
    b"\x93NUMPY": "a numpy array",
}
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The text of a file as UTF-8 bytes.

    Attributes:
        data: The bytes; mapped from the file where it could be used as it is.
        path: The file, where `data` is exactly what it holds; None where it was decompressed or decoded.
        notes: What had to be decided.
    """

    data: bytes | mmap.mmap
    path: Path | None
    notes: tuple[str, ...] = ()

    def lines(self) -> Iterator[bytes]:
        """The lines, each with its end."""
        if isinstance(self.data, bytes):
            return iter(BytesIO(self.data).readline, b"")
        self.data.seek(0)
        return iter(self.data.readline, b"")

    def count(self, byte: bytes) -> int:
        """How often a single byte occurs."""
        return sum(self.data[first : first + _BLOCK].count(byte) for first in range(0, len(self.data), _BLOCK))


def check_file(path: Path) -> None:
    """Refuse what cannot be read as a file.

    Raises:
        DataError: The file is not there (close names are suggested), is a folder, is empty or may not be read.
    """
    try:
        if path.is_dir():
            raise DataError(f"{path} is a folder: name one file in it")
        if not path.exists():
            siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
            close = get_close_matches(path.name, siblings, n=1)
            hint = f"; did you mean {str(path.with_name(close[0]))!r}?" if close else ""
            if not path.parent.is_dir():
                hint = f": there is no folder {path.parent}"
            raise DataError(f"there is no file {str(path)!r}{hint}")
        with path.open("rb") as file:
            if not file.read(1):
                raise DataError(f"{path.name} is empty")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def open_content(path: Path) -> Content:
    """Open a text file: .gz, .bz2 and .xz are decompressed; UTF-8, UTF-16 and Windows-1252 are understood.

    Raises:
        DataError: The file cannot be read, is not text, or is of no known encoding; the message names the line.
    """
    check_file(path)
    with path.open("rb") as file:
        head = file.read(16)
        raw: bytes | mmap.mmap
        kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
        if kind is None and path.suffix.lower() in _OPENERS:
            raise DataError(f"{path.name} is not {path.suffix.lower()[1:]} data: rename it, or compress it again")
        if kind is not None:
            raw = _decompress(path, kind, head + file.read())
        else:
            raw = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if not len(raw):
        raise DataError(f"{path.name} is empty")
    stranger = next((what for magic, what in _STRANGERS.items() if raw[:16].startswith(magic)), None)
    if stranger is not None:
        raise DataError(f"{path.name} is {stranger}, not text: convert it to CSV or Parquet, or name its format")
    return _decode(path, raw, kind is None)


def _decompress(path: Path, kind: str, data: bytes) -> bytes:
    try:
        return _OPENERS[kind](data)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{path.name} is damaged: its {kind[1:]} data cannot be decompressed ({error})") from error


def _decode(path: Path, raw: bytes | mmap.mmap, plain: bool) -> Content:
    """UTF-8 as it is; anything else decoded and said."""
    if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        try:
            return Content(data=raw[:].decode("utf-16").encode(), path=None, notes=("read as UTF-16",))
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path.name} begins like UTF-16 but is not: {error.reason} at byte {error.start}"
            ) from error
    if (zero := raw.find(b"\0")) >= 0:
        raise DataError(
            f"{path.name}: line {_line(raw, zero)} holds a NUL byte (byte {zero + 1}): this is not a text file,"
            " or UTF-16 without its mark; save it as UTF-8"
        )
    bad = _first_bad(raw)
    if bad is None:
        if raw[:3] == codecs.BOM_UTF8:
            return Content(data=raw[3:], path=None)
        return Content(data=raw, path=path if plain else None)
    line, byte = _line(raw, bad), f"0x{raw[bad]:02X}"
    if not raw[:bad].isascii():
        raise DataError(
            f"{path.name}: line {line} holds the byte {byte}, which is not UTF-8 as the lines before it are"
        )
    try:
        text = raw[:].decode("cp1252")
    except UnicodeDecodeError as error:
        where, got = _line(raw, error.start), f"0x{raw[error.start]:02X}"
        raise DataError(
            f"{path.name}: line {where} holds the byte {got}, which is neither UTF-8 nor Windows-1252: save it as UTF-8"
        ) from error
    note = f"line {line} is not UTF-8 (byte {byte}): the file was read as Windows-1252"
    return Content(data=text.encode(), path=None, notes=(note,))


def _first_bad(raw: bytes | mmap.mmap) -> int | None:
    """Where the first byte that is not UTF-8 stands, without decoding the file as a whole."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for first in range(0, len(raw), _BLOCK):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(raw[first : first + _BLOCK], final=first + _BLOCK >= len(raw))
        except UnicodeDecodeError as error:
            return first - pending + error.start
    return None


def _line(raw: bytes | mmap.mmap, offset: int) -> int:
    return raw[:offset].count(b"\n") + 1
