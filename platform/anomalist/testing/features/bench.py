"""FeaturesBench: a table, and the maker of features that works on it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl

from anomalist.data.readers import read_table
from anomalist.data.table import Table
from anomalist.errors import DataError
from anomalist.testing.bench import Bench
from anomalist.testing.promise import NotApplicable, told

if TYPE_CHECKING:
    from anomalist.detector import FeatureMaker

__all__ = ["FeaturesBench"]


class FeaturesBench(Bench):
    """The maker that is checked, and a table for it."""

    @cached_property
    def table(self) -> Table:
        """The sample that was given, or payments.

        Raises:
            NotApplicable: The sample cannot be read.
        """
        if isinstance(self.sample, Table):
            return self.sample
        if isinstance(self.sample, str | Path):
            return read_table(self.sample)
        return Table.from_frame(_payments() if self.sample is None else self.sample, source="the sample")

    def build(self) -> FeatureMaker:
        """A new one, with the parameters that were given."""
        return cast("FeatureMaker", self.new(self.subject.params))

    @cached_property
    def fitted(self) -> FeatureMaker:
        """One that was fitted on the sample, to be looked at and never changed.

        Raises:
            NotApplicable: It cannot be, which a check of its own says; or it needs another sample.
        """
        try:
            return self.build().fit(self.table)
        except NotApplicable:
            raise
        except DataError as error:
            raise NotApplicable(f"it cannot use the sample: {error}; give another by sample=") from error
        except (Exception, SystemExit) as error:
            raise NotApplicable(f"it cannot be fitted: {told(error)}") from error

    @cached_property
    def made(self) -> pl.DataFrame:
        """The columns that it makes of the sample.

        Raises:
            NotApplicable: It makes none, which a check of its own says.
        """
        try:
            found = self.fitted.transform(self.table)
        except NotApplicable:
            raise
        except (Exception, SystemExit) as error:
            raise NotApplicable(f"it makes no columns: {told(error)}") from error
        if not isinstance(found, pl.DataFrame) or found.height != len(self.table):
            raise NotApplicable("it does not give a frame with a row for each row, which another check says")
        return found

    def work(self) -> None:
        """Fit and transform, as a run does."""
        _ = self.fitted  # where the sample does not suit it, there is nothing to look at
        self.build().fit(self.table).transform(self.table)


def _payments() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    rows = 200
    return pl.DataFrame(
        {
            "id": [f"P{row:04}" for row in range(rows)],
            "amount": np.round(rng.lognormal(3.0, 0.6, rows), 2),
            "items": rng.integers(1, 9, rows),
            "city": rng.choice(["Basel", "Bern", "Chur"], rows),
            "when": [f"2024-03-{1 + row // 10:02} {9 + row % 10:02}:30:00" for row in range(rows)],
        }
    )
