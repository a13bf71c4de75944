"""Memory: what a child may take, what it holds, and what there is.

A limit counts the memory that a process may write to and shares with nobody (RLIMIT_DATA): not the libraries that it
maps, nor the address space that torch or BLAS only reserve, which a limit of the address space would count. Linux keeps
to it. What it does not count, memory that is shared, the host looks at while it waits. Other systems do neither.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["SMALLEST", "available", "held", "in_words", "limit"]

SMALLEST = 128 << 20
"""Bytes below which not even numpy can be imported with room to spare."""

_SHARE = 0.8  # of what is available may be taken where nothing was said
_CGROUP = Path("/sys/fs/cgroup")


def limit(most: int) -> None:
    """Let this process and those that it starts take no more, for good."""
    import resource  # which not every system has

    with suppress(OSError, ValueError):  # a limit is lower already, or the system has none
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def available() -> int | None:
    """Bytes that a child may take unless a limit is given: most of what is free now; None where nobody knows."""
    free = []
    with suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        free.append(next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")))
    with suppress(OSError, ValueError):  # within a container; "max", where it has no limit, is no number
        most, now = (int((_CGROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        free.append(max(most - now, 0))
    return max(int(_SHARE * min(free)), SMALLEST) if free else None


def held(pid: int, lent: int = 0) -> int:
    """Bytes of memory that a process holds, without the files that it maps; 0 where that cannot be told.

    What it shares with others counts as well, but for `lent`, the bytes of messages that others let it see.
    """
    sizes = {"RssAnon": 0, "RssShmem": 0}
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            name, _, size = line.partition(":")
            if name in sizes:
                sizes[name] = int(size.split()[0]) << 10
    return sizes["RssAnon"] + max(sizes["RssShmem"] - lent, 0)


def in_words(size: int) -> str:
    """A number of bytes for people.

    >>> in_words(3 << 29), in_words(300 << 20)
    ('1.5 GiB', '300 MiB')
    """
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
