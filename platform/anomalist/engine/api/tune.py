"""Tuning from Python: search for better parameters of detectors, and see what that brought."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from anomalist.config import load_settings
from anomalist.engine.api.opening import meant, opened, several, table_of
from anomalist.engine.tuning import tune as tuning
from anomalist.engine.tuning.request import TuneOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anomalist.engine.api.opening import Data
    from anomalist.engine.tuning.request import Metric

__all__ = ["Tuned", "tune"]

_TRIALS = {"detector": pl.String, "number": pl.Int64, "state": pl.String, "value": pl.Float64}
_TRIALS |= {"seconds": pl.Float64, "run": pl.String, "error": pl.String, "line": pl.String}


class Tuned:
    """A search that has ended and is stored."""

    def __init__(self, found: tuning.Tuned) -> None:
        self._found = found

    @property
    def id(self) -> str:
        """The id of the run in the store."""
        return self._found.run.id

    @property
    def detectors(self) -> list[str]:
        """The best trial of each detector, as `run` takes it: `anomalist.run(df, detectors=tuned.detectors)`."""
        return [one.best.line for one in self._found.detectors]

    @property
    def reasons(self) -> list[str]:
        """What it comes to for each detector, in one line: better than the defaults, or not."""
        return [one.reason for one in self._found.detectors]

    @property
    def better(self) -> list[bool | None]:
        """For each detector whether its best trial is better than the defaults on rows that no trial saw.

        False also where that is not proven, and where the defaults are the best trial; None where no labels say.
        """
        return [None if one.verdict is None else one.verdict.ruling == "better" for one in self._found.detectors]

    @property
    def trials(self) -> pl.DataFrame:
        """All trials: detector, number, state, value (null where it failed), seconds, run, error, line."""
        rows = [
            {"detector": one.name, "number": trial.number, "state": trial.state, "value": trial.value}
            | {"seconds": trial.seconds, "run": trial.run, "error": trial.error, "line": trial.line}
            for one in self._found.detectors
            for trial in one.trials
        ]
        return pl.DataFrame(rows, schema=_TRIALS)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth knowing of the data and the search, one line each; the command line prints these as notes."""
        return self._found.run.notes

    def to_dict(self) -> dict[str, Any]:
        """Plain values: what `anomalist tune --json` prints."""
        return self._found.to_dict()

    def __repr__(self) -> str:
        return f"<anomalist search {self.id}: {'; '.join(self.reasons)}>"


def tune(
    data: Data,
    *,
    label: str | None = None,
    unsupervised: bool = False,
    detectors: Iterable[str] = ("autoencoder",),
    space: str | None = None,
    metric: Metric = "average_precision",
    trials: int = 30,
    seconds: float | None = None,
    rows: int = 50_000,
    fresh: bool = False,
    positive: Iterable[str] | str | None = None,
    key: str | None = None,
    time: str | None = None,
    entity: str | None = None,
    ignore: Iterable[str] = (),
    roles: Mapping[str, str] | None = None,
    features: Iterable[str] = (),
    panel: str | None = None,
    seed: int | None = None,
    device: str | None = None,
    timeout: float | None = None,
    isolate: bool | None = None,
    memory: int | str | None = None,
    store: str | None = None,
) -> Tuned:
    """Search for better parameters of detectors, and compare what was found with the defaults.

    The same call goes on where an earlier one was interrupted. Arguments that are not below are those of `run`.

    Args:
        data: A polars or pandas frame, a Table, or a path or database URL.
        label: The column of known labels, which judge the trials.
        unsupervised: Judge trials by a criterion that says little, and the result by the labels where there are any.
        detectors: Detectors to tune; a parameter that is given stays as it is: `"knn"`, `"autoencoder:members=1"`.
        space: What to search, in place of what the detector declares: `"trees=100..400,subsample=32..2048:log"`.
        metric: What labels judge by: `"average_precision"` or `"roc_auc"`.
        trials: Trials for each detector, those of earlier calls included.
        seconds: Wall time for the trials; the defaults are tried even where it is over.
        rows: Search on at most so many rows.
        fresh: Begin anew, where an earlier call that asked the same left trials.
        positive: The label values that mean an anomaly.
        key: The column that names each row.
        time: The column that orders the rows.
        entity: The column that says which series a row belongs to.
        ignore: Columns to leave out.
        roles: Roles of single columns, instead of those found.
        features: What makes more columns of the rows before they are looked at.
        panel: Whose consensus judges where no labels do.
        seed: Where all randomness starts.
        device: Where deep detectors train.
        timeout: Seconds that one fit may take.
        isolate: Let each detector work in a process of its own.
        memory: What such a process may take.
        store: The database.

    Raises:
        AnomalistError: The data, a parameter or the store cannot be used, or Optuna is missing; the message says what
            to do.
    """
    flags = {"store": store, "panel": panel, "seed": seed, "device": device, "timeout": timeout}
    settings = load_settings({**flags, "isolate": isolate, "memory": memory})
    options = TuneOptions.of(
        settings,
        detectors=several(detectors),
        space=space,
        unsupervised=unsupervised,
        metric=metric,
        trials=trials,
        rows=rows,
        seconds=seconds,
        fresh=fresh,
        features=several(features),
    )
    columns = {"key": key, "time": time, "entity": entity, "label": label, "roles": roles or {}}
    with opened(settings) as workspace:
        table, source = table_of(data, workspace.registry, **columns, ignore=several(ignore))
        chosen = meant(positive)
        origin = source.to_dict()
        found = tuning.tune(workspace, table, options, positive=chosen, origin=origin)
    return Tuned(found)
