"""Ground: the rows of a search, encoded, split and with what is known of them; the same for all of its detectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anomalist.data.encode import Encoder
from anomalist.data.encoding.order import TimeCoder
from anomalist.data.series import check_series
from anomalist.data.windows import Windower
from anomalist.engine.evaluation.labels import Labels
from anomalist.engine.fitting.fit import fit
from anomalist.engine.fitting.plan import check_enough, make_plan
from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.models.features import makers_from_text
from anomalist.engine.tuning.bench import Bench
from anomalist.engine.tuning.judge import ByConsensus, ByLabels
from anomalist.engine.tuning.splits import HELD_OUT_FEWEST, Fold, check_labels, folds_of, held_out
from anomalist.engine.tuning.trial import Limits
from anomalist.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

    from anomalist.data.table import Table
    from anomalist.detector import Bools, Floats, Ints
    from anomalist.engine.tuning.judge import Judge
    from anomalist.engine.tuning.request import TuneOptions
    from anomalist.engine.workspace import Workspace

__all__ = ["Ground", "Known", "prepared"]

_UNKNOWN = -1
_LEAST = 50  # rows of each kind in a sample, at most a tenth of it: of rare anomalies their share would be too few


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """The rows that a search is about, and what is known of them.

    Attributes:
        table: The rows, or a sample of them.
        truth: 1 for an anomaly, 0 for a normal row, -1 where that is not known; shape (rows,).
        judged: Whether the result can be judged by labels.
        notes: What is to be said of that.
    """

    table: Table
    truth: Ints
    judged: bool
    notes: tuple[str, ...]

    @classmethod
    def of(cls, table: Table, options: TuneOptions, positive: Collection[str] | None) -> Known:
        """Read the labels and draw the sample.

        Raises:
            UsageError: There are no labels, and nobody said to do without.
            DataError: There are too few rows, or labels, to search by.
        """
        check_enough(table)
        if positive is not None and table.label is None:
            raise UsageError("the labels that mean an anomaly need their column: name it as the label")
        if table.label is None and not options.unsupervised:
            raise UsageError("a search is judged by labels: name their column as the label, or search unsupervised")
        truth, notes = np.full(len(table), _UNKNOWN, dtype=np.int64), list(table.notes)
        judged = table.label is not None
        if judged:
            labels = Labels.of(table, positive)
            truth[labels.rows] = labels.values
            notes.extend(labels.notes)
            try:
                check_labels(labels)
            except DataError as error:
                if not options.unsupervised:
                    raise
                judged = False
                notes.append(f"the result is not compared by labels: {error}")
        if len(table) > options.rows:
            rows = _sample(table, truth, options)
            how = "drawn at random" if table.time is None else "the latest"
            notes.append(f"the search sees {options.rows:,} of {len(table):,} rows, {how}, as the option rows says")
            table, truth = table.take(rows), truth[rows]
        return cls(table=table, truth=truth, judged=judged, notes=tuple(notes))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """What every trial of a search shares.

    Attributes:
        bench: Fits detectors.
        judge: Says what a trial is worth.
        folds: What trials are fitted on and judged by.
        last: All rows that are searched on, and those that no trial sees; None where there are no labels to judge by.
        truth: Of the labelled ones among the latter, 1 for an anomaly, else 0.
        labelled: Which of them are labelled.
    """

    bench: Bench
    judge: Judge
    folds: tuple[Fold, ...]
    last: Fold | None
    truth: Ints
    labelled: Bools


def prepared(workspace: Workspace, known: Known, options: TuneOptions) -> Ground:
    """Split and encode the rows, and find their consensus where trials are judged by it.

    The encoder learns from the rows that are searched on alone.

    Raises:
        DataError: The rows cannot be used, or labels of both kinds are in none of the folds.
        UsageError: A maker of features is unknown.
    """
    table, truth = known.table, known.truth
    rows: Ints = np.arange(len(table))
    last, time = None, _time(table)
    if known.judged:
        searched, rest = held_out(len(table), strata=truth, time=time, seed=options.seed)
        if _has_both(truth[rest], HELD_OUT_FEWEST):
            rows, last = searched, Fold(fit=searched, judge=rest)
        elif not options.unsupervised:
            raise _lacking(truth[rest], f"{table.source}: the latest rows, which are held out")
    folds = folds_of(rows, strata=truth[rows], time=None if time is None else time[rows], seed=options.seed)
    plan = None
    if options.unsupervised:
        request = RunOptions(panel=options.panel, features=options.features, seed=options.seed, device=options.device)
        plan = make_plan(table.take(rows), request, workspace.registry, executor=workspace.executor)
        encoder = plan.encoder
    else:
        makers = makers_from_text(workspace.registry, options.features, executor=workspace.executor)
        encoder = Encoder.fit(table.take(rows), features=makers)
    data = encoder.encode(table)
    seen = data.take(rows)
    timed = data.time is not None
    series = check_series(seen) if timed else None
    bench = Bench(
        registry=workspace.registry,
        data=data,
        windower=Windower.fit(seen) if timed else None,
        series=series,
        limits=Limits(timeout=options.timeout, memory=options.memory),
        seed=options.seed,
        device=options.device,
    )
    judge: Judge
    if plan is not None:
        fitted = fit(plan, executor=workspace.executor, progress=workspace.progress)
        consensus: Floats = np.zeros(len(table))
        consensus[rows] = fitted.scores.score
        is_series = series is not None and series.is_series
        judge = ByConsensus.of(data, folds, consensus, series=is_series, seed=options.seed)
    else:
        folds = tuple(fold for fold in folds if _has_both(truth[fold.judge]))
        if not folds:
            raise _lacking(truth[rows], f"{table.source}: the rows that are searched on, in each third of their time")
        judge = ByLabels(data=data, folds=folds, known=truth != _UNKNOWN, truth=truth, metric=options.metric)
    held = truth[last.judge] if last is not None else truth[:0]
    labelled = held != _UNKNOWN
    return Ground(bench=bench, judge=judge, folds=folds, last=last, truth=held[labelled], labelled=labelled)


def _sample(table: Table, truth: Ints, options: TuneOptions) -> Ints:
    """Numbers of the latest rows where they have a time, else of rows drawn, of each kind its share."""
    time = _time(table)
    if time is not None:
        return np.sort(np.argsort(time, kind="stable")[-options.rows :])
    kinds, sizes = np.unique(truth, return_counts=True)
    least = min(_LEAST, options.rows // 10)
    taken = np.minimum(sizes, np.maximum(least, np.round(sizes * (options.rows / truth.size)).astype(np.int64)))
    taken[sizes.argmax()] += options.rows - taken.sum()
    rng = np.random.default_rng(options.seed)
    kept = [rng.permutation(np.flatnonzero(truth == kind))[:count] for kind, count in zip(kinds, taken, strict=True)]
    return np.sort(np.concatenate(kept))


def _time(table: Table) -> Floats | None:
    if table.time is None:
        return None
    column = table.frame.get_column(table.time)
    return TimeCoder.fit(column).read(column, source=table.source)


def _has_both(truth: Ints, fewest: int = 1) -> bool:
    return bool(min((truth == 1).sum(), (truth == 0).sum()) >= fewest)


def _lacking(truth: Ints, where: str) -> DataError:
    return DataError(
        f"{where}: more anomalies or normal rows are needed, got {int((truth == 1).sum()):,} anomalies and "
        f"{int((truth == 0).sum()):,} normal rows; give more rows, or search unsupervised"
    )
