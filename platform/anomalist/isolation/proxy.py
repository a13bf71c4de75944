"""Proxy: a detector that lives in a child, as the run sees it.

Its state is here as well, fetched whenever it has changed. So a child can be ended between two calls, and the next
call starts another and restores the detector in it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from anomalist.detector import deadline
from anomalist.errors import DetectorError, DetectorTimeoutError
from anomalist.isolation.process import EndedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State
    from anomalist.isolation.pool import Pool
    from anomalist.isolation.process import Process

__all__ = ["Blueprint", "Proxy", "proxy_class"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blueprint:
    """How to build a detector again, in another child.

    Attributes:
        who: What the detector is called in messages, with the package that brings it.
        request: What a child is asked in order to build it.
        pool: Where children come from.
    """

    who: str
    request: Mapping[str, Any]
    pool: Pool


class Proxy:
    """Fulfils `Detector`; `proxy_class` gives the classes that fulfil its roles, too.

    Attributes:
        notes: What the detector wants said about its last fit.
    """

    def __init__(self, blueprint: Blueprint, process: Process | None = None) -> None:
        self.notes: tuple[str, ...] = ()
        self._blueprint = blueprint
        self._process = process
        self._state: dict[str, Any] | None = None
        self._moves: tuple[list[int | None], ...] = ()  # where it was carried over to since the state was taken
        self._lock = threading.Lock()

    def fit(self, data: Dataset, /) -> Self:
        """Fit it."""
        return self._changed({"do": "fit", "data": _plain(data)}, anew=True)

    def score(self, data: Dataset, /) -> Floats:
        """Score with it."""
        scores: Floats = self._asked({"do": "score", "data": _plain(data)})["values"]
        return scores

    def state(self) -> State:
        """Its state, as of the last call that changed it."""
        if self._state is None or self._moves:
            found: dict[str, Any] = self._asked({"do": "state"})["state"]
            return found
        return dict(self._state)

    def restore(self, state: State, /) -> Self:
        """Restore it."""
        return self._changed({"do": "restore", "state": dict(state)}, anew=True)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Another detector with the same parameters and state, which shares no child with this one."""
        other = type(self)(self._blueprint)
        other.notes, other._state, other._moves = self.notes, self._state, self._moves
        return other

    def _changed(self, request: dict[str, Any], *, anew: bool) -> Self:
        """Ask for what changes the detector, and take over what it is then."""
        answer = self._asked(request, anew=anew)
        self._state, self.notes, self._moves = answer["state"], tuple(answer["notes"]), ()
        return self

    def _asked(self, request: dict[str, Any], *, anew: bool = False) -> dict[str, Any]:
        """What the detector answers, from its child or, where that is gone, from a new one.

        Args:
            request: What to ask.
            anew: What it has learned so far does not matter.

        Raises:
            DetectorTimeoutError: It had no time left.
            DetectorError: It failed or ended its process.
            AnomalistError: The same that it raised.
        """
        limit, who, pool = deadline.get(), self._blueprint.who, self._blueprint.pool
        if limit is not None and limit <= time.monotonic():
            raise DetectorTimeoutError("stopped: the time that it was given is over")
        with self._lock:
            for again in (False, True):
                try:
                    process = self._process = pool.taken(self._process) or pool.started()
                    try:
                        self._settle(process, limit, anew=anew)
                        return process.asked(request, who, limit=limit)
                    finally:
                        pool.rested(process)
                except EndedError as end:
                    if end.unasked and not again:  # it was gone before, and did nothing of what it is asked now
                        continue
                    raise (DetectorTimeoutError if end.late else DetectorError)(f"{who} {end}") from None
        raise AssertionError("the second time either answers or raises")

    def _settle(self, process: Process, limit: float | None, *, anew: bool) -> None:
        """Build the detector in a child that has none yet, as it was when the last child ended."""
        if process.settled:
            return
        who = self._blueprint.who
        process.asked({"do": "build", **self._blueprint.request}, who, limit=limit)
        if self._state is not None and not anew:
            process.asked({"do": "restore", "state": self._state}, who, limit=limit)
            for sources in self._moves:
                process.asked({"do": "transfer", "sources": sources}, who, limit=limit)
        process.settled = True


class _Explains(Proxy):
    """Fulfils `Explainable`."""

    def contributions(self, data: Dataset, /) -> Floats:
        """Ask it what each column added."""
        parts: Floats = self._asked({"do": "contributions", "data": _plain(data)})["values"]
        return parts


class _Continues(Proxy):
    """Fulfils `Resumable`."""

    def update(self, data: Dataset, /) -> Self:
        """Let it go on."""
        return self._changed({"do": "update", "data": _plain(data)}, anew=False)


class _CarriesOver(_Continues):
    """Fulfils `Transferable`."""

    def transfer(self, sources: Sequence[int | None], /) -> Self:
        """Carry it over to other columns."""
        moves = list(sources)
        self._asked({"do": "transfer", "sources": moves})
        self._moves = (*self._moves, moves)
        return self


_CLASSES = {"explains": _Explains, "continues": _Continues, "carries over": _CarriesOver}


@cache
def proxy_class(roles: frozenset[str]) -> type[Proxy]:
    """The class of the proxies of detectors with these roles: it has their methods and no others.

    >>> sorted(name for name in dir(proxy_class(frozenset({"explains"}))) if not name.startswith("_"))
    ['contributions', 'fit', 'restore', 'score', 'state']
    """
    bases = tuple(_CLASSES[role] for role in sorted(roles))
    apart = tuple(base for base in bases if not any(base is not other and issubclass(other, base) for other in bases))
    return type("Proxy", apart or (Proxy,), {})


def _plain(data: Dataset) -> dict[str, Any]:
    return {
        "values": data.values,
        "columns": data.columns,
        "origins": data.origins,
        "time": data.time,
        "entity": data.entity,
    }
