"""Rows of unusual shapes: few, many, constant, the same ones over again, and those that do not fit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from anomalist.engine.fitting.plan import FEWEST_ROWS
from anomalist.errors import NotFittedError, SchemaMismatchError
from anomalist.testing.detector.bench import ENOUGH, separation
from anomalist.testing.detector.samples import COLUMNS
from anomalist.testing.promise import Failure, attempting, refuses

if TYPE_CHECKING:
    from collections.abc import Callable

    from anomalist.data.dataset import Dataset
    from anomalist.testing.detector.bench import DetectorBench
    from anomalist.testing.promise import Checks

__all__ = ["add_shapes", "refuses_width"]

_MANY = 40


def add_shapes(checks: Checks) -> None:
    """Add the checks."""
    checks.add("constant-column", "a column that never changes does it no harm")(constant_column)
    checks.add("duplicates", "rows that occur many times do it no harm")(duplicates)
    checks.add("one-column", "one column is enough")(one_column)
    checks.add("few-rows", f"{FEWEST_ROWS} rows are enough")(few_rows)
    checks.add("many-columns", "more columns than rows do it no harm")(many_columns)
    checks.add("wrong-columns", "another number of columns is refused, and both are named")(wrong_columns)
    checks.add("not-fitted", "before it is fitted it says so")(not_fitted)


def constant_column(bench: DetectorBench) -> None:
    """A variance of zero, and later a row in which the constant is another."""
    _copes(bench, bench.samples.constant(), "rows with a constant column", "a variance or a spread of zero")


def duplicates(bench: DetectorBench) -> None:
    """Distances and densities of rows that are the same."""
    _copes(bench, bench.samples.duplicates(), "20 rows that occur 10 times each", "a distance of zero")


def one_column(bench: DetectorBench) -> None:
    """A series of one measurement, a table with one number."""
    _ = bench.ranked
    training, probe = bench.samples.ordinary(columns=1), bench.samples.probe(columns=1)
    mend = "let nothing depend on a second column: a subspace, a projection or a covariance has to do with one"
    with attempting("it can be fitted on one column and score it", mend):
        scores = bench.score(bench.fit(training), probe.data)
    found = separation(scores, probe.far) if np.isfinite(scores).all() else 0.0
    if found < ENOUGH:
        raise Failure(
            expected=f"of one column, rows far out score higher in at least {ENOUGH:.0%} of the pairs",
            got=f"in {found:.0%}" if np.isfinite(scores).all() else "scores that are not finite",
            mend=mend,
        )


def few_rows(bench: DetectorBench) -> None:
    """The fewest rows that a run takes."""
    _copes(
        bench,
        bench.samples.ordinary(FEWEST_ROWS),
        f"{FEWEST_ROWS} rows",
        "a batch, a sample, a number of neighbours or of clusters larger than the number of rows",
    )


def many_columns(bench: DetectorBench) -> None:
    """A covariance that cannot be inverted."""
    data = bench.samples.ordinary(_MANY // 2, _MANY)
    _copes(bench, data, f"{len(data)} rows of {_MANY} columns", "a matrix that has no inverse")


def wrong_columns(bench: DetectorBench) -> None:
    """Numbers that are about something else must not be scored."""
    for width in (COLUMNS - 1, COLUMNS + 1):
        for name in _methods(bench, "score", "contributions"):
            refuses_width(getattr(bench.fitted, name), bench.samples.ordinary(10, width))


def refuses_width(method: Callable[..., object], data: Dataset) -> None:
    """Hold a method of a detector that was fitted on four columns to refusing another number of them.

    Raises:
        Failure: It does not, or does not name both numbers.
    """
    name = getattr(method, "__name__", "it")
    mend = f"call data.check_width(fitted) first in {name}, with the number of columns fitted on"
    line = refuses(SchemaMismatchError, method, data, when=f"of {data.width} columns after {COLUMNS}", mend=mend)
    if not {str(COLUMNS), str(data.width)} <= set(re.findall(r"\d+", line)):
        raise Failure(expected=f"a message that names {COLUMNS} and {data.width}", got=repr(line), mend=mend)


def not_fitted(bench: DetectorBench) -> None:
    """A mistake of who calls it, said in one line."""
    for name in _methods(bench, "score", "state", "contributions", "update"):
        given = () if name == "state" else (bench.samples.ordinary(10),)
        mend = f"raise anomalist.errors.NotFittedError in {name} where nothing is learned yet"
        refuses(NotFittedError, getattr(bench.build(), name), *given, when="before fit", mend=mend)


def _copes(bench: DetectorBench, data: Dataset, what: str, guard: str) -> None:
    """It fits the rows, and scores these and a row like none of them finitely."""
    mend, _ = f"guard against {guard}", bench.scores
    with attempting(f"it can be fitted on {what} and score them", mend):
        detector = bench.fit(data)
        scores = bench.score(detector, data)
        other = bench.score(detector, bench.samples.probe(columns=data.width).data)
    for found in (scores, other):
        bad = ~np.isfinite(found)
        if bad.any():
            raise Failure(
                expected=f"finite scores, fitted on {what}",
                got=f"{found[bad][0]}, {bad.sum()} of {found.size} are not finite",
                mend=mend,
            )


def _methods(bench: DetectorBench, *names: str) -> list[str]:
    return [name for name in names if callable(getattr(bench.loaded, name, None))]
