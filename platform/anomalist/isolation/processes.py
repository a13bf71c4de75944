"""Processes: the workshop of which each thing lives in a child process."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from anomalist.detector import DetectorSpec, FeatureSpec, check_parameter, deadline
from anomalist.errors import AnomalistError, ModelFileError, ParameterError, PluginError
from anomalist.isolation import memory as limits
from anomalist.isolation.pool import Pool
from anomalist.isolation.process import EndedError, check_system
from anomalist.isolation.proxy import Blueprint, Calls, proxy_class
from anomalist.isolation.specs import spec_to
from anomalist.plugins.parameters import Parameter
from anomalist.plugins.workshop import Built, who

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.isolation.process import Process
    from anomalist.isolation.proxy import Proxy
    from anomalist.plugins.workshop import ClassSpec, Function, FunctionSpec

__all__ = ["Processes"]

_LONGEST = 60.0  # seconds to import and build a detector, where members may take as long as they like
_MORE = 1.5  # seconds for that on top of what members may take: to import torch is not the member's doing


class Processes:
    """Makes what lives in processes of its own: a `Workshop`.

    What it builds fulfils the protocol and the roles that the real thing has. A call ends with the deadline of the
    thread that it is made in, `anomalist.detector.deadline`: half a second after it the process is killed. Where the
    thread has none, a call of what is no detector may take as long as a member.

    Systems other than Linux do not keep to a limit of memory (see `anomalist.isolation.memory`).
    """

    def __init__(self, memory: int | None = None, *, timeout: float | None = None, idle: int | None = None) -> None:
        """Start no process yet.

        Args:
            memory: Bytes that a detector may take; None for most of what is free when its process starts.
            timeout: Seconds that a member may take; a detector must be imported and built in a second and a half more,
                or in a minute where this is None.
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
        self._seconds = timeout
        self._timeout = _LONGEST if timeout is None else timeout + _MORE
        self._known: dict[str, list[Parameter]] = {}
        self._blank: dict[str, Process] = {}
        self._failed: dict[str, AnomalistError] = {}

    def expect(self, wanted: Sequence[tuple[DetectorSpec, str]], /) -> None:
        """Start a child for each of several detectors and import it there, side by side.

        What goes wrong is raised when the detector is asked for.
        """
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
                    except OSError:
                        continue  # the system could not start a child: it may when the detector is asked for

        workers = min(len(fresh), os.cpu_count() or 1) if len(fresh) > 1 else 0
        threads = [threading.Thread(target=work, daemon=True, name="anomalist-expect") for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def parameters(self, spec: ClassSpec, package: str, /) -> list[Parameter]:
        """The parameters of what a class makes, which is imported in a child."""
        error = self._failed.pop(spec.factory, None)
        if error is not None:
            raise error
        if spec.factory not in self._known:
            answer, process = self._asked(spec, package, {"do": "parameters"})
            self._known[spec.factory] = [Parameter(**given) for given in answer["parameters"]]
            self._blank[spec.factory] = process
        return list(self._known[spec.factory])

    def build(self, spec: ClassSpec, package: str, params: Mapping[str, object], /) -> Built:
        """A new one with these parameters, which lives in a child."""
        made, answer = self._built(spec, package, params)
        return Built(made=made, params=answer["params"])

    def function(self, spec: FunctionSpec, package: str, /) -> Function:
        """A combiner or a reader, which is called in a child."""
        made, answer = self._built(spec, package, {})
        assert isinstance(made, Calls)
        made.has_signature(answer["signature"])
        return made

    def _built(
        self, spec: ClassSpec | FunctionSpec, package: str, params: Mapping[str, object]
    ) -> tuple[Proxy, dict[str, Any]]:
        """What stands here for a new thing that lives in a child, and what the child says of it."""
        answer, process = self._asked(spec, package, {"do": "build", "params": dict(params)})
        process.settled = True
        name = who(spec, package)
        blueprint = Blueprint(
            who=name,
            called="it" if isinstance(spec, FeatureSpec) else name,  # `Maker` names what goes wrong
            request={**_about(spec, package), "params": answer["params"]},
            pool=self._pool,
            seconds=None if isinstance(spec, DetectorSpec) else self._seconds,
        )
        return proxy_class(frozenset(answer["roles"]))(blueprint, process), answer

    def _asked(
        self, spec: ClassSpec | FunctionSpec, package: str, request: Mapping[str, Any]
    ) -> tuple[dict[str, Any], Process]:
        """What a child answers in which nothing has been built yet, and the child."""
        name = who(spec, package)
        limit = deadline.get() or time.monotonic() + self._timeout
        process = self._pool.taken(self._blank.pop(spec.factory, None))
        try:
            process = process or self._pool.started()
            return process.asked({**request, **_about(spec, package)}, name, limit=limit), process
        except EndedError as end:
            raise PluginError(f"{name} {'took too long to be imported and built' if end.late else end}") from None
        except ModelFileError:
            got = f"{request.get('params')!r:.200}"
            raise ParameterError(f"{spec.name}: parameters are numbers, texts or lists of them, got {got}") from None
        finally:
            if process is not None:
                self._pool.rested(process)


def _about(spec: ClassSpec | FunctionSpec, package: str) -> dict[str, Any]:
    return {"spec": spec_to(spec), "package": package}
