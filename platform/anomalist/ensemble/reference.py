"""Reference: what the rows that a model was fitted on were like, kept with it to tell later when they are no more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import polars as pl

from anomalist.data.aspects import COMMON_WORDS, aspects, common_words, numbered, present
from anomalist.data.encoding.text import TextCoder
from anomalist.data.summary import Levels, Numbers, Trail, restored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.data.aspects import Values
    from anomalist.data.dataset import Dataset
    from anomalist.data.encode import Encoder
    from anomalist.data.encoding.coder import Coder
    from anomalist.data.table import Table
    from anomalist.detector import Floats, State
    from anomalist.ensemble.model import Scores

__all__ = ["ColumnReference", "Reference"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnReference:
    """What one source column was like.

    Attributes:
        name: The source column.
        rows: How many rows there were.
        missing: How many of them had no value.
        memory: How many rows, in order, tell as much about missing values as one by itself.
        aspects: What is compared of its values, each with how it was distributed.
        words: The most frequent words of a text.
    """

    name: str
    rows: int
    missing: int
    memory: float
    aspects: Mapping[str, Numbers | Levels]
    words: tuple[str, ...] = ()

    def state(self) -> State:
        """Arrays and plain values that `from_state` needs."""
        return {
            "name": self.name,
            "rows": self.rows,
            "missing": self.missing,
            "memory": self.memory,
            "aspects": {name: summary.state() for name, summary in self.aspects.items()},
            "words": list(self.words),
        }

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The column that `state` was taken from."""
        return cls(
            name=state["name"],
            rows=int(state["rows"]),
            missing=int(state["missing"]),
            memory=float(state["memory"]),
            aspects={name: restored(summary) for name, summary in state["aspects"].items()},
            words=tuple(state["words"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """What the rows were like that a model was fitted on, and what it said of them; a few kilobytes a column.

    The order of the rows makes no difference, unless it is that of their time.

    Attributes:
        rows: How many rows there were.
        columns: One for each source column that is used, in source order.
        scores: Where their scores were, in bits.
        flagged: How many of them were flagged.
    """

    rows: int
    columns: tuple[ColumnReference, ...]
    scores: Numbers
    flagged: int

    @classmethod
    def fit(cls, encoder: Encoder, table: Table, data: Dataset, scores: Scores) -> Self:
        """Summarise training rows and their scores.

        Args:
            encoder: The fitted encoder.
            table: The rows.
            data: The same, encoded.
            scores: What the model says of them.
        """
        trail = Trail.of(data)
        return cls(
            rows=len(table),
            columns=tuple(_column(coder, encoder.column(table, coder.name), trail) for coder in encoder.coders),
            scores=_of_scores(scores, trail),
            flagged=int(scores.flagged.sum()),
        )

    def rescored(self, data: Dataset, scores: Scores) -> Self:
        """The same rows with other scores or another threshold; `data` are those rows, encoded."""
        return replace(self, scores=_of_scores(scores, Trail.of(data)), flagged=int(scores.flagged.sum()))

    def state(self) -> State:
        """Arrays and plain values that `from_state` needs."""
        return {
            "rows": self.rows,
            "columns": [column.state() for column in self.columns],
            "scores": self.scores.state(),
            "flagged": self.flagged,
        }

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The reference that `state` was taken from."""
        return cls(
            rows=int(state["rows"]),
            columns=tuple(ColumnReference.from_state(column) for column in state["columns"]),
            scores=Numbers(**state["scores"]),
            flagged=int(state["flagged"]),
        )


def _column(coder: Coder, series: pl.Series, trail: Trail | None) -> ColumnReference:
    gone = series.is_null()
    words, left = common_words(series) if isinstance(coder, TextCoder) else ((), gone)
    found = aspects(coder, series, words)
    memories = {name: _memory(trail, numbered(values)) for name, values in found.items()}
    if isinstance(coder, TextCoder):
        found[COMMON_WORDS] = found[COMMON_WORDS][left.to_numpy()]
    return ColumnReference(
        name=coder.name,
        rows=len(series),
        missing=int(gone.sum()),
        memory=_memory(trail, gone.cast(pl.Float64).to_numpy()),
        aspects={name: _summary(present(values), memories[name]) for name, values in found.items()},
        words=words,
    )


def _summary(values: Values, memory: float) -> Numbers | Levels:
    if isinstance(values, pl.Series):
        return Levels.fit(values, memory=memory)
    return Numbers.fit(values, memory=memory)


def _memory(trail: Trail | None, values: Floats) -> float:
    return 1.0 if trail is None else trail.memory(values)


def _of_scores(scores: Scores, trail: Trail | None) -> Numbers:
    return Numbers.fit(scores.score, memory=_memory(trail, scores.score))
