"""Free text: how long it is, what it is made of, and how rare its words are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import polars as pl

from anomalist.data.encoding.rarity import bits, gap
from anomalist.data.encoding.scale import Scale
from anomalist.data.keys import as_text, hash_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.detector import Floats

__all__ = ["TextCoder"]

_FEATURES = ("length", "words", "digits", "punctuation", "upper case", "rare words", "rarest word")
_BUCKETS = 1 << 14
_WEIGHT = 0.5  # seven columns together weigh less than two numbers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextCoder:
    """Seven robustly scaled numbers of a text, and a column for missing ones.

    Words are hashed into 16,384 buckets; the rarity of a word is `-log2(share of the training texts with its bucket)`.
    """

    kind: ClassVar[str] = "text"

    name: str
    scales: tuple[Scale, ...]
    rarity: Floats
    gap: float
    middle: int

    @classmethod
    def fit(cls, series: pl.Series, *, cap: float) -> Self:
        """Fit on a text column with at least one value."""
        text = as_text(series).drop_nulls()
        rows, buckets = _words(text)
        seen = np.unique(rows * _BUCKETS + buckets) % _BUCKETS
        texts_with = np.bincount(seen, minlength=_BUCKETS).astype(np.float64)
        rarity = bits(texts_with, len(text))
        numbers = _measure(text, rarity)
        scales = tuple(Scale.fit(column, cap=cap) for column in numbers.T)
        middle = int(np.median(text.str.len_chars().to_numpy()))
        return cls(
            name=series.name, scales=scales, rarity=rarity, gap=gap(series.null_count(), len(series)), middle=middle
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """`name:length`, `name:words`, and so on."""
        parts = tuple(f"{self.name}:{feature}" for feature in _FEATURES)
        return (*parts, f"{self.name}:missing") if self.gap else parts

    @property
    def baseline(self) -> tuple[float, ...]:
        """The median of each number."""
        return (0.0,) * len(self.columns)

    @property
    def typical(self) -> str:
        """How long a text usually is: no text is typical."""
        return f"about {self.middle} characters"

    def write(self, series: pl.Series, out: Floats) -> None:
        """Measure each text; a missing one is at the median of all."""
        text = as_text(series)
        missing = text.is_null().to_numpy()
        numbers = _measure(text.fill_null(""), self.rarity)
        for i, scale in enumerate(self.scales):
            out[:, i] = scale.apply(np.ascontiguousarray(numbers[:, i])) * _WEIGHT
        out[missing, : len(self.scales)] = 0.0
        if self.gap:
            out[:, -1] = missing * self.gap

    def state(self) -> tuple[dict[str, Any], dict[str, Floats]]:
        """The scales as plain values, the rarities as an array."""
        plain = {"name": self.name, "scales": [scale.state() for scale in self.scales], "gap": self.gap}
        return {**plain, "middle": self.middle}, {"rarity": self.rarity}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Self:
        """Restore a fitted coder."""
        return cls(
            name=state["name"],
            scales=tuple(Scale.from_state(scale) for scale in state["scales"]),
            rarity=np.asarray(arrays["rarity"], dtype=np.float64),
            gap=float(state["gap"]),
            middle=int(state["middle"]),
        )


def _measure(text: pl.Series, rarity: Floats) -> Floats:
    """The seven numbers of each text, float64, shape (rows, 7)."""
    length = text.str.len_chars().to_numpy().astype(np.float64)
    rows, buckets = _words(text)
    words = np.bincount(rows, minlength=len(text)).astype(np.float64)
    total = np.bincount(rows, weights=rarity[buckets], minlength=len(text))
    rarest = np.zeros(len(text))
    np.maximum.at(rarest, rows, rarity[buckets])
    shares = [text.str.count_matches(pattern).to_numpy() / np.maximum(length, 1.0) for pattern in _CLASSES]
    return np.column_stack([_log(length), _log(words), *shares, total / np.maximum(words, 1.0), rarest])


_CLASSES = (r"\p{Nd}", r"[\p{P}\p{S}]", r"\p{Lu}")


def _words(text: pl.Series) -> tuple[np.ndarray[Any, np.dtype[np.int64]], np.ndarray[Any, np.dtype[np.int64]]]:
    """The row and the bucket of every word of every text, in order."""
    frame = pl.DataFrame({"row": pl.int_range(len(text), eager=True), "word": text.str.to_lowercase()})
    words = frame.with_columns(pl.col("word").str.extract_all(r"[\p{L}\p{N}]+")).explode("word").drop_nulls()
    levels = words.get_column("word").unique()
    buckets = pl.DataFrame({"word": levels, "bucket": (hash_text(levels) % np.uint64(_BUCKETS)).astype(np.int64)})
    found = words.join(buckets, on="word", how="left", maintain_order="left")
    return found.get_column("row").to_numpy().astype(np.int64), found.get_column("bucket").to_numpy()


def _log(values: Floats) -> Floats:
    logs: Floats = np.log2(1.0 + values)
    return logs
