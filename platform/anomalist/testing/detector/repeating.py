"""The same comes out whenever the same goes in."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from anomalist.testing.detector.bench import alike
from anomalist.testing.promise import Failure

if TYPE_CHECKING:
    from anomalist.detector import Floats
    from anomalist.testing.detector.bench import DetectorBench
    from anomalist.testing.promise import Checks

__all__ = ["add_repeating"]


def add_repeating(checks: Checks) -> None:
    """Add the checks."""
    checks.add("seed", "the same seed gives the same scores")(seed)
    checks.add("instances", "what one learns changes no other")(instances)
    checks.add("fit-twice", "fitting twice is fitting once")(fit_twice)
    checks.add("refit", "fitting on other rows forgets the first")(refit)
    checks.add("threads", "two that are fitted side by side learn what one alone learns")(threads)


def seed(bench: DetectorBench) -> None:
    """A run can be repeated."""
    expected, found = bench.scores, bench.second
    if not np.array_equal(found, expected):
        apart = float(np.max(np.abs(found - expected)))
        raise Failure(
            expected="a second one of the same seed, fitted on the same rows, gives the very same scores",
            got=f"{np.mean(found != expected):.0%} of them differ, by up to {apart:.3g}",
            mend="take a parameter seed: int = 0, and draw from numpy.random.default_rng(self.seed) made in fit",
        )


def instances(bench: DetectorBench) -> None:
    """Nothing is kept in the class or in the module."""
    expected = bench.scores
    bench.fit(bench.samples.elsewhere())
    alike(
        bench.score(bench.fitted, bench.probe.data),
        expected,
        what="the scores that it gave before another one was fitted on other rows",
        mend="keep what is learned in self, in no class, module or default argument that all share",
    )


def fit_twice(bench: DetectorBench) -> None:
    """`fit` starts afresh."""
    expected, twice = bench.steady, bench.fit()
    twice.fit(bench.samples.ordinary())
    alike(
        bench.score(twice, bench.probe.data),
        expected,
        what="fitted twice on the same rows it gives the scores of one fitted once",
        mend="let fit begin with nothing learned and a generator seeded anew",
    )


def refit(bench: DetectorBench) -> None:
    """Nothing is left of what it was fitted on before."""
    expected, other = bench.steady, bench.fit(bench.samples.elsewhere())
    other.fit(bench.samples.ordinary())
    alike(
        bench.score(other, bench.probe.data),
        expected,
        what="fitted on other rows first it gives the scores of one that never saw them",
        mend="let fit replace everything that is learned; to go on from before is what update is for",
    )


def threads(bench: DetectorBench) -> None:
    """Detectors of a run are fitted in threads, at the same time."""
    expected = bench.steady
    found: dict[int, Floats | BaseException] = {}

    def work(number: int) -> None:
        try:
            found[number] = bench.score(bench.fit(), bench.probe.data)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - raised again by the thread that waits
            found[number] = error

    workers = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for scores in found.values():
        if isinstance(scores, BaseException):
            raise scores
        alike(
            scores,
            expected,
            what="fitted beside another in a second thread it gives the scores of one fitted alone",
            mend="keep what is learned, and every generator of random numbers, in self, not where all threads share it",
        )
