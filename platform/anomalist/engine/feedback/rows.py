"""The rows of a run that the lines of a file are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from anomalist.data.keys import hash_rows
from anomalist.data.roles import Role
from anomalist.data.tidy import tidy
from anomalist.data.words import cut
from anomalist.engine.models.features import with_features
from anomalist.engine.runs.sources import read_again
from anomalist.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anomalist.data.table import Table
    from anomalist.engine.feedback.files import Sheet
    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import RunRow

__all__ = ["RunRows"]

_NO_PART = frozenset({Role.KEY, Role.LABEL, Role.IGNORED})


class RunRows:
    """The rows of a run, found by key or by content; the data are read again only where they are needed."""

    def __init__(self, workspace: Workspace, run: RunRow, data: str | None) -> None:
        self._workspace = workspace
        self._run = run
        self._data = data
        self._read: Table | None = None

    @property
    def table(self) -> Table:
        """The data of the run, read once.

        Raises:
            DataError: They cannot be read, or are not those of the run.
            UsageError: The run does not know where they are.
        """
        if self._read is None:
            self._read = read_again(self._run, self._workspace.registry, data=self._data)
        return self._read

    def find(self, sheet: Sheet, column: str) -> tuple[list[str], dict[int, str]]:
        """The key of each line, and why a line has none of this run's, by its index."""
        keys = sheet.text(column)
        known = self._workspace.store.scores(self._run.id).keys
        keys = keys.zip_with(keys.is_in(known.implode()).fill_null(value=False), keys.str.strip_chars())
        there = keys.is_in(known.implode()).fill_null(value=False)
        strange = {
            index: f"run {self._run.id} has no row with the key {cut(keys[index])}"
            if keys[index]
            else f"there is no key in column {column!r}"
            for index in (~there).arg_true().to_list()
        }
        return keys.fill_null("").to_list(), strange

    def match(self, sheet: Sheet, columns: Iterable[str]) -> tuple[list[str], dict[int, str]]:
        """The key of the one row that has the same values as each line, and why a line has none, by its index.

        Values are read as those of the run were: how a number or a date is written does not matter.

        Raises:
            DataError: The file and the data share none of `columns`, or a number or a date cannot be read as one.
        """
        table = self.table
        shared = [name for name in table.frame.columns if name in set(columns) and table.roles[name] not in _NO_PART]
        if not shared:
            raise DataError(
                f"{sheet.name}: there is no column 'key' and none of the data of run {self._run.id}: name the column "
                f"of keys with --key COL; the columns are {', '.join(map(repr, sheet.frame.columns[:8]))}"
            )
        roles = {name: table.roles[name] for name in shared}
        kept = {name: table.conventions[name] for name in shared}
        typed, _, _ = tidy(sheet.frame.select(shared), source=sheet.name, roles=roles, kept=kept)
        hashes = hash_rows(table.frame, shared)
        order = np.argsort(hashes, kind="stable")
        wanted = hash_rows(typed, shared)
        first, last = (np.searchsorted(hashes[order], wanted, side=side) for side in ("left", "right"))
        on = ", ".join(shared)
        keys, strange = [""] * len(sheet), {}
        for index, (start, stop) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
            if stop - start == 1:
                keys[index] = table.keys[int(order[start])]
            elif stop == start:
                strange[index] = f"no row of run {self._run.id} has these values (in {on})"
            else:
                some = ", ".join(table.keys[int(row)] for row in order[start : min(stop, start + 3)])
                strange[index] = (
                    f"{stop - start} rows have these values (in {on}), among them {some}: add columns, or keys"
                )
        return keys, strange

    def values(self, keys: set[str]) -> dict[str, Mapping[str, Any]]:
        """The rows of these keys as plain values, from their records, or else from the data."""
        if not keys:
            return {}
        if self._read is not None:
            return self._from_table(keys)
        recorded = max(self._run.flagged or 0, self._run.params.get("top", 0), 1)
        top = self._workspace.store.top(self._run.id, recorded)
        found = {row.key: row.record.values for row in top if row.record is not None and row.key in keys}
        missing = keys - found.keys()
        return found | (self._from_table(missing) if missing else {})

    def _from_table(self, keys: set[str]) -> dict[str, Mapping[str, Any]]:
        there = self.table.keys.is_in(pl.Series(list(keys), dtype=pl.String).implode()).arg_true().to_list()
        wide = with_features(self._workspace, self._run, self.table)
        return {self.table.keys[row]: wide.values(row) for row in there}
