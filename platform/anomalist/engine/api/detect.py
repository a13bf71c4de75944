"""Detection from Python: fit a panel on rows, and score new rows by what was fitted, as the command line does.

>>> import anomalist
>>> run = anomalist.run(df, key="id", name="m")        # doctest: +SKIP
>>> run.top(5)                                         # doctest: +SKIP
>>> run.explain("4711").reasons                        # doctest: +SKIP
>>> run.judge("4711", "anomaly", note="seen by hand")  # doctest: +SKIP
>>> anomalist.retrain("m", df).promoted                # doctest: +SKIP
>>> anomalist.score(new_rows, "m").flagged             # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anomalist.config import load_settings
from anomalist.engine.api.opening import Data, meant, opened, several, table_of
from anomalist.engine.api.run import Run
from anomalist.engine.fitting.request import RunOptions, ThresholdRequest
from anomalist.engine.runs import run as running
from anomalist.engine.runs import score as scoring
from anomalist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["run", "score"]


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
    features: Iterable[str] = (),
    combiner: str | None = None,
    budget: float | str | None = None,
    fpr: float | None = None,
    f_beta: float | None = None,
    name: str | None = None,
    seed: int | None = None,
    device: str | None = None,
    clean: bool = False,
    threads: int | None = None,
    timeout: float | None = None,
    isolate: bool | None = None,
    memory: int | str | None = None,
    trust_pickle: bool | None = None,
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
        features: What makes more columns of the rows before they are looked at: `"velocity"`, `"velocity:window=1h"`.
        combiner: How the detectors' surprises become one score.
        budget: Flag at most so many rows: `"1%"`, `0.01`, `50`.
        fpr: Flag normal rows with at most this probability, in place of a budget.
        f_beta: Flag from the score with the best F-beta on the labels, in place of a budget.
        name: What to call the model.
        seed: Where all randomness starts.
        device: Where deep detectors train.
        clean: The rows are known to be normal: learn from every one of them.
        threads: Detectors fitted at once.
        timeout: Seconds that one detector may take.
        isolate: Let each detector work in a process of its own, which is ended where it goes wrong.
        memory: What such a process may take: `"2G"`, or a number of bytes; most of what is free unless given.
        trust_pickle: Read models whose detectors are saved as pickles, which can execute code.
        store: The database, as an SQLAlchemy URL or the path of an SQLite file.

    Raises:
        AnomalistError: The data, a parameter or the store cannot be used; the message says what to do.
    """
    if sum(given is not None for given in (budget, fpr, f_beta)) > 1:
        raise UsageError("budget, fpr and f_beta exclude each other; give one")
    flags = {"store": store, "panel": panel, "combiner": combiner, "budget": budget, "seed": seed, "device": device}
    how = {"threads": threads, "timeout": timeout, "isolate": isolate, "memory": memory}
    settings = load_settings({**flags, **how, "trust_pickle": trust_pickle})
    with opened(settings) as workspace:
        table, source = table_of(
            data,
            workspace.registry,
            key=key,
            time=time,
            entity=entity,
            label=label,
            ignore=several(ignore),
            roles=roles or {},
        )
        options = RunOptions(
            panel=settings.panel,
            detectors=several(detectors),
            features=several(features),
            combiner=settings.combiner,
            threshold=_threshold(settings.budget, fpr, f_beta),
            seed=settings.seed,
            device=settings.device,
            clean=clean,
        )
        chosen = meant(positive)
        found = running.run(workspace, table, options, name=name, positive=chosen, origin=source.to_dict())
        return Run(found, settings)


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
    isolate: bool | None = None,
    memory: int | str | None = None,
    trust_pickle: bool | None = None,
    store: str | None = None,
) -> Run:
    """Score rows with a stored model: `"name"` (its champion), `"name@alias"` or `"name:version"`.

    A row gets the same score alone as among a million. Columns keep the roles that they had when the model was fitted,
    and their numbers and dates are read as they were then; its label column, where the rows have it, measures the
    scores. The other arguments are those of `run`.

    Raises:
        AnomalistError: The data, the model or the store cannot be used; the message says what to do.
    """
    how = {"threads": threads, "timeout": timeout, "isolate": isolate, "memory": memory, "trust_pickle": trust_pickle}
    settings = load_settings({"store": store, "budget": budget, **how})
    with opened(settings) as workspace:
        fitted, row = workspace.load(model)
        table, source = table_of(
            data,
            workspace.registry,
            key=key,
            time=time,
            entity=entity,
            label=label,
            ignore=several(ignore),
            like=fitted.encoder.reading,
        )
        allowed = None if budget is None else settings.budget
        chosen = meant(positive)
        origin = source.to_dict()
        found = scoring.score(
            workspace, table, fitted, row, budget=allowed, label=label, positive=chosen, origin=origin
        )
        return Run(found, settings)


def _threshold(budget: float, fpr: float | None, f_beta: float | None) -> ThresholdRequest:
    if fpr is not None:
        return ThresholdRequest(policy="fpr", parameter=fpr)
    if f_beta is not None:
        return ThresholdRequest(policy="labels", parameter=f_beta)
    return ThresholdRequest(policy="budget", parameter=budget)
