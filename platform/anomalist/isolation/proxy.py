"""Proxy: what lives in a child, as the run sees it: a detector, a maker of features, a stacker, or a function.

The state of what learns is here as well, fetched whenever it has changed. So a child can be ended between two calls,
and the next call starts another and restores there what was lost.
"""

from __future__ import annotations

import inspect
import threading
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from anomalist.detector import deadline
from anomalist.errors import AnomalistError, DetectorError, DetectorTimeoutError, PluginError
from anomalist.isolation.goods import frame_from, goods_to
from anomalist.isolation.process import EndedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from anomalist.data.dataset import Dataset
    from anomalist.data.table import Table
    from anomalist.detector import Floats, State
    from anomalist.ensemble.stack import Evidence
    from anomalist.isolation.goods import Goods
    from anomalist.isolation.pool import Pool
    from anomalist.isolation.process import Process

__all__ = ["Blueprint", "Calls", "Proxy", "proxy_class"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blueprint:
    """How to build something again, in another child.

    Attributes:
        who: What it is called in the log, with the package that brings it.
        called: What it is called in errors.
        request: What a child is asked in order to build it.
        pool: Where children come from.
        seconds: How long a call may take where the thread has no deadline; None for ever.
    """

    who: str
    called: str
    request: Mapping[str, Any]
    pool: Pool
    seconds: float | None = None


class Proxy:
    """Stands for what lives in a child; `proxy_class` gives the classes that fulfil the protocols."""

    _ended: ClassVar[type[AnomalistError]] = DetectorError

    def __init__(self, blueprint: Blueprint, process: Process | None = None) -> None:
        self._blueprint = blueprint
        self._process = process
        self._lock = threading.Lock()

    def _asked(self, request: dict[str, Any], *, anew: bool = False) -> dict[str, Any]:
        """What it answers, from its child or, where that is gone, from a new one.

        Args:
            request: What to ask.
            anew: What it has learned so far does not matter.

        Raises:
            DetectorTimeoutError: It had no time left.
            DetectorError: It failed or ended its process; a `PluginError` for a function.
            AnomalistError: The same that it raised.
        """
        blueprint, limit = self._blueprint, deadline.get()
        pool = blueprint.pool
        if limit is None and blueprint.seconds is not None:
            limit = time.monotonic() + blueprint.seconds
        if limit is not None and limit <= time.monotonic():
            raise DetectorTimeoutError("stopped: the time that it was given is over")
        with self._lock:
            for again in (False, True):
                try:
                    process = self._process = pool.taken(self._process) or pool.started()
                    try:
                        self._settle(process, limit, anew=anew)
                        return process.asked(request, blueprint.who, limit=limit)
                    finally:
                        pool.rested(process)
                except EndedError as end:
                    if end.unasked and not again:  # it was gone before, and did nothing of what it is asked now
                        continue
                    raise (DetectorTimeoutError if end.late else self._ended)(f"{blueprint.called} {end}") from None
        raise AssertionError("the second time either answers or raises")

    def _settle(self, process: Process, limit: float | None, *, anew: bool) -> None:
        """Build it in a child that has none yet, as it was when the last child ended."""
        if process.settled:
            return
        process.asked({"do": "build", **self._blueprint.request}, self._blueprint.who, limit=limit)
        if not anew:
            self._restore_in(process, limit)
        process.settled = True

    def _restore_in(self, process: Process, limit: float | None) -> None:
        """Let what was built in a child be what it was: nothing to do for what does not learn."""


class _Learns(Proxy):
    """What detectors, makers of features and stackers have in common.

    Attributes:
        notes: What a detector wants said about its last fit.
    """

    def __init__(self, blueprint: Blueprint, process: Process | None = None) -> None:
        super().__init__(blueprint, process)
        self.notes: tuple[str, ...] = ()
        self._state: dict[str, Any] | None = None
        self._moves: tuple[list[int | None], ...] = ()  # where it was carried over to since the state was taken

    def fit(self, goods: Goods, /) -> Self:
        """Fit it."""
        return self._changed({"do": "fit", "data": goods_to(goods)}, anew=True)

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
        """Another one with the same parameters and state, which shares no child with this one."""
        other = type(self)(self._blueprint)
        other.notes, other._state, other._moves = self.notes, self._state, self._moves
        return other

    def _changed(self, request: dict[str, Any], *, anew: bool) -> Self:
        """Ask for what changes it, and take over what it is then."""
        answer = self._asked(request, anew=anew)
        self._state, self.notes, self._moves = answer["state"], tuple(answer["notes"]), ()
        return self

    def _values(self, do: str, goods: Goods) -> Floats:
        """The numbers that it gives for some rows."""
        values: Floats = self._asked({"do": "numbers", "method": do, "data": goods_to(goods)})["values"]
        return values

    def _restore_in(self, process: Process, limit: float | None) -> None:
        if self._state is not None:
            who = self._blueprint.who
            process.asked({"do": "restore", "state": self._state}, who, limit=limit)
            for sources in self._moves:
                process.asked({"do": "transfer", "sources": sources}, who, limit=limit)


class _Scores(_Learns):
    """Fulfils `Detector`."""

    def score(self, data: Dataset, /) -> Floats:
        """Score with it."""
        return self._values("score", data)


class _Explains(_Scores):
    """Fulfils `Explainable`."""

    def contributions(self, data: Dataset, /) -> Floats:
        """Ask it what each column added."""
        return self._values("contributions", data)


class _Continues(_Scores):
    """Fulfils `Resumable`."""

    def update(self, data: Dataset, /) -> Self:
        """Let it go on."""
        return self._changed({"do": "update", "data": goods_to(data)}, anew=False)


class _CarriesOver(_Continues):
    """Fulfils `Transferable`."""

    def transfer(self, sources: Sequence[int | None], /) -> Self:
        """Carry it over to other columns."""
        moves = list(sources)
        self._asked({"do": "transfer", "sources": moves})
        self._moves = (*self._moves, moves)
        return self


class _Makes(_Learns):
    """Fulfils `FeatureMaker`."""

    def transform(self, table: Table, /) -> pl.DataFrame:
        """Make columns with it."""
        return frame_from(self._asked({"do": "transform", "data": goods_to(table)})["frame"], self._blueprint.called)


class _Ranks(_Learns):
    """Fulfils `Stacker`."""

    def log_odds(self, rows: Evidence, /) -> Floats:
        """Ask it how likely an analyst calls a row an anomaly."""
        return self._values("log_odds", rows)


class _IsSure(_Ranks):
    """Fulfils `Uncertain`."""

    def deviation(self, rows: Evidence, /) -> Floats:
        """Ask it how sure it is."""
        return self._values("deviation", rows)


class _Attributes(_Ranks):
    """Fulfils `Attributing`."""

    def moved(self, rows: Evidence, /) -> tuple[Floats, Floats]:
        """Ask it what moved its score."""
        answer = self._asked({"do": "moved", "data": goods_to(rows)})
        return answer["members"], answer["columns"]


class Calls(Proxy):
    """A combiner, which takes and gives arrays, or a reader, from a path to a frame."""

    _ended: ClassVar[type[AnomalistError]] = PluginError
    __signature__: inspect.Signature

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        given = [str(one) if isinstance(one, Path) else one for one in args]
        answer = self._asked({"do": "call", "args": given, "kwargs": kwargs})
        return frame_from(answer["frame"], self._blueprint.called) if "frame" in answer else answer["values"]

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Itself, as of any function."""
        return self

    def has_signature(self, plain: Sequence[Sequence[Any]]) -> None:
        """Let `inspect.signature` find the names of its arguments, their kinds, and which have a default."""
        of = inspect.Parameter
        self.__signature__ = inspect.Signature(
            [of(name, getattr(of, kind), default=None if default else of.empty) for name, kind, default in plain]
        )


_CLASSES: Mapping[str, type[Proxy]] = {
    "scores": _Scores,
    "explains": _Explains,
    "continues": _Continues,
    "carries over": _CarriesOver,
    "makes": _Makes,
    "ranks": _Ranks,
    "is sure": _IsSure,
    "attributes": _Attributes,
    "calls": Calls,
}


@cache
def proxy_class(roles: frozenset[str]) -> type[Proxy]:
    """The class of the proxies of what has these roles: it has their methods and no others.

    >>> sorted(name for name in dir(proxy_class(frozenset({"explains"}))) if not name.startswith("_"))
    ['contributions', 'fit', 'restore', 'score', 'state']
    """
    bases = tuple(_CLASSES[role] for role in sorted(roles))
    apart = tuple(base for base in bases if not any(base is not other and issubclass(other, base) for other in bases))
    return type("Proxy", apart or (Proxy,), {})
