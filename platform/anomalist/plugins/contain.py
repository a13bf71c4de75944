"""Runs code of a plugin so that it harms as little as can be had within one process.

What cannot be had there: a plugin that never returns, ends the process or breaks its memory does so to the host too.
`--isolate` is for those.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

from anomalist.errors import PluginError
from anomalist.plugins.shared_state import changes, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anomalist.plugins.shared_state import Snapshot

__all__ = ["contained"]


@contextmanager
def contained(*, tolerant: bool = False) -> Iterator[None]:
    """Send what the body prints to stderr, and put back what it changes of the process that all code shares.

    The body may import libraries. These add filters of single warnings and set variables of the environment that were
    not set, which is left as it is.

    Args:
        tolerant: Put back what was changed without a word.

    Raises:
        PluginError: The body ended well and had changed something else, and that is not tolerated.
    """
    before = snapshot()
    ended_well = False
    try:
        with redirect_stdout(_Stderr()):
            yield
        ended_well = True
    finally:
        changed = [change for change in changes(before) if not change.by_import or _is_grave(change.name, before)]
        for change in changed:
            change.put_back()
        if changed and ended_well and not tolerant:
            raise PluginError(f"it {' and '.join(change.line for change in changed)}")


class _Stderr(io.TextIOBase):
    """Writes to stderr, and stays apart from it: closing this one closes nothing."""

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        if not self.closed:
            sys.stderr.flush()

    def fileno(self) -> int:
        return sys.stderr.fileno()


def _is_grave(name: str, before: Snapshot) -> bool:
    """Whether a change beside an import is not of the kind that importing a library makes."""
    earlier = before.values[name]
    if name == "environment":
        return any(os.environ.get(variable) != value for variable, value in earlier.items())
    if name == "warnings":
        new = [one for one in warnings.filters if one not in earlier]
        gone = any(one not in warnings.filters for one in earlier)
        return gone or any(one[1:4] == (None, Warning, None) for one in new)  # one that takes every warning there is
    return False
