"""Plan: a run's request checked against its table and the plugins, before anything is fitted or stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anomalist.data.encode import Encoder
from anomalist.engine.evaluation.labels import Labels
from anomalist.engine.fitting.panel import Seat, seats
from anomalist.engine.fitting.warm import continued_encoder
from anomalist.engine.models.combiners import combiner_from_text
from anomalist.engine.models.features import check_can_be_saved, makers_from_text
from anomalist.ensemble.threshold import check_held_out
from anomalist.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

    from anomalist.data.dataset import Dataset
    from anomalist.data.table import Table
    from anomalist.engine.execution.executor import Executor
    from anomalist.engine.fitting.request import RunOptions, ThresholdRequest
    from anomalist.ensemble.combine import Combiner
    from anomalist.plugins.registry import Registry

__all__ = ["FEWEST_ROWS", "Plan", "check_enough", "check_threshold", "held_out_rows", "make_plan"]

FEWEST_ROWS = 10
_HELD_OUT = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be fitted, and how.

    Attributes:
        panel: The detectors, built.
        combiner: Surprises to one consensus.
        threshold: From which score on rows are to be flagged.
        seed: Of all randomness.
        clean: The rows are known to be normal.
        labels: What is known of the rows; None where there is no label column.
        table: The rows.
        encoder: Fitted on the table.
        data: The encoded rows.
    """

    panel: tuple[Seat, ...]
    combiner: Combiner
    threshold: ThresholdRequest
    seed: int
    clean: bool
    labels: Labels | None
    table: Table
    encoder: Encoder
    data: Dataset


def make_plan(
    table: Table,
    options: RunOptions,
    registry: Registry,
    *,
    positive: Collection[str] | None = None,
    earlier: Encoder | None = None,
    executor: Executor | None = None,
) -> Plan:
    """Check a request, build its detectors and encode the rows.

    Args:
        table: The rows.
        options: What is asked for.
        registry: Knows the detectors and the features.
        positive: The label values that mean an anomaly; found when not given.
        earlier: Of a model that a fit is to go on from: columns that are much as they were keep its units.
        executor: Where features are made; right here unless given.

    Raises:
        UsageError: A detector, parameter, panel, combiner or maker of features is unknown, or the threshold lacks what
            it needs.
        DataError: There are too few rows or no usable columns, or the labels cannot be used.
        PluginError: A maker of features failed: what every detector sees depends on it, so there is no going on.
    """
    if positive is not None and table.label is None:
        raise UsageError("the labels that mean an anomaly need their column: name it as the label")
    combiner = combiner_from_text(registry, options.combiner)
    makers = makers_from_text(registry, options.features, executor=executor)
    labels = Labels.of(table, positive) if table.label is not None else None
    if options.clean and labels is not None:
        labels.check_clean()
    panel = seats(
        registry,
        panel=options.panel,
        chosen=options.detectors,
        seed=options.seed,
        device=options.device,
        clean=options.clean,
        timed=table.time is not None,
    )
    names = [seat.name for seat in panel]
    combiner.check(names)  # what is wrong with it is said before the fitting
    check_enough(table)
    check_threshold(options.threshold, labels, len(table))
    encoder = Encoder.fit(table, features=makers)
    check_can_be_saved(encoder)
    if earlier is not None:
        encoder = continued_encoder(earlier, encoder, table)
    return Plan(
        panel=tuple(panel),
        combiner=combiner,
        threshold=options.threshold,
        seed=options.seed,
        clean=options.clean,
        labels=labels,
        table=table,
        encoder=encoder,
        data=encoder.encode(table),
    )


def check_enough(table: Table) -> None:
    """Refuse a table of too few rows to learn from.

    Raises:
        DataError: It has too few.
    """
    if len(table) < FEWEST_ROWS:
        raise DataError(
            f"{table.source}: at least {FEWEST_ROWS} rows are needed to learn what is normal, got {len(table)}"
        )


def held_out_rows(rows: int) -> int:
    """How many of so many rows are held out where a false-positive rate is to be promised: a fifth."""
    return int(_HELD_OUT * rows)


def check_threshold(request: ThresholdRequest, labels: Labels | None, rows: int) -> None:
    """Refuse a threshold that so many rows with these labels cannot give.

    Raises:
        UsageError: It needs labels, and there are none.
        DataError: The labels are all of one kind, or the rows are too few.
    """
    if request.policy == "labels":
        if labels is None:
            raise UsageError("a threshold from labels needs a label column: name it as the label")
        labels.check_both_kinds()
    if request.policy == "fpr":
        check_held_out(held_out_rows(rows), request.parameter)
