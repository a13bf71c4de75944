"""The Python interface: the same path as the command line, from a notebook.

>>> import anomalist
>>> run = anomalist.run(df, key="id")                  # doctest: +SKIP
>>> run.top(5)                                         # doctest: +SKIP
>>> run.explain("4711").reasons                        # doctest: +SKIP
>>> anomalist.score(new_rows, run.model_name).flagged  # doctest: +SKIP
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import polars as pl

from anomalist.config import load_settings
from anomalist.data.table import Table
from anomalist.engine import run as running
from anomalist.engine import score as scoring
from anomalist.engine.evaluate import evaluate_scores
from anomalist.engine.export import scores_frame
from anomalist.engine.findings import findings_of
from anomalist.engine.labels import Labels
from anomalist.engine.request import RunOptions, ThresholdRequest
from anomalist.engine.sources import Source
from anomalist.engine.workspace import Workspace
from anomalist.errors import UnknownNameError, UsageError
from anomalist.plugins.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pandas as pd

    from anomalist.config import Settings
    from anomalist.engine.result import Finding, RunResult
    from anomalist.ensemble.model import Model

__all__ = ["Data", "Run", "run", "score"]

Data: TypeAlias = "pl.DataFrame | pd.DataFrame | Table | str | Path"
"""A polars or pandas frame, a Table, or where one is: a path or a database URL."""


class Run:
    """A run that has ended and is stored.

    Attributes:
        result: All of it, as the engine gave it.
    """

    def __init__(self, result: RunResult) -> None:
        self.result = result

    @property
    def id(self) -> str:
        """The id of the run in the store."""
        return self.result.row.id

    @property
    def status(self) -> str:
        """`done`, or `partial` where a detector failed."""
        return self.result.row.status

    @property
    def model(self) -> Model:
        """The model that the run made or used."""
        return self.result.model

    @property
    def model_name(self) -> str:
        """That model as `score` takes it: `name:version`."""
        name, version = self.result.row.model or ("", 0)
        return f"{name}:{version}"

    @property
    def members(self) -> pl.DataFrame:
        """How each detector fared: detector, status, seconds, error."""
        return pl.DataFrame(self.result.to_dict()["run"]["members"], infer_schema_length=None)

    @property
    def scores(self) -> pl.DataFrame:
        """Every row in order: key, score in bits, level, flagged, and each member's surprise in bits."""
        return scores_frame(self.result)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth knowing of the data and the fit, one line each; the command line prints these as notes."""
        return self.result.row.notes

    @property
    def flagged(self) -> pl.DataFrame:
        """The rows of `scores` that are flagged, the most anomalous first."""
        return self.scores.filter(pl.col("flagged")).sort("score", descending=True, maintain_order=True)

    def top(self, count: int = 10) -> pl.DataFrame:
        """The most anomalous rows with their reasons in words: key, row, score, level, flagged, why."""
        order = self.scores.with_row_index("row").sort("score", descending=True, maintain_order=True).head(count)
        known = {finding.row: finding for finding in self.result.findings}
        missing = [row for row in order["row"].to_list() if row not in known]
        known |= {finding.row: finding for finding in self._explain(missing)}
        why = ["; ".join(str(reason) for reason in known[row].reasons) for row in order["row"].to_list()]
        return order.select("key", "row", "score", "level", "flagged").with_columns(why=pl.Series(why, dtype=pl.String))

    def explain(self, key: object) -> Finding:
        """Why the row with this key got its score.

        Raises:
            UnknownNameError: There is no such row.
        """
        rows = (self.result.table.keys == str(key)).arg_true().to_list()
        if not rows:
            raise UnknownNameError(f"run {self.id} has no row with the key {str(key)!r}")
        known = {finding.row: finding for finding in self.result.findings}
        return known.get(rows[0]) or self._explain(rows)[0]

    def evaluate(self, label: str | None = None, *, positive: Iterable[str] | str | None = None) -> dict[str, Any]:
        """Measure the run against a column of labels; by default the one that the run was given.

        Raises:
            DataError: There is no such column, or its values cannot be used.
        """
        chosen = None if positive is None else set(_several(positive))
        return evaluate_scores(self.result.scores, Labels.of(self.result.table, chosen, column=label))

    def to_dict(self) -> dict[str, Any]:
        """Plain values: what `anomalist run --json` prints."""
        return self.result.to_dict()

    def _explain(self, rows: list[int]) -> tuple[Finding, ...]:
        result = self.result
        model, table = result.model, result.table
        data = model.encoder.encode(table)
        return findings_of(model, table, data, result.scores, np.array(rows, dtype=np.int64))

    def __repr__(self) -> str:
        flagged = int(self.result.scores.flagged.sum())
        return (
            f"<anomalist run {self.id}: {self.status}, {len(self.result.table):,} rows, {flagged:,} flagged, "
            f"model {self.model_name}>"
        )


def run(
    data: Data,
    *,
    key: str | None = None,
    time: str | None = None,
    entity: str | None = None,
    label: str | None = None,
    positive: Iterable[str] | str | None = None,
    ignore: Iterable[str] = (),
    roles: Mapping[str, str] | None = None,
    detectors: Iterable[str] = (),
    panel: str | None = None,
    combiner: str | None = None,
    budget: float | str | None = None,
    fpr: float | None = None,
    f_beta: float | None = None,
    name: str | None = None,
    seed: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    timeout: float | None = None,
    store: str | None = None,
) -> Run:
    """Fit a panel of detectors on rows, flag the anomalous ones, explain them, store the run and its model.

    Whatever is left out comes from the environment, from `anomalist.toml`, or from the defaults.

    Args:
        data: A polars or pandas frame, a Table, or a path or database URL.
        key: The column that names each row.
        time: The column that orders the rows.
        entity: The column that says which series a row belongs to.
        label: The column of known labels; never a feature.
        positive: The label values that mean an anomaly.
        ignore: Columns to leave out.
        roles: Roles of single columns, instead of those found.
        detectors: Detectors to fit, in place of a panel: `"knn"`, `"knn:neighbours=5"`.
        panel: The panel to fit.
        combiner: How the detectors' surprises become one score.
        budget: Flag at most so many rows: `"1%"`, `0.01`, `50`.
        fpr: Flag normal rows with at most this probability, in place of a budget.
        f_beta: Flag from the score with the best F-beta on the labels, in place of a budget.
        name: What to call the model.
        seed: Where all randomness starts.
        device: Where deep detectors train.
        threads: Detectors fitted at once.
        timeout: Seconds that one detector may take.
        store: The database, as an SQLAlchemy URL or the path of an SQLite file.

    Raises:
        AnomalistError: The data, a parameter or the store cannot be used; the message says what to do.
    """
    if sum(given is not None for given in (budget, fpr, f_beta)) > 1:
        raise UsageError("budget, fpr and f_beta exclude each other; give one")
    flags = {"store": store, "panel": panel, "combiner": combiner, "budget": budget, "seed": seed, "device": device}
    with _workspace(**flags, threads=threads, timeout=timeout) as (workspace, settings):
        table, source = _table(
            data,
            workspace.registry,
            key=key,
            time=time,
            entity=entity,
            label=label,
            ignore=_several(ignore),
            roles=roles or {},
        )
        options = RunOptions(
            panel=settings.panel,
            detectors=_several(detectors),
            combiner=settings.combiner,
            threshold=_threshold(settings.budget, fpr, f_beta),
            seed=settings.seed,
            device=settings.device,
        )
        chosen = None if positive is None else set(_several(positive))
        return Run(running.run(workspace, table, options, name=name, positive=chosen, origin=source.to_dict()))


def score(
    data: Data,
    model: str,
    *,
    key: str | None = None,
    time: str | None = None,
    entity: str | None = None,
    label: str | None = None,
    positive: Iterable[str] | str | None = None,
    ignore: Iterable[str] = (),
    budget: float | str | None = None,
    threads: int | None = None,
    timeout: float | None = None,
    store: str | None = None,
) -> Run:
    """Score rows with a stored model: `"name"` (its champion), `"name@alias"` or `"name:version"`.

    A row gets the same score alone as among a million. Columns keep the roles that they had when the model was fitted,
    and their numbers and dates are read as they were then. The other arguments are those of `run`.

    Raises:
        AnomalistError: The data, the model or the store cannot be used; the message says what to do.
    """
    with _workspace(store=store, budget=budget, threads=threads, timeout=timeout) as (workspace, settings):
        fitted, row = workspace.load(model)
        table, source = _table(
            data,
            workspace.registry,
            key=key,
            time=time,
            entity=entity,
            label=label,
            ignore=_several(ignore),
            like=fitted.encoder.reading,
        )
        allowed = None if budget is None else settings.budget
        chosen = None if positive is None else set(_several(positive))
        origin = source.to_dict()
        found = scoring.score(
            workspace, table, fitted, row, budget=allowed, label=label, positive=chosen, origin=origin
        )
        return Run(found)


def _threshold(budget: float, fpr: float | None, f_beta: float | None) -> ThresholdRequest:
    if fpr is not None:
        return ThresholdRequest(policy="fpr", parameter=fpr)
    if f_beta is not None:
        return ThresholdRequest(policy="labels", parameter=f_beta)
    return ThresholdRequest(policy="budget", parameter=budget)


@contextmanager
def _workspace(**flags: object) -> Iterator[tuple[Workspace, Settings]]:
    settings = load_settings(flags)
    with Workspace.open(settings, Registry.load(settings.disable_plugins)) as workspace:
        yield workspace, settings


def _several(names: Iterable[str]) -> tuple[str, ...]:
    """Names as they were given; a single one is meant whole, and not as its letters."""
    return (names,) if isinstance(names, str) else tuple(names)


def _table(data: Data, registry: Registry, **columns: Any) -> tuple[Table, Source]:
    """The rows as a Table, and how to read them again."""
    if isinstance(data, Table):
        if any(value for name, value in columns.items() if name != "like"):
            raise UsageError("a Table has its roles already; give them to Table.from_frame")
        return data, Source()
    if isinstance(data, str | Path):
        source = Source(location=str(data), **columns)
        return source.read(registry), source
    return Table.from_frame(data, **columns), Source(**columns)
