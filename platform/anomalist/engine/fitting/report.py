"""How one detector of a panel fared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from anomalist.errors import one_line
from anomalist.plugins.manager import BUNDLED

if TYPE_CHECKING:
    from anomalist.engine.fitting.panel import Seat

__all__ = ["MemberReport", "MemberStatus", "blamed"]

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


def blamed(seat: Seat, error: BaseException | str | None) -> str:
    """What went wrong with a detector in one line, which names the package where it is somebody else's."""
    line = one_line(error) if isinstance(error, BaseException) else error or ""
    return line if seat.package == BUNDLED or seat.package in line else f"package {seat.package}: {line}"
