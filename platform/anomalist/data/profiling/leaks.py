"""Columns that tell the label too well: they may be known only after the fact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anomalist.data.encoding.numeric import floats
from anomalist.data.keys import as_text
from anomalist.data.roles import Role

if TYPE_CHECKING:
    from anomalist.detector import Floats, Ints

__all__ = ["leak"]

_AREA = 0.99
_FEW = 5
_PART = 0.1


def leak(series: pl.Series, role: Role, labels: Ints) -> str:
    """Why a column looks like a leak of the label, as a sentence without its name; empty where it does not.

    Args:
        series: The column, shape (rows,).
        role: What it is for.
        labels: 0 and 1, shape (rows,).
    """
    positive = int(labels.sum())
    if positive < _FEW or positive > len(labels) - _FEW:
        return ""
    if role == Role.NUMERIC:
        values = floats(series)
        present = ~np.isnan(values)
        area = _area(values[present], labels[present])
        if max(area, 1.0 - area) >= _AREA:
            return f"tells the label almost by itself (AUC-ROC {max(area, 1.0 - area):.3f}): is it known in advance?"
        return ""
    if role not in {Role.CATEGORICAL, Role.BOOLEAN}:
        return ""
    frame = pl.DataFrame({"level": as_text(series).fill_null("(missing)"), "label": labels})
    by_level = frame.group_by("level").agg(pl.len().alias("rows"), pl.col("label").sum().alias("hits"))
    by_level = by_level.filter(pl.col("rows") >= _FEW)
    pure = by_level.filter((pl.col("hits") == pl.col("rows")) | (pl.col("hits") == 0))
    if (
        by_level.height > 1
        and pure.height == by_level.height
        and int(pure.get_column("rows").sum()) >= 0.99 * len(labels)
    ):
        return "tells the label by itself: is it known in advance?"
    caught = by_level.filter(pl.col("hits") >= 0.95 * pl.col("rows")).sort(["hits", "level"], descending=[True, False])
    if (
        caught.height
        and positive < 0.5 * len(labels)
        and int(caught.get_column("hits")[0]) >= max(2 * _FEW, _PART * positive)
    ):
        level, rows, hits = caught.row(0)
        return f"is {level!r} in {rows} rows, of which {hits} are labelled anomalies: is it known in advance?"
    return ""


def _area(values: Floats, labels: Ints) -> float:
    """The area under the ROC curve of the values as they are; ties count half."""
    positive = int(labels.sum())
    negative = len(labels) - positive
    if not positive or not negative:
        return 0.5
    ranks = pl.Series(values).rank("average").to_numpy()
    return float((ranks[labels == 1].sum() - positive * (positive + 1) / 2) / (positive * negative))
