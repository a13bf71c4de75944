"""Labelled sets for benchmarks, and a panel fitted on their rows as a run fits it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import polars as pl

from anomalist.data.table import Table
from anomalist.engine.execution.executor import Threads
from anomalist.engine.fitting.fit import fit
from anomalist.engine.fitting.plan import make_plan
from anomalist.engine.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anomalist.detector import Floats, Ints
    from anomalist.engine.fitting.fit import Fitted
    from anomalist.engine.fitting.plan import Plan
    from anomalist.engine.fitting.request import RunOptions
    from anomalist.plugins.registry import Registry

__all__ = ["FOLDER", "cpu_seconds", "data_option", "digest", "files", "fit_plan", "fit_rows", "only_option", "table_of"]

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

only_option = click.option("--only", multiple=True, help="Part of the name of a set. Repeatable.")


def data_option(**settings: Any) -> Callable[..., Any]:
    """The option for the folder of the sets, which may also stand in the environment; `settings` are click's."""
    return click.option("--data", type=FOLDER, envvar="ANOMALIST_BENCH_DATA", **settings)


def files(data: Path, only: Sequence[str]) -> list[Path]:
    """The sets in a folder, small files first; those whose name holds one of `only`, where it is given."""
    wanted = [path for path in data.rglob("*.npz") if not only or any(part in path.stem for part in only)]
    found = sorted(wanted, key=lambda path: (path.stat().st_size, path.name))
    if not found:
        raise click.ClickException(f"{data}: no .npz file{' of that name' if only else ''}")
    return found


def digest(values: Floats, labels: Ints) -> str:
    """What tells one set from another."""
    content = (np.ascontiguousarray(part).tobytes() for part in (values, labels.astype(np.int8)))
    return hashlib.sha256(b"".join(content)).hexdigest()[:16]


def cpu_seconds() -> float:
    """CPU seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


def table_of(values: Floats, *, source: str) -> Table:
    """The table of a matrix without names."""
    return Table.from_frame(pl.DataFrame({f"x{i}": values[:, i] for i in range(values.shape[1])}), source=source)


def fit_rows(registry: Registry, name: str, values: Floats, options: RunOptions) -> Fitted:
    """All that a run does with rows between reading and storing: encode, fit, score, calibrate, combine.

    Raises:
        ClickException: A member of the panel failed.
    """
    return fit_plan(make_plan(table_of(values, source=name), options, registry))


def fit_plan(plan: Plan) -> Fitted:
    """Fit what was planned, member after member.

    Raises:
        ClickException: A member of the panel failed.
    """
    fitted = fit(plan, executor=Threads(workers=1), progress=Silent())
    for report in fitted.reports:
        if report.status in ("failed", "timed_out"):
            raise click.ClickException(f"{plan.table.source}: {report.seat.name}: {report.error}")
    return fitted
