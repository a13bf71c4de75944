"""Ordered rows to windows, and the scores of windows back to rows.

A detector of windows is trained on a bounded sample and scores in blocks; a detector of rows takes the statistics of
the windows. Either way a row gets the mean over the windows that cover it.

>>> import numpy as np
>>> from dataclasses import replace
>>> from anomalist.data.dataset import Dataset
>>> rows = np.sin(np.arange(1000.0))[:, None]
>>> rows[500] = 3.0
>>> data = replace(Dataset.from_array(rows, ["heat"]), time=np.arange(1000.0))
>>> windower = Windower.fit(data)
>>> windows = windower.windows(data)
>>> windows.dataset.values.shape
(243, 32, 1)
>>> table = windower.statistics(windows)
>>> table.columns[:3]
('heat:mean', 'heat:std', 'heat:min')
>>> scores = windows.to_rows(np.abs(table.values).max(axis=1))
>>> scores.shape, bool(abs(int(scores.argmax()) - 500) < windower.length)
((1000,), True)
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from anomalist.data.dataset import Dataset
from anomalist.data.ordering import cut, entity_codes, entity_numbers, times, typical_steps
from anomalist.data.scaling import normalise, robust_scaling
from anomalist.data.series import window_length
from anomalist.data.statistics import STATISTICS, describe
from anomalist.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anomalist.detector import Bools, Floats, Ints, State

__all__ = ["Windower", "Windows"]

FEWEST = 8  # an entity with fewer training rows than this says too little about its own scale
COVER = 8  # windows that a row lies in, ends of segments apart
SAMPLE = 20_000  # the most windows whose statistics are scaled by
BLOCK = 1 << 22  # the most numbers of windows that are laid out in memory at once, 16 MiB as float32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windows:
    """The windows over ordered rows; they are laid out in memory only when asked for.

    Attributes:
        series: The normalised rows in order, with padding where a segment is shorter than a window; float32, shape
            (steps, columns).
        rows: The row of the data that each step is, -1 for padding, shape (steps,).
        starts: The step at which each window starts, ascending, shape (windows,).
        length: The steps of a window.
        size: The number of rows of the data.
        available: How many windows there are, those among them that a limit left out.
        columns: The name of each column.
        origins: The source column of each column.
    """

    series: Floats
    rows: Ints
    starts: Ints
    length: int
    size: int
    available: int
    columns: tuple[str, ...]
    origins: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def dataset(self) -> Dataset:
        """All windows at once, values of shape (windows, length, columns): C-contiguous, a copy of their own.

        That is up to `length` times the memory of the rows: meant for training on a limited number of windows. Score
        long series by `blocks`.
        """
        return self._lay_out(self.starts)

    def blocks(self, size: int | None = None) -> Iterator[Dataset]:
        """The windows in order, `size` at a time; by default as many as fit in 16 MiB."""
        step = size or max(1, BLOCK // (self.length * self.series.shape[1]))
        for first in range(0, len(self.starts), step):
            yield self._lay_out(self.starts[first : first + step])

    def _lay_out(self, starts: Ints) -> Dataset:
        values = self.series[starts[:, None] + np.arange(self.length)]
        return Dataset(values=values, columns=self.columns, origins=self.origins)

    def to_rows(self, scores: Floats) -> Floats:
        """Give each row the mean over the windows that cover it, in the order in which the rows came.

        Args:
            scores: One number a window, shape (windows,), or several, shape (windows, k).

        Returns:
            float64, shape (rows,) or (rows, k).

        Raises:
            DataError: The number of scores is not the number of windows, or a row is in no window because the windows
                were limited to a sample.
        """
        if len(scores) != len(self.starts):
            raise DataError(f"one score a window is needed: {len(self.starts)} windows, got {len(scores)} scores")
        total = np.zeros((len(self.rows), *scores.shape[1:]), dtype=np.float64)
        count = np.zeros(len(self.rows), dtype=np.int64)
        for offset in range(self.length):  # no two windows start at one step, so none is lost in the addition
            total[self.starts + offset] += scores
            count[self.starts + offset] += 1
        real = self.rows >= 0
        if not count[real].all():
            raise DataError(f"{int((count[real] == 0).sum())} rows are in no window: score all windows, not a sample")
        total, count = total[real], count[real]
        out = np.empty((self.size, *scores.shape[1:]), dtype=np.float64)
        out[self.rows[real]] = total / count.reshape(-1, *(1,) * (total.ndim - 1))
        return out

    def covering(self, rows: Bools) -> Bools:
        """Which windows hold one of the chosen rows, shape (windows,); `rows` is bool, shape (rows,)."""
        chosen = np.append(rows, False)[self.rows]  # padding, numbered -1, finds the appended False
        before = np.concatenate([[0], np.cumsum(chosen)])
        found: Bools = before[self.starts + self.length] > before[self.starts]
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windower:
    """Cuts ordered rows into windows, as it was fitted on the training rows; stored with the model.

    Rows may come in any order: they are put in order per entity by time (equal times stay as they came). A window never
    crosses entities, nor a gap: a time step longer than 10 typical steps, where the typical step is the 0.9 quantile of
    the entity's training steps. A segment shorter than a window is padded at its start by repeating its first row.

    Columns are normalised per entity by median and quartiles of its training rows (the standard deviation where the
    quartiles coincide) and clipped at 20; an entity not seen in training, or with fewer than 8 rows, takes the scaling
    of all training rows.

    Windows start an eighth of their length apart, and one ends at the last row of each segment, so that every row is
    covered, by eight windows inside a segment. Windows one step apart would cost much more and tell less: they are
    nearly copies of each other, and a detector that looks for neighbours would find those.

    Attributes:
        length: The steps of a window.
        entities: The codes of the entities fitted on, sorted; `[0]` where there is only one, shape (entities,).
        steps: The typical time step of each entity in seconds and last the pooled one, shape (entities + 1,).
        centres: What is subtracted from the rows of each entity and last of any other, shape (entities + 1, columns).
        scales: What they are then divided by, the same shape.
        middle: The median of each window statistic over training windows, shape (columns x 10,).
        spread: Its scale, the same shape.
    """

    length: int
    entities: Ints
    steps: Floats
    centres: Floats
    scales: Floats
    middle: Floats
    spread: Floats

    @property
    def stride(self) -> int:
        """The steps between the starts of windows."""
        return max(1, self.length // COVER)

    @classmethod
    def fit(cls, data: Dataset, *, length: int | None = None) -> Self:
        """Learn the length, the gaps and the scales from training rows.

        Without a `length` it is the lag of the highest peak of the columns' mean autocorrelation, clipped to 32..128
        (at most 64 above 2 columns, 32 above 20); 64 where there is no such peak; and never more than a quarter of the
        segment that the typical row lies in, down to 4.

        Args:
            data: Rows with time, values of shape (rows, columns).
            length: The steps of a window, at least 2.

        Raises:
            DataError: There are no rows, or they have no time.
            UsageError: The length is less than 2.
        """
        if length is not None and length < 2:
            raise UsageError(f"a window needs at least 2 rows, got a length of {length}")
        times(data)
        entities = entity_codes(data)
        steps = typical_steps(data, entities, FEWEST)
        centres, scales = robust_scaling(data.values, entity_numbers(data, entities), len(entities), FEWEST)
        if length is None:
            length = window_length(data.values, cut(data, entities, steps))
        width = data.width * len(STATISTICS)
        plain = cls(
            length=length,
            entities=entities,
            steps=steps,
            centres=centres,
            scales=scales,
            middle=np.zeros(width, dtype=np.float32),
            spread=np.ones(width, dtype=np.float32),
        )
        found = plain.statistics(plain.windows(data, limit=SAMPLE)).values
        middle, spread = robust_scaling(found, np.zeros(len(found), dtype=np.int64), 1, 1)
        return replace(plain, middle=middle[-1], spread=spread[-1])

    def windows(self, data: Dataset, *, limit: int | None = None, seed: int = 0) -> Windows:
        """Cut rows into windows.

        Args:
            data: Rows with time, values of shape (rows, columns), in any order.
            limit: The most windows; more are sampled down to it, evenly at random.
            seed: Decides which.

        Raises:
            DataError: There are no rows, or they have no time.
            SchemaMismatchError: The number of columns is not the one fitted on.
        """
        data.check_width(self.centres.shape[1])
        segments = cut(data, self.entities, self.steps)
        long = np.maximum(segments.sizes, self.length)
        first = np.cumsum(long) - long
        segment = np.repeat(np.arange(len(long)), long)
        place = np.arange(len(segment)) - first[segment] - (long - segments.sizes)[segment]
        rows = segments.order[segments.starts[segment] + np.maximum(place, 0)]
        series = data.values[rows]
        who = 0 if len(self.centres) == 2 and data.entity is None else segments.entity[segment]
        normalise(series, self.centres[who], self.scales[who])
        starts = _starts(first, long, self.length, self.stride)
        available = len(starts)
        if limit is not None and len(starts) > limit:
            starts = np.sort(np.random.default_rng(seed).choice(starts, limit, replace=False))
        return Windows(
            series=series,
            rows=np.where(place >= 0, rows, -1),
            starts=starts,
            length=self.length,
            size=len(data),
            available=available,
            columns=data.columns,
            origins=data.origins,
        )

    def statistics(self, windows: Windows) -> Dataset:
        """Ten statistics a column and window, as rows for any detector of rows.

        They are standardised by median and quartiles of the training windows and clipped at 20, so 0 is the typical
        value of each. Give the scores back to the rows by `windows.to_rows`.

        Returns:
            Values of shape (windows, columns x 10), called `column:statistic`, each with the origin of its column.
        """
        values = np.empty((len(windows), len(self.middle)), dtype=np.float32)
        done = 0
        for block in windows.blocks():
            values[done : done + len(block)] = describe(block.values)
            done += len(block)
        normalise(values, self.middle, self.spread)
        return Dataset(
            values=values,
            columns=tuple(f"{column}:{name}" for column in windows.columns for name in STATISTICS),
            origins=tuple(origin for origin in windows.origins for _ in STATISTICS),
        )

    def state(self) -> State:
        """What `from_state` needs: arrays and whole numbers."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The windower that gave this state."""
        return cls(**state)


def _starts(first: Ints, sizes: Ints, length: int, stride: int) -> Ints:
    """The steps at which windows start: every stride from the start of each segment, and one that ends there."""
    last = sizes - length
    count = -(-last // stride) + 1
    segment = np.repeat(np.arange(len(first)), count)
    turn = np.arange(len(segment)) - (np.cumsum(count) - count)[segment]
    starts: Ints = first[segment] + np.minimum(turn * stride, last[segment])
    return starts
