"""How it behaves towards others: its input, the process and the clock."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import numpy as np

from anomalist.detector import deadline
from anomalist.errors import DetectorTimeoutError
from anomalist.testing.process import add_process
from anomalist.testing.promise import Failure

if TYPE_CHECKING:
    from anomalist.testing.detector.bench import DetectorBench
    from anomalist.testing.promise import Checks

__all__ = ["add_manners"]

_LATE = 1.0  # seconds of work that may pass once the time is over


def add_manners(checks: Checks) -> None:
    """Add the checks."""
    checks.add("input", "it does not write to the rows that it is given")(input_kept)
    add_process(checks)
    checks.add("deadline", "when its time is over it stops within a second of work")(stops)


def input_kept(bench: DetectorBench) -> None:
    """Others see the same array; that it is read-only does not stop everyone."""
    _ = bench.answer  # what cannot be fitted or does not score is another check's to say
    data = bench.samples.ordinary()
    before = data.values
    object.__setattr__(data, "values", before.copy())  # one that can be written to: who tries is seen, not stopped
    detector = bench.build()
    detector.fit(data)
    detector.score(data)
    if not np.array_equal(data.values, before):
        raise Failure(
            expected="data.values is after fit and score what it was before",
            got=f"{np.mean(data.values != before):.0%} of the values are changed",
            mend="work on a copy: data.values.astype(numpy.float64) makes one",
        )


def stops(bench: DetectorBench) -> None:
    """A thread cannot be ended from outside; it has to look at the clock itself."""
    _ = bench.fitted  # what cannot be fitted at all is another check's to say
    detector, data = bench.build(), bench.samples.ordinary()
    token = deadline.set(time.monotonic() - 1.0)
    started = time.thread_time()
    try:
        with contextlib.suppress(DetectorTimeoutError):
            detector.fit(data)
    finally:
        deadline.reset(token)
    seconds = time.thread_time() - started
    if seconds > _LATE:
        raise Failure(
            expected=f"fit ends within {_LATE:g} s of work when its time is over before it begins",
            got=f"it worked for {seconds:.1f} s",
            mend="call anomalist.detector.check_deadline() once a round in every long loop",
        )
