"""What the encoding of one source column can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from anomalist.detector import Floats

__all__ = ["Coder"]


class Coder(Protocol):
    """The fitted encoding of one source column into one or more encoded ones."""

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """The source column."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the encoded columns."""
        ...

    @property
    def baseline(self) -> tuple[float, ...]:
        """The encoded columns of a typical value."""
        ...

    @property
    def typical(self) -> str | float | bool:
        """A typical value, for people."""
        ...

    def write(self, series: pl.Series, out: Floats) -> None:
        """Encode a column typed as the one fitted on into `out`, shape (rows, columns): finite, each row by itself."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, Floats]]:
        """Plain JSON values, and arrays."""
        ...

    @classmethod
    def from_state(cls, state: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Self:
        """Restore a fitted coder."""
        ...
