"""Progress: what a long use-case tells whoever waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from anomalist.engine.fitting.report import MemberReport

__all__ = ["Progress", "Silent"]


class Progress(Protocol):
    """Hears how a use-case goes on."""

    def stage(self, name: str, /) -> None:
        """A new stage begins."""
        ...

    def members(self, names: list[str], /) -> None:
        """These members are about to be fitted."""
        ...

    def member(self, report: MemberReport, /) -> None:
        """One member has ended."""
        ...


class Silent:
    """Tells nobody."""

    def stage(self, name: str, /) -> None:
        """Ignore it."""

    def members(self, names: list[str], /) -> None:
        """Ignore them."""

    def member(self, report: MemberReport, /) -> None:
        """Ignore it."""
