"""Deadlines and cancellation: whoever starts a fit sets a limit, and the training loop asks it once an epoch.

The limit belongs to the thread (or task) that set it, so fits that run side by side do not see each other's. This
module does not import torch.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anomalist.errors import DetectorError, DetectorTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["check_limit", "limit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limit:
    seconds: float | None
    ends: float | None
    cancelled: Callable[[], bool] | None
    outer: _Limit | None


_limit: ContextVar[_Limit | None] = ContextVar("anomalist_limit", default=None)


@contextmanager
def limit(*, seconds: float | None = None, cancelled: Callable[[], bool] | None = None) -> Iterator[None]:
    """Stop what runs inside, in this thread, after `seconds` or as soon as `cancelled()` is true.

    A limit inside a limit can only be stricter.

    >>> with limit(seconds=60):
    ...     check_limit("autoencoder")
    """
    ends = None if seconds is None else time.monotonic() + seconds
    token = _limit.set(_Limit(seconds=seconds, ends=ends, cancelled=cancelled, outer=_limit.get()))
    try:
        yield
    finally:
        _limit.reset(token)


def check_limit(name: str) -> None:
    """Raise if the time is up or the work was cancelled; `name` is the detector, for the message.

    Raises:
        DetectorTimeoutError: The time given to the detector is over.
        DetectorError: The work was cancelled.
    """
    current = _limit.get()
    while current is not None:
        if current.cancelled is not None and current.cancelled():
            raise DetectorError(f"{name} was cancelled before it was fitted")
        if current.ends is not None and time.monotonic() > current.ends:
            raise DetectorTimeoutError(
                f"{name} did not finish in {current.seconds:g} s; give it more time, fewer epochs or fewer rows"
            )
        current = current.outer
