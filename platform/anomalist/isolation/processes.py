"""Processes: the workshop whose detectors each live in a child process."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from anomalist.detector import check_parameter, deadline
from anomalist.errors import AnomalistError, ModelFileError, ParameterError, PluginError
from anomalist.isolation import memory as limits
from anomalist.isolation.pool import Pool
from anomalist.isolation.process import EndedError, check_system
from anomalist.isolation.proxy import Blueprint, proxy_class
from anomalist.isolation.specs import spec_to
from anomalist.plugins.parameters import Parameter
from anomalist.plugins.workshop import Built

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.detector import DetectorSpec
    from anomalist.isolation.process import Process

__all__ = ["Processes"]

_LONGEST = 60.0  # seconds to import and build a detector, where members may take as long as they like
_MORE = 4.0  # seconds for that on top of what members may take: to import torch is not the member's doing


class Processes:
    """Makes detectors that live in processes of their own: a `Workshop`.

    What it builds fulfils `Detector` and the roles that the real detector has. A call ends with the deadline of the
    thread that it is made in, `anomalist.detector.deadline`: half a second after it the process is killed.

    Systems other than Linux do not keep to a limit of memory (see `anomalist.isolation.memory`).
    """

    def __init__(self, memory: int | None = None, *, timeout: float | None = None, idle: int | None = None) -> None:
        """Start no process yet.

        Args:
            memory: Bytes that a detector may take; None for most of what is free when its process starts.
            timeout: Seconds that a member may take; a detector must be imported and built in four more, or in a minute
                where this is None.
            idle: At most this many processes are kept while they have nothing to do; as many as memory allows, unless
                given.

        Raises:
            UsageError: This system cannot isolate detectors.
            ParameterError: The memory would not do for any detector.
        """
        check_system()
        least = limits.SMALLEST
        check_parameter(memory is None or memory >= least, "memory", memory, f"at least {limits.in_words(least)}")
        self._pool = Pool(memory) if idle is None else Pool(memory, idle=idle)
        self._timeout = _LONGEST if timeout is None else timeout + _MORE
        self._known: dict[str, list[Parameter]] = {}
        self._blank: dict[str, Process] = {}
        self._failed: dict[str, AnomalistError] = {}

    def expect(self, wanted: Sequence[tuple[DetectorSpec, str]], /) -> None:
        """Start a child for each of several detectors and import it there, side by side."""
        fresh = {spec.factory: (spec, package) for spec, package in wanted if spec.factory not in self._known}
        waiting = deque(fresh.values())

        def work() -> None:
            with suppress(IndexError):  # nothing waits any more
                while True:
                    spec, package = waiting.popleft()
                    try:
                        self.parameters(spec, package)
                    except AnomalistError as error:
                        self._failed[spec.factory] = error

        workers = min(len(fresh), os.cpu_count() or 1) if len(fresh) > 1 else 0
        threads = [threading.Thread(target=work, daemon=True, name="anomalist-expect") for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def parameters(self, spec: DetectorSpec, package: str, /) -> list[Parameter]:
        """The parameters of a detector, which is imported in a child."""
        error = self._failed.pop(spec.factory, None)
        if error is not None:
            raise error
        if spec.factory not in self._known:
            answer, process = self._asked(spec, package, {"do": "parameters"})
            self._known[spec.factory] = [Parameter(**given) for given in answer["parameters"]]
            self._blank[spec.factory] = process
        return list(self._known[spec.factory])

    def build(self, spec: DetectorSpec, package: str, params: Mapping[str, object], /) -> Built:
        """A new detector, not fitted, which lives in a child."""
        answer, process = self._asked(spec, package, {"do": "build", "params": dict(params)})
        process.settled = True
        blueprint = Blueprint(
            who=_who(spec, package),
            request={**_about(spec, package), "params": answer["params"]},
            pool=self._pool,
        )
        proxy = proxy_class(frozenset(answer["roles"]))
        return Built(detector=proxy(blueprint, process), params=answer["params"])

    def _asked(self, spec: DetectorSpec, package: str, request: Mapping[str, Any]) -> tuple[dict[str, Any], Process]:
        """What a child answers in which no detector has been built yet, and the child."""
        who = _who(spec, package)
        limit = deadline.get() or time.monotonic() + self._timeout
        process = self._pool.taken(self._blank.pop(spec.factory, None))
        try:
            process = process or self._pool.started()
            return process.asked({**request, **_about(spec, package)}, who, limit=limit), process
        except EndedError as end:
            raise PluginError(f"{who} {'took too long to be imported and built' if end.late else end}") from None
        except ModelFileError:
            got = f"{request.get('params')!r:.200}"
            raise ParameterError(f"{spec.name}: parameters are numbers, texts or lists of them, got {got}") from None
        finally:
            if process is not None:
                self._pool.rested(process)


def _who(spec: DetectorSpec, package: str) -> str:
    return f"detector {spec.name!r} of {package}"


def _about(spec: DetectorSpec, package: str) -> dict[str, Any]:
    return {"spec": spec_to(spec), "package": package}
