"""What scores are: one finite number a row, higher for what is odder, and of that row alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anomalist.data.dataset import Dataset
from anomalist.testing.detector.bench import ENOUGH, alike, separation
from anomalist.testing.promise import Failure, attempting, itself, told

if TYPE_CHECKING:
    from anomalist.testing.detector.bench import DetectorBench
    from anomalist.testing.promise import Checks

__all__ = ["add_scores"]

_LARGE = 1e6
_ALONE = 8


def add_scores(checks: Checks) -> None:
    """Add the checks."""
    checks.add("fits", "it fits ordinary rows and returns itself")(fits)
    checks.add("shape", "it gives one score for each row")(shape)
    checks.add("dtype", "scores are floating-point numbers")(dtype)
    checks.add("finite", "scores are finite")(finite)
    checks.add("polarity", "rows far out score higher than ordinary ones")(polarity)
    checks.add("tells-apart", "scores tell rows apart")(tells_apart)
    checks.add("large", "values a million times as large do it no harm")(large)
    checks.add("one-row", "one row gets the same score alone as in a batch")(one_row)
    checks.add("order", "the order of the rows does not change their scores")(order)
    checks.add("again", "scoring twice gives the same scores")(again)


def fits(bench: DetectorBench) -> None:
    """`fit` works and returns the detector itself."""
    detector = bench.build()
    with attempting("fit takes ordinary rows", "see what was raised; 200 rows of ordinary numbers must be enough"):
        found = detector.fit(bench.samples.ordinary())
    itself(found, detector, "fit")


def shape(bench: DetectorBench) -> None:
    """One number a row."""
    rows = len(bench.probe.data)
    found, error = bench.answered
    if error is not None:
        raise Failure(
            expected="score takes rows of the columns that it was fitted on",
            got=told(error),
            mend="see what was raised; rows unlike those of fit must have scores, too",
        )
    if not isinstance(found, np.ndarray) or found.shape != (rows,):
        got = f"shape {found.shape}" if isinstance(found, np.ndarray) else f"a {type(found).__name__}"
        raise Failure(
            expected=f"score returns a numpy array of shape ({rows},)", got=got, mend="return one number for each row"
        )


def dtype(bench: DetectorBench) -> None:
    """Floats, not whole numbers or booleans, which are classes and not scores."""
    found = np.asarray(bench.answer)
    if found.dtype not in (np.float32, np.float64):
        raise Failure(
            expected="scores of float64 or float32",
            got=f"scores of {found.dtype}",
            mend="return a score that grows with how odd a row is, no class, as .astype(np.float64)",
        )


def finite(bench: DetectorBench) -> None:
    """No NaN, no infinity."""
    scores = np.asarray(bench.answer, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(scores))
    if bad.size:
        raise Failure(
            expected="finite scores",
            got=f"{scores.flat[bad[0]]} in row {bad[0]}, {bad.size} of {scores.size} in all",
            mend="guard divisions by zero and logarithms of zero, and bound what overflows",
        )


def polarity(bench: DetectorBench) -> None:
    """Higher is more anomalous."""
    found = separation(bench.scores, bench.probe.far)
    if found < ENOUGH:
        raise Failure(
            expected=f"rows far out score higher than ordinary ones in at least {ENOUGH:.0%} of the pairs",
            got=f"in {found:.0%}",
            mend="higher is more anomalous: return minus the score if it is the other way round"
            if found < 0.5
            else "look at what the score of a row far out is made of",
        )


def tells_apart(bench: DetectorBench) -> None:
    """Ordinary rows are not all given the same."""
    ordinary = bench.scores[~bench.probe.far]
    different = np.unique(ordinary).size
    if different < ordinary.size // 10:
        raise Failure(
            expected=f"at least {ordinary.size // 10} different scores of {ordinary.size} different ordinary rows",
            got=f"{different}",
            mend="return how odd a row is, not whether it is; a bound that cuts scores off makes them tie",
        )


def large(bench: DetectorBench) -> None:
    """The unit in which a column is measured must not break it."""
    _ = bench.ranked
    training = Dataset.from_array(_LARGE * bench.samples.ordinary().values)
    probe = bench.samples.probe(scale=_LARGE)
    with attempting("it takes values around a million", "scale the columns in fit, and compute in float64"):
        scores = bench.score(bench.fit(training), probe.data)
    found = separation(scores, probe.far) if np.isfinite(scores).all() else float("nan")
    if not found >= ENOUGH:
        got = (
            "scores that are not finite" if np.isnan(found) else f"rows far out are higher in {found:.0%} of the pairs"
        )
        raise Failure(
            expected=f"finite scores, higher for rows far out in at least {ENOUGH:.0%} of the pairs",
            got=got,
            mend="scale the columns in fit, and compute in float64: data.values is float32",
        )


def one_row(bench: DetectorBench) -> None:
    """A row's score depends on that row alone."""
    rows = np.linspace(0, len(bench.probe.data) - 1, _ALONE).astype(int)
    expected = bench.scores[rows]
    with attempting("score takes a single row", "let score work on data of one row"):
        alone = np.concatenate([bench.score(bench.fitted, bench.probe.data.take(slice(row, row + 1))) for row in rows])
    if alone.shape != expected.shape:
        raise Failure(
            expected="one score for one row", got=f"{alone.size} for {_ALONE}", mend="return shape (1,) for one row"
        )
    alike(
        alone,
        expected,
        what="a row alone gets the score that it has in the batch",
        mend="take means, ranks and scales from the rows of fit, never from the rows that are scored",
    )


def order(bench: DetectorBench) -> None:
    """Where a row stands among those that are scored does not matter."""
    shuffled = np.random.default_rng(7).permutation(len(bench.probe.data))
    expected = bench.scores[shuffled]
    alike(
        bench.score(bench.fitted, bench.probe.data.take(shuffled)),
        expected,
        what="rows in another order get the same scores in that order",
        mend="score each row by itself; nothing may be carried from one row to the next",
    )


def again(bench: DetectorBench) -> None:
    """Scoring has no memory and draws nothing at random."""
    expected = bench.scores
    alike(
        bench.score(bench.fitted, bench.probe.data),
        expected,
        what="the same rows get the same scores the second time",
        mend="score must change nothing of the detector, and draw from a generator that it seeds anew each time",
    )
