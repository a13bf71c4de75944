"""How rare a value is, on the scale of the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from anomalist.detector import Floats

__all__ = ["bits", "gap", "rarities"]

_BITS = 3.0  # so many bits count as one standard deviation: 10 bits, one row in a thousand, as 3.3
_TWO = 0.7  # how far the two levels of a column lie apart at least, so that its one column counts like those of many


def bits(counts: Floats, rows: int) -> Floats:
    """The rarity `-log2(share)` of values that were seen so often among so many rows; half a row for none."""
    rarity: Floats = -np.log2((counts + 0.5) / (rows + 1.0))
    return rarity


def rarities(counts: Floats, rows: int) -> Floats:
    """The scaled rarity of each level, and at the end that of a level never seen.

    Of two levels the frequent one is at 0 and the other as far out as it is rare. More levels are centred at the median
    row, and brought closer together where the rows differ much in rarity.

    Args:
        counts: How many rows each level has, shape (levels,); the most frequent of two first.
        rows: How many there are; those beyond the counts hold a level that was not kept, and count as never seen.
    """
    rarity, sizes = bits(np.append(counts, 0.0), rows), np.append(counts, rows - counts.sum())
    if len(counts) == 2 and not sizes[-1]:
        scaled: Floats = (rarity - rarity[0]) / _BITS
        scaled[1:] = np.maximum(scaled[1:], _TWO)
        return scaled
    low, middle, high = np.quantile(np.repeat(rarity, sizes.astype(np.int64)), [0.25, 0.5, 0.75])
    centred: Floats = (rarity - float(middle)) / max(_BITS, float(high - low) / 1.349)
    return centred


def gap(missing: int, rows: int) -> float:
    """What the column that says `missing` holds where one is: further from 0 the rarer, 0 where none ever was."""
    if not missing:
        return 0.0
    counts = np.array(sorted([missing, rows - missing], reverse=True), dtype=np.float64)
    return float(rarities(counts, rows)[1])
