"""Fields of an entry, as people give them: checked, and made into what is stored."""

from __future__ import annotations

import getpass
import re
from typing import TYPE_CHECKING

from anomalist.data.words import cut
from anomalist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["analyst_name", "check_one_of", "check_probability", "check_text"]

_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff"
"""What no text may hold: control characters but for tab and line ends, and halves of characters."""


def analyst_name(name: str | None) -> str:
    """Who gives a verdict: the name that was set, or else that of the login.

    Raises:
        UsageError: The name is empty or not one line, or there is none.
    """
    if name is None:
        try:
            name = getpass.getuser()
        except (KeyError, OSError):  # KeyError is what Python before 3.13 lets through
            raise UsageError(
                "who judges is not known: this login has no name; give one with --analyst or ANOMALIST_ANALYST"
            ) from None
    stripped = name.strip()
    _check(bool(stripped) and not re.search(rf"[{_CONTROL}\t\r\n]", stripped), "analyst", name, "a name of one line")
    return stripped


def check_text(what: str, text: str | None) -> str | None:
    r"""A cause or a note as it is stored: without blanks around it, and None where nothing is left.

    Raises:
        UsageError: It holds a control character other than a tab or the end of a line.

    >>> check_text("note", " known\nsupplier "), check_text("cause", " ")
    ('known\nsupplier', None)
    """
    kept = (text or "").strip()
    _check(not re.search(f"[{_CONTROL}]", kept), what, text, "text without control characters")
    return kept or None


def check_probability(probability: float) -> float:
    """A probability of being asked about: above 0, since the row was asked about.

    Raises:
        UsageError: It is none.
    """
    _check(0 < probability <= 1, "probability", probability, "above 0 and at most 1")
    return probability


def check_one_of(what: str, got: str, choices: Collection[str]) -> None:
    """Refuse what is none of the choices.

    Raises:
        UsageError: It is none of them.
    """
    _check(got in choices, what, got, f"one of {', '.join(choices)}")


def _check(ok: bool, what: str, got: object, expected: str) -> None:
    if not ok:
        raise UsageError(f"{what} must be {expected}, got {cut(got)}")
