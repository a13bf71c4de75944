"""Frames of polars and of pandas as frames of polars; pandas is not imported for it."""

from __future__ import annotations

from typing import Any

import polars as pl

from anomalist.data.tidy import from_objects
from anomalist.errors import DataError

__all__ = ["as_polars"]


def as_polars(frame: Any, source: str) -> pl.DataFrame:
    """A polars frame as it is, a pandas frame column by column.

    Raises:
        DataError: It is neither, or two columns have the same name.
    """
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if type(frame).__module__.partition(".")[0] != "pandas" or not hasattr(frame, "columns"):
        raise DataError(f"{source}: a polars or pandas DataFrame is needed, got {type(frame).__name__}")
    names = [str(name) for name in frame.columns]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise DataError(f"{source}: column {repeated!r} appears {names.count(repeated)} times: rename one")
    return pl.DataFrame([_from_pandas(frame.iloc[:, i], name) for i, name in enumerate(names)])


def _from_pandas(column: Any, name: str) -> pl.Series:
    """A pandas column through numpy where that is exact, so that pyarrow is not needed; mixed objects become text."""
    kind = str(column.dtype)
    if kind in {"bool", "float64", "float32", "int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64"}:
        return pl.Series(name, column.to_numpy(), nan_to_null=True)
    if kind.startswith("datetime64"):
        if column.dt.tz is None:
            return pl.Series(name, column.to_numpy().astype("datetime64[us]"))
        naive = column.dt.tz_convert("UTC").dt.tz_localize(None)
        return pl.Series(name, naive.to_numpy().astype("datetime64[us]")).dt.replace_time_zone("UTC")
    missing = column.isna().to_numpy()
    return from_objects(name, [None if gone else value for value, gone in zip(column.tolist(), missing, strict=True)])
