"""Failure: what a child tells of an error, and the error that the host makes of it. No error is pickled."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Any

from anomalist import errors
from anomalist.errors import AnomalistError, DetectorError, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["error_of", "told"]

_log = logging.getLogger(__name__)
_TRACE = 8000  # characters of a traceback, its end
_DEEPEST = 10  # causes of causes
_OUT_OF_MEMORY = ("can't allocate memory", "bad_alloc")


def told(error: BaseException) -> dict[str, Any]:
    """Plain values that tell of an error, whatever the error does when it is looked at."""
    kind = next((base.__name__ for base in type(error).__mro__ if base.__module__ == errors.__name__), "")
    try:
        trace = "".join(traceback.format_exception(error))[-_TRACE:]
    except BaseException:  # noqa: BLE001 - the error is an object of the plugin, and so are those that it comes from
        trace = "its traceback cannot be read"
    return {"kind": kind, "line": one_line(error), "memory": _wants_memory(error), "trace": trace}


def _wants_memory(error: BaseException | None) -> bool:
    """Whether an error is there because memory ran out; numpy and torch say so each in its own way."""
    for _ in range(_DEEPEST):
        if error is None:
            return False
        if isinstance(error, MemoryError):
            return True
        if isinstance(error, RuntimeError) and any(words in one_line(error) for words in _OUT_OF_MEMORY):
            return True
        error = error.__cause__
    return False


def error_of(told: Mapping[str, Any], who: str) -> AnomalistError:
    """The error that a child told of: the same where it is one of ours, else a `DetectorError` that names its kind."""
    _log.debug("%s: %s", who, told["trace"])
    kind, line = getattr(errors, str(told["kind"]), None), str(told["line"])
    if isinstance(kind, type) and issubclass(kind, AnomalistError):
        return kind(line)
    return DetectorError(line)
