"""The checks of combiners that need no labels."""

from __future__ import annotations

import inspect
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from anomalist.testing.bench import Bench
from anomalist.testing.description import add_description
from anomalist.testing.process import add_process
from anomalist.testing.promise import Checks, Failure, NotApplicable, attempting, told

if TYPE_CHECKING:
    from anomalist.detector import Floats

__all__ = ["BENCH", "CHECKS"]

_DETECTORS = 5
_ROUNDING = 1e-9

CHECKS = Checks()
add_description(CHECKS)


class CombinerBench(Bench):
    """The combiner that is checked, and surprises to combine."""

    @cached_property
    def surprises(self) -> Floats:
        """Bits of five detectors on two hundred rows, some alike, some far out."""
        rng = np.random.default_rng(0)
        shared = rng.exponential(1.0, size=(200, 1))
        found: Floats = 0.5 * shared + rng.exponential(1.0, size=(200, _DETECTORS))
        found[:10] += 12.0
        return found

    @cached_property
    def takes_votes(self) -> bool:
        """Whether it asks how much each detector's voice counts."""
        return "votes" in inspect.signature(self.loaded).parameters

    def combine(self, surprises: Floats, votes: Floats | None = None) -> Floats:
        """Call it as a run does."""
        votes = np.ones(surprises.shape[1]) if votes is None else votes
        return np.asarray(self.loaded(surprises, **({"votes": votes} if self.takes_votes else {})), dtype=np.float64)

    @cached_property
    def consensus(self) -> Floats:
        """What it makes of the surprises.

        Raises:
            NotApplicable: Not one finite number a row, which checks of their own say.
        """
        try:
            found = self.combine(self.surprises.copy())
        except (Exception, SystemExit) as error:
            raise NotApplicable(f"it fails on ordinary surprises: {told(error)}") from error
        if found.shape != self.surprises.shape[:1] or not np.isfinite(found).all():
            raise NotApplicable("it does not give one finite number a row, which other checks say")
        return found

    def work(self) -> None:
        """Combine once, as a run does."""
        self.combine(self.surprises.copy())


BENCH = CombinerBench
add_process(CHECKS)


@CHECKS.add("shape", "it gives one number for each row")
def shape(bench: CombinerBench) -> None:
    """Rows in, rows out."""
    for rows in (len(bench.surprises), 1):
        found = bench.combine(bench.surprises[:rows])
        if found.shape != (rows,):
            raise Failure(
                expected=f"shape ({rows},) of surprises of shape {(rows, _DETECTORS)}",
                got=f"shape {found.shape}",
                mend="combine along axis=1, the detectors",
            )


@CHECKS.add("finite", "what it gives is finite, of small surprises, large ones and none")
def finite(bench: CombinerBench) -> None:
    """Surprise is at least 0 and has no upper bound."""
    for what, surprises in {
        "ordinary surprises": bench.surprises,
        "surprises of 0": np.zeros((5, _DETECTORS)),
        "surprises of 1,000,000 bits": np.full((5, _DETECTORS), 1e6),
    }.items():
        found = bench.combine(surprises.copy())
        if not np.isfinite(found).all():
            raise Failure(
                expected=f"finite numbers of {what}",
                got=str(found[~np.isfinite(found)][0]),
                mend="guard logarithms and divisions by zero, and powers that overflow",
            )


@CHECKS.add("monotone", "it never falls when a surprise rises")
def monotone(bench: CombinerBench) -> None:
    """One detector that cries louder must not calm the panel."""
    before = bench.consensus
    for detector in range(_DETECTORS):
        for rise in (0.1, 3.0, 50.0):
            raised = bench.surprises.copy()
            raised[:, detector] += rise
            fall = before - bench.combine(raised)
            row = int(fall.argmax())
            if fall[row] > _ROUNDING * max(1.0, abs(before[row])):
                raise Failure(
                    expected=f"no lower a number when a detector's surprise rises by {rise:g} bits",
                    got=f"a fall by {fall[row]:.3g}, from {before[row]:.4g}, in row {row}",
                    mend="use sums, means, medians, maxima and other functions that rise in each of their arguments",
                )


@CHECKS.add("polarity", "rows at which all cry louder come out higher")
def polarity(bench: CombinerBench) -> None:
    """Rows 0 to 9 surprise every detector."""
    loud, rest = bench.consensus[:10].min(), bench.consensus[10:].max()
    if loud <= rest:
        raise Failure(
            expected="rows that surprise every detector by 12 bits more are higher than all others",
            got=f"{loud:.4g} of the lowest of them, {rest:.4g} of the highest other",
            mend="higher is more anomalous: let what is returned rise with the surprises, and tell rows apart",
        )


@CHECKS.add("one-detector", "of one detector it keeps the order of the rows")
def one_detector(bench: CombinerBench) -> None:
    """A panel of one, or one that is left of a panel."""
    alone = np.sort(bench.surprises[:, :1], axis=0)
    with attempting("it combines the surprises of one detector", "let nothing depend on a second detector"):
        found = bench.combine(alone.copy())
    if found.shape != (len(alone),) or (np.diff(found) < 0).any() or found[-1] == found[0]:
        raise Failure(
            expected="numbers that rise with the surprise of the one detector",
            got=f"shape {found.shape}, {np.mean(np.diff(found) < 0):.0%} of the steps down",
            mend="let nothing depend on a second detector",
        )


@CHECKS.add("one-row", "one row gets the same alone as among others")
def one_row(bench: CombinerBench) -> None:
    """Scores stay comparable, for one row or a million."""
    for row in (0, 17, 199):
        alone = float(bench.combine(bench.surprises[row : row + 1].copy())[0])
        if not np.isclose(alone, bench.consensus[row], rtol=_ROUNDING):
            raise Failure(
                expected=f"{bench.consensus[row]:.6g} for row {row}, as among others",
                got=f"{alone:.6g} alone",
                mend="use nothing of the other rows: no ranks, no means or scales over rows",
            )


@CHECKS.add("again", "the same surprises give the same numbers")
def again(bench: CombinerBench) -> None:
    """A run can be repeated."""
    if not np.array_equal(bench.combine(bench.surprises.copy()), bench.consensus):
        raise Failure(
            expected="the same numbers the second time",
            got="others",
            mend="draw from numpy.random.default_rng(seed) made in the function, with a seed that is a parameter",
        )


@CHECKS.add("input", "it does not write to the surprises that it is given")
def input_kept(bench: CombinerBench) -> None:
    """Reasons are worked out from the same array."""
    given = bench.surprises.copy()
    bench.combine(given)
    if not np.array_equal(given, bench.surprises):
        raise Failure(
            expected="surprises as they were given",
            got="changed ones",
            mend="work on a copy: surprises.copy() makes one",
        )


@CHECKS.add("votes", "a detector without a vote changes nothing")
def votes(bench: CombinerBench) -> None:
    """Detectors that err alike share a vote; the weights of a user may be 0."""
    if not bench.takes_votes:
        raise NotApplicable("it does not ask for votes: all detectors count the same")
    weights = np.array([1.0, 1.0, 0.5, 0.5, 0.0])
    changed = bench.surprises.copy()
    changed[:, -1] = changed[::-1, -1]
    apart = np.abs(bench.combine(changed, weights) - bench.combine(bench.surprises.copy(), weights)).max()
    if not apart <= _ROUNDING:
        raise Failure(
            expected="the same numbers, whatever a detector says whose vote is 0",
            got=f"a difference of up to {apart:.3g}",
            mend="weigh each column of the surprises by its vote",
        )
