"""Dataset: the encoded matrix that a detector sees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from anomalist.errors import DataError, SchemaMismatchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.detector import Floats, Ints

__all__ = ["Dataset"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """Encoded rows, ready for a detector.

    Attributes:
        values: float32, C-contiguous, finite, read-only; shape (rows, columns), or (windows, length, columns) for a
            detector that eats windows.
        columns: The name of each encoded column.
        origins: The source column that each encoded column came from; `columns` itself where nothing was encoded.
        time: Seconds, float64, shape (rows,); None where the rows have no time.
        entity: A number for each entity, int64, shape (rows,); None where there is only one.
    """

    values: Floats
    columns: tuple[str, ...]
    origins: tuple[str, ...]
    time: Floats | None = None
    entity: Ints | None = None

    def __post_init__(self) -> None:
        if self.values.ndim not in (2, 3) or self.values.shape[-1] != len(self.columns):
            raise DataError(f"values of shape {self.values.shape} do not fit {len(self.columns)} column names")
        if len(self.origins) != len(self.columns):
            raise DataError(f"{len(self.origins)} origins for {len(self.columns)} columns")
        # A view of memory that is read-only: unlike a flag on the array, nobody who gets it can turn that off.
        self.values.flags.writeable = False
        object.__setattr__(self, "values", np.asarray(self.values.data))

    @classmethod
    def from_array(cls, values: Floats, columns: Sequence[str] | None = None) -> Self:
        """Wrap a matrix of finite numbers, shape (rows, columns); columns are called `x0, x1, ...` unless named.

        Raises:
            DataError: A value is not finite, or the shape is wrong.
        """
        matrix = np.array(values, dtype=np.float32, order="C")
        if matrix.ndim < 2:
            raise DataError(f"a matrix is needed, got shape {matrix.shape}; reshape one column to (rows, 1)")
        if not np.isfinite(matrix).all():
            raise DataError("values must be finite: replace NaN and infinity, or let an Encoder do it")
        names = tuple(columns) if columns is not None else tuple(f"x{i}" for i in range(matrix.shape[-1]))
        return cls(values=matrix, columns=names, origins=names)

    def __len__(self) -> int:
        return int(self.values.shape[0])

    @property
    def width(self) -> int:
        """The number of encoded columns."""
        return int(self.values.shape[-1])

    def check_width(self, fitted: int) -> None:
        """Refuse a number of columns other than the one fitted on.

        Raises:
            SchemaMismatchError: The widths differ; the message names both.
        """
        if self.width != fitted:
            raise SchemaMismatchError(f"fitted on {fitted} columns, got {self.width}; score the same columns")

    def take(self, rows: Ints | slice) -> Self:
        """The given rows, in the given order; a slice copies nothing."""
        return replace(
            self,
            values=self.values[rows],
            time=None if self.time is None else self.time[rows],
            entity=None if self.entity is None else self.entity[rows],
        )
