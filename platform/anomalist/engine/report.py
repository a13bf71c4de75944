"""How one detector of a panel fared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from anomalist.errors import AnomalistError
from anomalist.plugins import lines
from anomalist.plugins.manager import BUNDLED

if TYPE_CHECKING:
    from anomalist.engine.panel import Seat

__all__ = ["MemberReport", "MemberStatus", "blamed", "one_line"]

_LONGEST = 4000  # characters of a line, which may name what is wrong with every member of a panel

MemberStatus = Literal["done", "failed", "timed_out", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberReport:
    """How one detector of a panel fared.

    Attributes:
        seat: Its place in the panel.
        status: `done`, `failed`, `timed_out`, or `skipped` where it does not apply to the data.
        seconds: Wall time of fitting and scoring.
        error: What went wrong, one line.
        notes: What it wants said about its fit.
    """

    seat: Seat
    status: MemberStatus
    seconds: float = 0.0
    error: str | None = None
    notes: tuple[str, ...] = ()


def one_line(error: BaseException | None) -> str:
    """An error as one line, whatever a plugin made of it; the kind of error is named unless it is one of ours."""
    if not isinstance(error, AnomalistError):
        return "" if error is None else lines.one_line(error)
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - an error of ours may be of a class that a plugin made of it
        return lines.one_line(error)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


def blamed(seat: Seat, error: BaseException | str | None) -> str:
    """What went wrong with a detector in one line, which names the package where it is somebody else's."""
    line = error if isinstance(error, str) else one_line(error)
    return line if seat.package == BUNDLED or seat.package in line else f"package {seat.package}: {line}"
