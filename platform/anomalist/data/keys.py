"""Content hashes of rows: the same everywhere, whatever the order, the chunks or the number types."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anomalist.data.dates import to_naive

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["as_text", "content_keys", "hash_rows", "hash_text"]

_BLOCK = 1 << 16
_LONGEST = 1 << 12
_U64 = np.uint64


def hash_rows(frame: pl.DataFrame, columns: Iterable[str]) -> NDArray[np.uint64]:
    """A 64-bit hash of each row over the named columns, shape (rows,).

    The order of columns does not matter, a missing value counts as if its column were not there, whole numbers hash
    alike as integers, floats, booleans and digits, and nothing depends on the version of a library or on the machine.
    """
    total = np.zeros(frame.height, dtype=_U64)
    for name in columns:
        salt = _U64(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little"))
        series = frame.get_column(name)
        if series.dtype == pl.String:
            _add_text(total, series, salt)
        else:
            _add_numbers(total, _numbers(series), salt)
    return total


def content_keys(frame: pl.DataFrame, columns: Iterable[str]) -> pl.Series:
    """A unique key for each row: 16 hex digits of its hash, then `-2`, `-3`, ... for the later ones of equal rows."""
    hashes = hash_rows(frame, columns)
    digits = np.frombuffer(hashes.astype(">u8").tobytes().hex().encode(), dtype="S16").astype("U16")
    keys = pl.DataFrame({"key": pl.Series(digits, dtype=pl.String), "hash": hashes})
    if keys.get_column("hash").n_unique() < frame.height:
        nth = pl.int_range(1, pl.len() + 1).over("hash")
        tail = pl.when(nth > 1).then(pl.format("-{}", nth)).otherwise(pl.lit(""))
        keys = keys.with_columns((pl.col("key") + tail).alias("key"))
    return keys.get_column("key")


def hash_text(text: pl.Series) -> NDArray[np.uint64]:
    """A 64-bit hash of each string, shape (rows,), without Python per row; missing values are not allowed.

    Each byte is multiplied by a random odd number that belongs to its position, and the sum is mixed. A string of more
    than 4,096 bytes is first replaced by its start and its BLAKE2 digest, one by one: such strings are rare.
    """
    sizes = text.str.len_bytes().to_numpy().astype(np.int64)
    hashes = np.empty(len(text), dtype=_U64)
    for first in range(0, len(text), _BLOCK):
        part, size = text.slice(first, _BLOCK), sizes[first : first + _BLOCK]
        if size.size and size.max() > _LONGEST:
            part = pl.Series([_shorten(value) for value in part], dtype=pl.String)
            size = part.str.len_bytes().to_numpy().astype(np.int64)
        data = np.frombuffer("".join(part.to_list()).encode(), dtype=np.uint8)
        starts = np.cumsum(size) - size
        weighted = np.zeros(data.size + 1, dtype=_U64)  # one more, where an empty last string starts
        weighted[:-1] = (data.astype(_U64) + _U64(1)) * _WEIGHTS[np.arange(data.size) - np.repeat(starts, size)]
        sums = np.add.reduceat(weighted, starts) if size.size else np.zeros(0, dtype=_U64)
        sums[size == 0] = 0
        hashes[first : first + _BLOCK] = _mix(sums + size.astype(_U64))
    return hashes


def as_text(series: pl.Series) -> pl.Series:
    """Values as text that does not depend on how numbers are stored: 5, 5.0 and `5` are all `5`."""
    if series.dtype == pl.Boolean:
        return series.cast(pl.Int8).cast(pl.String)
    if series.dtype.is_float():
        whole = series.is_finite() & (series == series.round()) & (series.abs() < 2**53)
        rounded = series.zip_with(whole.fill_null(value=False), pl.Series([0.0], dtype=series.dtype))
        return series.cast(pl.String).zip_with(~whole.fill_null(value=False), rounded.cast(pl.Int64).cast(pl.String))
    return series.cast(pl.String)


def _numbers(series: pl.Series) -> NDArray[np.float64]:
    """Values as float64, NaN where missing; dates as seconds since 1970."""
    if series.dtype.is_temporal():
        series = to_naive(series).dt.timestamp("us").cast(pl.Float64) * 1e-6
    return series.cast(pl.Float64).to_numpy()  # which makes NaN of a missing value


def _add_text(total: NDArray[np.uint64], series: pl.Series, salt: np.uint64) -> None:
    """Digits count as the number they are, so that a column keeps its hashes when a small file reads as numbers."""
    levels = series.unique()
    present = levels.drop_nulls()
    if present.is_empty():
        return
    as_numbers = present.cast(pl.Float64, strict=False)
    hashes = np.where(
        as_numbers.is_finite().fill_null(value=False).to_numpy(),
        _mix(_bits(as_numbers.fill_null(0.0).to_numpy()) ^ salt),
        _mix(hash_text(present) ^ salt),
    )
    table = pl.DataFrame({"level": present, "hash": hashes})
    found = pl.DataFrame({"level": series}).join(table, on="level", how="left", maintain_order="left")
    total += found.get_column("hash").fill_null(0).to_numpy()


def _add_numbers(total: NDArray[np.uint64], values: NDArray[np.float64], salt: np.uint64) -> None:
    for first in range(0, values.size, _BLOCK):
        part = values[first : first + _BLOCK]
        hashes = _mix(_bits(part) ^ salt)
        hashes[np.isnan(part)] = 0
        total[first : first + _BLOCK] += hashes


def _bits(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    return (values + 0.0).view(_U64)  # adding 0.0 makes -0.0 and 0.0 one


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014): every bit of the input moves every bit of the output."""
    bits = bits + _U64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> _U64(30))) * _U64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> _U64(27))) * _U64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = bits ^ (bits >> _U64(31))
    return mixed


def _shorten(value: str) -> str:
    data = value.encode()
    if len(data) <= _LONGEST:
        return value
    return value[:512] + hashlib.blake2b(data, digest_size=32).hexdigest()


_WEIGHTS = _mix(np.arange(_LONGEST + 1, dtype=_U64)) | _U64(1)
