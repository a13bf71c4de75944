"""Shared state: what all code of one process shares, looked at before and after a plugin works, and put back.

A detector that seeds numpy for all, or leaves a thread count behind, changes what the next one computes: the numbers
of a run would depend on who was fitted beside whom. Modules that are not loaded are not imported for it; looking takes
a fraction of a millisecond.

>>> import random
>>> before = snapshot()
>>> random.seed(3)
>>> for change in changes(before):
...     print(change.line)
...     change.put_back()
changed Python's global random state: use random.Random(seed)
>>> changes(before)
()
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from anomalist.plugins.watched_state import WATCHED, Objects

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Change", "Snapshot", "changes", "snapshot", "trusted"]

_OURS = frozenset({"anomalist", "anomalist_plugins"})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Shared state at one time.

    Attributes:
        values: What each piece was, by its name; without those whose module was not loaded.
        modules: How many modules were loaded.
    """

    values: Mapping[str, Any]
    modules: int


@dataclass(frozen=True, slots=True)
class Change:
    """One piece of shared state that is not what it was.

    Attributes:
        name: Which: `random`, `environment` and so on.
        line: One line: what was changed and how to do without.
        by_import: Libraries were imported meanwhile, and importing one may change it: nobody is to blame.
        put_back: Makes it what it was.
    """

    name: str
    line: str
    by_import: bool
    put_back: Callable[[], None]


def trusted(thing: object) -> bool:
    """Whether the code of a thing comes with anomalist, so that no change is looked for while it works."""
    return type(thing).__module__.partition(".")[0] in _OURS


def snapshot() -> Snapshot:
    """Look at all shared state, in the thread that asks: some of it differs from thread to thread."""
    values = {}
    for name, watched in WATCHED.items():
        if watched.module in sys.modules:
            with suppress(AttributeError):  # another thread is importing it, and it is not whole yet
                values[name] = watched.read()
    return Snapshot(values=values, modules=len(sys.modules))


def changes(before: Snapshot, now: Snapshot | None = None) -> tuple[Change, ...]:
    """What is not as it was `before`, by default now; what was not loaded then cannot have changed."""
    now = snapshot() if now is None else now
    imported = now.modules != before.modules
    return tuple(
        Change(
            name=name,
            line=f"changed {WATCHED[name].line}",
            by_import=imported and WATCHED[name].imports,
            put_back=partial(_put_back, name, value),
        )
        for name, value in before.values.items()
        if name in now.values and _differs(value, now.values[name])
    )


def _differs(before: Any, now: Any) -> bool:
    if isinstance(before, Objects):
        return any(one is not other for one, other in zip(before, now, strict=True))
    return bool(before != now)


def _put_back(name: str, value: Any) -> None:
    with suppress(OSError, ValueError):  # the folder is gone, or handlers of signals are the main thread's: it stays
        WATCHED[name].write(value)
