"""Splits: rows that are searched on, in folds, and rows that no trial sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anomalist.errors import DataError

if TYPE_CHECKING:
    from anomalist.detector import Floats, Ints
    from anomalist.engine.evaluation.labels import Labels

__all__ = ["FEWEST", "FOLDS", "HELD_OUT", "HELD_OUT_FEWEST", "Fold", "check_labels", "folds_of", "held_out"]

FOLDS = 3
HELD_OUT = 0.3
FEWEST = 10
"""So many anomalies, and so many normal rows, it takes to search with labels."""

HELD_OUT_FEWEST = 3
"""So many of each it takes among the rows that are held out."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fold:
    """Numbers of rows to fit on, and of rows to be judged by."""

    fit: Ints
    judge: Ints


def check_labels(labels: Labels) -> None:
    """Refuse labels that are too few to judge by.

    Raises:
        DataError: There are fewer than ten anomalies, or than ten normal rows.
    """
    anomalies = int(labels.values.sum())
    normal = labels.values.size - anomalies
    if min(anomalies, normal) < FEWEST:
        raise DataError(
            f"{labels.where}: {FEWEST} anomalies and {FEWEST} normal rows are needed to search by, got {anomalies:,} "
            f"and {normal:,}; label more, or search unsupervised"
        )


def held_out(rows: int, *, strata: Ints, time: Floats | None, seed: int) -> tuple[Ints, Ints]:
    """Numbers of the rows to search on and of those to hold out: the latest three tenths where rows have a time.

    Without one they are drawn, as many of each of the strata, which has shape (rows,).
    """
    if time is not None:
        order = np.argsort(time, kind="stable")
        cut = rows - round(HELD_OUT * rows)
        return np.sort(order[:cut]), np.sort(order[cut:])
    rng, chosen = np.random.default_rng(seed), np.zeros(rows, dtype=np.bool_)
    for stratum in np.unique(strata):
        members = rng.permutation(np.flatnonzero(strata == stratum))
        chosen[members[: round(HELD_OUT * members.size)]] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def folds_of(rows: Ints, *, strata: Ints, time: Floats | None, seed: int) -> tuple[Fold, ...]:
    """Cut rows into folds: blocks of time where they have one, else drawn with as many of each stratum in each.

    Args:
        rows: The numbers of the rows to cut.
        strata: Of these rows, the same shape.
        time: Of these rows, the same shape; None where they have none.
        seed: Of the draws.
    """
    fold = np.empty(rows.size, dtype=np.int64)
    if time is not None:
        fold[np.argsort(time, kind="stable")] = np.arange(rows.size) * FOLDS // rows.size
    else:
        rng, dealt = np.random.default_rng(seed + 1), 0
        for stratum in np.unique(strata):
            members = rng.permutation(np.flatnonzero(strata == stratum))
            fold[members] = (np.arange(members.size) + dealt) % FOLDS
            dealt += members.size
    return tuple(Fold(fit=rows[fold != i], judge=rows[fold == i]) for i in range(FOLDS))
