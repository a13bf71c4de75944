"""Lines about plugins that can be printed."""

from __future__ import annotations

from time import perf_counter

from anomalist.errors import one_line

__all__ = ["milliseconds", "one_line"]


def milliseconds(started: float) -> str:
    """The time since a reading of `time.perf_counter`, for people."""
    return f"{(perf_counter() - started) * 1000:.1f} ms"
