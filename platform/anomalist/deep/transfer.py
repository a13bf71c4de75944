"""From one set of columns to another: what was learned of the columns that both have goes along."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from anomalist.detector import check_parameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import nn

    from anomalist.detector import Ints

__all__ = ["carry_over", "positions"]


def positions(sources: Sequence[int | None], width: int) -> tuple[Ints, Ints]:
    """Where the shared columns are now, and where they were, shape (shared,) each.

    Args:
        sources: For each column from now on the number of the column that it was so far, or None for a new one.
        width: The number of columns so far.

    Raises:
        ParameterError: There are no columns, or a number is of no column.

    >>> positions([2, None, 0], 3)
    (array([0, 2]), array([2, 0]))
    """
    ok = len(sources) > 0 and all(source is None or 0 <= source < width for source in sources)
    check_parameter(ok, "sources", list(sources), f"column numbers from 0 to {width - 1}, or None, for each new column")
    shared = [(now, source) for now, source in enumerate(sources) if source is not None]
    now, before = np.array(shared, dtype=np.int64).reshape(-1, 2).T
    return now, before


def carry_over(old: nn.Module, new: nn.Module, sources: Sequence[int | None], along: Mapping[str, int]) -> None:
    """Put what `old` has learned into `new`, a network of the same shape but for the number of columns.

    Weights of shared columns move to their new places, those of new columns stay as `new` was made, and all others are
    copied. A column that is gone counts as if it always had its mean, since columns are centred.

    Args:
        old: The trained network.
        new: The network to change, fresh; its precision stays.
        sources: For each column of `new` the number of the column of `old`, or None.
        along: The parameters and buffers that have a place for each column, and in which dimension; what that dimension
            has beyond the columns is copied.

    Raises:
        ParameterError: The sources do not fit the columns of `old`.
    """
    learned, fresh = old.state_dict(), dict(new.state_dict())
    for name, value in learned.items():
        if name not in along:
            fresh[name] = value
            continue
        dim, width = along[name], len(sources)
        beyond = fresh[name].shape[dim] - width
        before_width = value.shape[dim] - beyond
        now, before = positions(sources, before_width)
        to = torch.from_numpy(np.concatenate([now, width + np.arange(beyond)]))
        place = torch.from_numpy(np.concatenate([before, before_width + np.arange(beyond)]))
        mixed = fresh[name].clone()
        mixed.index_copy_(dim, to, value.index_select(dim, place).to(mixed))
        fresh[name] = mixed
    new.load_state_dict(fresh)
