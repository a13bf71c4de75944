"""Lines about plugins that can be printed, whatever the plugin raised."""

from __future__ import annotations

from time import perf_counter

from anomalist.errors import PluginError

__all__ = ["milliseconds", "one_line"]

_LONGEST = 500


def one_line(error: BaseException) -> str:
    r"""An error in one line of printable characters, with its kind unless it is one of ours.

    An error of a plugin may be of a class of its own, with a message that is long, colours the terminal or raises.

    >>> one_line(ValueError("no\n  luck")), one_line(SystemExit()), one_line(PluginError("it is broken"))
    ('ValueError: no luck', 'SystemExit', 'it is broken')
    """
    try:
        text = " ".join(str.__str__(str(error))[: 10 * _LONGEST].split())
    except BaseException:  # noqa: BLE001 - the message of an error of a plugin is code of the plugin
        text = "its message cannot be read"
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]} ..."
    if isinstance(error, PluginError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def milliseconds(started: float) -> str:
    """The time since a reading of `time.perf_counter`, for people."""
    return f"{(perf_counter() - started) * 1000:.1f} ms"
