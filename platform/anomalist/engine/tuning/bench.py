"""Bench: fits a detector on some rows and judges it on others, in its own time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anomalist.engine.execution.executor import Threads
from anomalist.engine.fitting.panel import arranged, seats
from anomalist.engine.fitting.report import blamed
from anomalist.ensemble.member import raw_scores, training_view, view_of
from anomalist.errors import AnomalistError, DetectorError, DetectorTimeoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.data.dataset import Dataset
    from anomalist.data.series import SeriesCheck
    from anomalist.data.windows import Windower
    from anomalist.detector import Detector, Floats, Ints
    from anomalist.engine.fitting.panel import Seat
    from anomalist.engine.tuning.trial import Limits
    from anomalist.plugins.registry import Registry

__all__ = ["Bench", "Clock"]

_SHORTEST = 0.05  # seconds: a fit is not begun with less


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How much time is left.

    Attributes:
        end: On the clock of `time.monotonic`; None for no limit.
    """

    end: float | None

    @classmethod
    def of(cls, seconds: float | None) -> Clock:
        """A clock that begins to run now."""
        return cls(end=None if seconds is None else time.monotonic() + seconds)

    @property
    def left(self) -> float | None:
        """Seconds that are left, none below 0; None for no limit."""
        return None if self.end is None else max(0.0, self.end - time.monotonic())

    def within(self, timeout: float | None) -> float | None:
        """The smaller of a limit and what is left; None for neither."""
        limits = [limit for limit in (self.left, timeout) if limit is not None]
        return max(_SHORTEST, min(limits)) if limits else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bench:
    """What detectors are fitted and judged on.

    Attributes:
        registry: Builds detectors.
        data: All rows, encoded as the rows that are searched on taught.
        windower: Cuts ordered rows into windows, fitted on the rows that are searched on; None where rows have no time.
        series: Whether these rows are a series; None likewise.
        limits: What one fit may take; of these the time is kept to here, the memory where detectors are built.
        seed: Given to each detector that takes one.
        device: Likewise.
    """

    registry: Registry
    data: Dataset
    windower: Windower | None
    series: SeriesCheck | None
    limits: Limits
    seed: int
    device: str

    def seat(self, line: str) -> Seat:
        """A new detector, with what it will see of the rows.

        Raises:
            AnomalistError: It cannot be built, or not for these rows.
        """
        timed = self.windower is not None
        (seat,) = seats(self.registry, panel="", chosen=(line,), seed=self.seed, device=self.device, timed=timed)
        seat = arranged(seat, self.series)
        if seat.obstacle is not None:
            raise DetectorError(blamed(seat, seat.obstacle))
        return seat

    def scores(self, line: str, rows: Ints, papers: Sequence[Dataset], clock: Clock) -> list[Floats]:
        """Fit a new detector on these rows and score each paper, shape (rows of the paper,).

        Raises:
            DetectorError: It failed, whatever it raised; one line names it where it is somebody else's.
            DetectorTimeoutError: It took too long.
        """
        try:
            seat = self.seat(line)
        except AnomalistError as error:
            raise DetectorError(str(error)) from error
        assert seat.detector is not None
        work = _Work(bench=self, seat=seat, rows=rows, papers=papers)
        (outcome,) = Threads(timeout=clock.within(self.limits.timeout)).outcomes(_Work.scores, [work])
        if outcome.result is not None:
            return outcome.result
        kind = DetectorTimeoutError if isinstance(outcome.error, DetectorTimeoutError) else DetectorError
        raise kind(blamed(seat, outcome.error)) from outcome.error


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Work:
    """One fit, as the executor takes it."""

    bench: Bench
    seat: Seat
    rows: Ints
    papers: Sequence[Dataset]

    @property
    def name(self) -> str:
        return self.seat.name

    @property
    def detector(self) -> Detector | None:
        return self.seat.detector

    def scores(self) -> list[Floats]:
        bench, detector, view = self.bench, self.seat.detector, self.seat.view
        assert detector is not None
        training, _ = training_view(view, bench.data.take(self.rows), bench.windower, seed=bench.seed)
        detector.fit(training)
        return [raw_scores(detector, view_of(view, paper, bench.windower)) for paper in self.papers]
