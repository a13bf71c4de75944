"""How code of a plugin behaves towards the process that it runs in, whatever kind it is of."""

from __future__ import annotations

import contextlib
import io
import random
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from threadpoolctl import threadpool_info

from anomalist.plugins.shared_state import changes, snapshot
from anomalist.testing.promise import Failure

if TYPE_CHECKING:
    from anomalist.testing.promise import Checks

__all__ = ["Working", "add_process"]


class Working(Protocol):
    """A bench that can let what is checked do its ordinary work."""

    def work(self) -> None:
        """Do all of it once, with nothing kept from before."""
        ...


def add_process(checks: Checks) -> None:
    """Add the checks."""
    checks.add("shared-state", "it leaves alone what all code of the process shares")(shared_state)
    checks.add("silent", "it prints nothing")(silent)
    checks.add("warnings", "ordinary data raises no warnings")(no_warnings)


def shared_state(bench: Working) -> None:
    """Plugins run side by side: what one changes for all changes the numbers of the others."""
    bench.work()  # what it imports is imported by now: importing a library may change what is shared
    outside = snapshot()
    _draw()  # or a generator that is seeded to the same number each time would seem untouched
    before, threads = snapshot(), _threads()
    try:
        bench.work()
        changed = changes(before)
    finally:
        for change in changes(outside):
            change.put_back()
    lines = [change.line for change in changed]
    if _threads() != threads:
        lines.append("changed the number of threads of a numeric library: leave it to anomalist")
    if lines:
        raise Failure(
            expected="seeds, threads, warnings, streams and settings of libraries stay as they were",
            got=f"it {'; it '.join(line.partition(':')[0] for line in lines)}",
            mend="; ".join(line.partition(": ")[2] for line in lines),
        )


def silent(bench: Working) -> None:
    """Stdout carries the result of the command and nothing else."""
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
        bench.work()
    if heard.getvalue():
        raise Failure(
            expected="not a letter on stdout or stderr",
            got=repr(heard.getvalue()[:80]),
            mend="use logging.getLogger(__name__), or take the print out",
        )


def no_warnings(bench: Working) -> None:
    """Who runs it cannot do anything about them."""
    bench.work()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bench.work()
    if caught:
        first = caught[0]
        text = " ".join(str(first.message).split())
        raise Failure(
            expected="no warnings on ordinary data",
            got=f"{first.category.__name__}: {text[:120]} ({Path(first.filename).name}, line {first.lineno})",
            mend="mend what it warns of; what is known to be harmless, silence in 'with warnings.catch_warnings()'",
        )


def _draw() -> None:
    """Move every global generator on by a number."""
    random.random()  # noqa: S311 - thrown away
    np.random.random()  # noqa: NPY002 - the global generator is what is meant
    if (torch := sys.modules.get("torch")) is not None:
        torch.rand(1)


def _threads() -> list[int]:
    return sorted(library["num_threads"] for library in threadpool_info())
