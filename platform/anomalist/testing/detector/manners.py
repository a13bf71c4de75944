"""How it behaves towards others: its input, the process, the user and the clock."""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_info

from anomalist.data.dataset import Dataset
from anomalist.detector import deadline
from anomalist.engine.executor import one_thread_each
from anomalist.errors import DetectorTimeoutError
from anomalist.plugins.shared_state import changes, snapshot
from anomalist.testing.check import Failure
from anomalist.testing.detector.bench import quietly

if TYPE_CHECKING:
    from anomalist.testing.check import Checks
    from anomalist.testing.detector.bench import DetectorBench

__all__ = ["add_manners"]

_LATE = 1.0  # seconds of work that may pass once the time is over


def add_manners(checks: Checks) -> None:
    """Add the checks."""
    checks.add("input", "it does not write to the rows that it is given")(input_kept)
    checks.add("shared-state", "it leaves alone what all code of the process shares")(shared_state)
    checks.add("silent", "it prints nothing")(silent)
    checks.add("warnings", "ordinary rows raise no warnings")(no_warnings)
    checks.add("deadline", "when its time is over it stops within a second of work")(stops)


def input_kept(bench: DetectorBench) -> None:
    """Others see the same array; that it is read-only does not stop everyone."""
    values = bench.samples.ordinary().values.copy()
    before, data = values.copy(), Dataset.from_array(values)
    data.values.flags.writeable = True  # so that who tries is seen to, not stopped
    detector = bench.build()
    quietly(detector.fit, data)
    quietly(detector.score, data)
    if not np.array_equal(data.values, before):
        raise Failure(
            expected="data.values is after fit and score what it was before",
            got=f"{np.mean(data.values != before):.0%} of the values are changed",
            mend="work on a copy: data.values.astype(numpy.float64) makes one",
        )


def shared_state(bench: DetectorBench) -> None:
    """Detectors run side by side: what one changes for all changes the numbers of the others."""
    bench.scores  # noqa: B018 - what it imports is imported by now: importing a library may change what is shared
    with one_thread_each():
        before, threads = snapshot(), _threads()
        bench.build().fit(bench.samples.ordinary()).score(bench.probe.data)
        changed = changes(before)
        lines = [change.line for change in changed]
        if _threads() != threads:
            lines.append("changed the number of threads of a numeric library: leave it to anomalist")
        for change in changed:
            change.put_back()
    if lines:
        raise Failure(
            expected="fit and score leave seeds, threads, warnings, streams and settings of libraries as they were",
            got=f"it {'; it '.join(line.partition(':')[0] for line in lines)}",
            mend="; ".join(line.partition(": ")[2] for line in lines),
        )


def silent(bench: DetectorBench) -> None:
    """Stdout carries the result of the command and nothing else."""
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
        bench.score(bench.fit(), bench.probe.data)
    if heard.getvalue():
        raise Failure(
            expected="fit and score print nothing",
            got=repr(heard.getvalue()[:80]),
            mend="use logging.getLogger(__name__), or keep lines for the user in an attribute notes",
        )


def no_warnings(bench: DetectorBench) -> None:
    """Who runs it cannot do anything about them."""
    bench.loaded  # noqa: B018 - what importing it warns of is not what is asked
    with one_thread_each(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bench.build().fit(bench.samples.ordinary()).score(bench.probe.data)
    if caught:
        first = caught[0]
        text = " ".join(str(first.message).split())
        raise Failure(
            expected="no warnings on ordinary rows",
            got=f"{first.category.__name__}: {text[:120]} ({Path(first.filename).name}, line {first.lineno})",
            mend="mend what it warns of; what is known to be harmless, silence in 'with warnings.catch_warnings()'",
        )


def stops(bench: DetectorBench) -> None:
    """A thread cannot be ended from outside; it has to look at the clock itself."""
    detector, data = bench.build(), bench.samples.ordinary()
    token = deadline.set(time.monotonic() - 1.0)
    started = time.thread_time()
    try:
        with contextlib.suppress(DetectorTimeoutError):
            quietly(detector.fit, data)
    finally:
        deadline.reset(token)
    seconds = time.thread_time() - started
    if seconds > _LATE:
        raise Failure(
            expected=f"fit ends within {_LATE:g} s of work when its time is over before it begins",
            got=f"it worked for {seconds:.1f} s",
            mend="call anomalist.detector.check_deadline() once a round in every long loop",
        )


def _threads() -> list[int]:
    return sorted(library["num_threads"] for library in threadpool_info())
