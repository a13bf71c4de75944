"""How the rows lie in time: their span, their usual step, and the gaps between them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.data.encoding.order import EntityCoder, TimeCoder
from anomalist.data.words import counted

if TYPE_CHECKING:
    import polars as pl

__all__ = ["TimeProfile", "duration", "profile_time"]

_GAP = 3.0
_UNITS = ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeProfile:
    """The time of the rows, steps taken within each entity.

    Attributes:
        column: The time column.
        first: The earliest time as written; `last` the latest.
        last: The latest time as written.
        span: Seconds between them.
        step: The median number of seconds from one row of an entity to its next; 0 with fewer than two rows each.
        regular: The share of steps within 1 % of the median one.
        gaps: How many steps are longer than three median ones.
        longest_gap: Seconds of the longest of these, 0 where there is none.
        repeated: How many rows have the time of another row of their entity.
        ordered: Whether the rows already stand in order of time.
        entities: How many entities there are.
    """

    column: str
    first: str
    last: str
    span: float
    step: float
    regular: float
    gaps: int
    longest_gap: float
    repeated: int
    ordered: bool
    entities: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    def worries(self) -> list[str]:
        """What to worry about, in sentences."""
        found = []
        if not self.ordered:
            found.append(f"the rows are not in order of {self.column!r}: they will be sorted by it")
        if self.repeated:
            rows = counted(self.repeated, "row")
            found.append(f"{rows} with the {self.column!r} of another row: name the entity column?")
        if self.gaps:
            gap, step = duration(self.longest_gap), duration(self.step)
            gaps = counted(self.gaps, "gap")
            found.append(f"time has {gaps}, the longest of {gap} where {step} is usual: no window spans one")
        return found


def profile_time(time: pl.Series, entity: pl.Series | None, *, source: str) -> TimeProfile:
    """Describe a time column without missing values, within the entities of another column."""
    seconds = TimeCoder.fit(time).read(time, source=source)
    codes = np.zeros(len(time), dtype=np.int64) if entity is None else EntityCoder.fit(entity).read(entity)
    order = np.lexsort((seconds, codes))
    steps = np.diff(seconds[order])[np.diff(codes[order]) == 0]
    forward = steps[steps > 0]
    step = float(np.median(forward)) if forward.size else 0.0
    gaps = forward[forward > _GAP * step]
    return TimeProfile(
        column=time.name,
        first=str(time[int(np.argmin(seconds))]),
        last=str(time[int(np.argmax(seconds))]),
        span=float(seconds.max() - seconds.min()),
        step=step,
        regular=float(np.mean(np.abs(forward - step) <= 0.01 * step)) if forward.size else 0.0,
        gaps=int(gaps.size),
        longest_gap=float(gaps.max()) if gaps.size else 0.0,
        repeated=int((steps == 0).sum()),
        ordered=bool((np.diff(seconds) >= 0).all()) if entity is None else _ordered(seconds, codes),
        entities=int(codes.max()) + 1,
    )


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> duration(5400), duration(60), duration(0.25)
    ('1.5 hours', '1 minute', '0.25 seconds')
    """
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), (1.0, "second"))
    number = f"{seconds / size:.3g}"
    return f"{number} {unit}" if number == "1" else f"{number} {unit}s"


def _ordered(seconds: np.ndarray[Any, Any], codes: np.ndarray[Any, Any]) -> bool:
    """Whether the rows of each entity stand in order."""
    order = np.argsort(codes, kind="stable")
    same = np.diff(codes[order]) == 0
    return bool((np.diff(seconds[order])[same] >= 0).all())
