"""Imports what plugins describe, when it is first used, and runs their code so that its failures are theirs."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager, nullcontext
from time import perf_counter
from typing import TYPE_CHECKING, Any

from anomalist.errors import AnomalistError, PluginError, one_line
from anomalist.plugins.interrupts import interruptible
from anomalist.plugins.plugin import BUNDLED, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anomalist.plugins.plugin import Trace

__all__ = ["held", "imported"]


def imported(factory: str, what: str, package: str, *, trace: Trace | None = None) -> Any:
    """What a factory `package.module:name` names, imported.

    Args:
        factory: The factory.
        what: What it makes, such as `detector 'median'`.
        package: The distribution that it belongs to.
        trace: Hears of the first import, and how long it took.

    Raises:
        PluginError: It cannot be imported; the message names the package.
    """
    module, _, attribute = factory.partition(":")
    started, first = perf_counter(), module not in sys.modules
    with held(f"{what} of {package} cannot be imported", package):
        found = getattr(importlib.import_module(module), attribute)
    if trace is not None and first:
        trace(f"{what} of {package}: imported {factory} in {milliseconds(started)}")
    return found


@contextmanager
def held(what: str, package: str) -> Iterator[None]:
    """Run code of a package: whatever it raises becomes a PluginError, what it prints goes to stderr.

    What it changes of the process that all code shares is put back, without a word: many a library that somebody only
    wraps is careless there. The errors of anomalist pass as they are, and so does the user's wish to stop.

    Raises:
        PluginError: It failed; the message begins with `what`.
    """
    with interruptible() as stops:
        try:
            with nullcontext() if package == BUNDLED else _contained():
                yield
        except AnomalistError:
            raise
        except BaseException as error:
            if stops(error):
                raise
            raise PluginError(f"{what}: {one_line(error)}") from error


def _contained() -> Any:
    """What holds code of others, imported only where there is some."""
    from anomalist.plugins.contain import contained

    return contained(tolerant=True)
