"""What every function of the Python interface begins with: an open workspace, and rows as a Table."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from anomalist.data.table import Table
from anomalist.engine.opening import open_registry
from anomalist.engine.runs.sources import Source
from anomalist.engine.workspace import Workspace
from anomalist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd
    import polars as pl

    from anomalist.config import Settings
    from anomalist.plugins.registry import Registry

__all__ = ["Data", "meant", "opened", "several", "table_of"]

_log = logging.getLogger(__name__)

Data: TypeAlias = "pl.DataFrame | pd.DataFrame | Table | str | Path"
"""A polars or pandas frame, a Table, or where one is: a path or a database URL."""


@contextmanager
def opened(settings: Settings) -> Iterator[Workspace]:
    """The workspace that the settings name, for as long as the body takes; plugins that are broken are logged."""
    registry = open_registry(settings)
    for line in registry.manager.failures():
        _log.warning(line)
    with Workspace.open(settings, registry) as workspace:
        yield workspace


def several(names: Iterable[str]) -> tuple[str, ...]:
    """Names as they were given; a single one is meant whole, and not as its letters."""
    return (names,) if isinstance(names, str) else tuple(names)


def meant(positive: Iterable[str] | str | None) -> set[str] | None:
    """The label values that mean an anomaly; None where they are to be found."""
    return None if positive is None else set(several(positive))


def table_of(data: Data, registry: Registry, **columns: Any) -> tuple[Table, Source]:
    """The rows as a Table, and how to read them again.

    Raises:
        DataError: They cannot be read.
        UsageError: They are a Table, which has its roles, and a role is given.
    """
    if isinstance(data, Table):
        if any(value for name, value in columns.items() if name != "like"):
            raise UsageError("a Table has its roles already; give them to Table.from_frame")
        return data, Source()
    if isinstance(data, str | Path):
        source = Source(location=str(data), **columns)
        return source.read(registry), source
    return Table.from_frame(data, **columns), Source(**columns)
