"""What it can do beyond fitting and scoring: explain itself, go on, move to other columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from anomalist.detector import Detector, Explainable, Resumable, Trait, Transferable
from anomalist.testing.detector.bench import ENOUGH, separation
from anomalist.testing.detector.samples import COLUMNS
from anomalist.testing.detector.shapes import refuses_width
from anomalist.testing.promise import Failure, attempting, itself

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.detector import Bools, Floats
    from anomalist.testing.detector.bench import DetectorBench
    from anomalist.testing.promise import Checks

__all__ = ["add_roles"]

_BLAMED = 0.7  # of the rows in which one column was disturbed
_ROLES = {Trait.EXPLAINS: (Explainable, "contributions"), Trait.WARM_START: (Resumable, "update")}


def add_roles(checks: Checks) -> None:
    """Add the checks."""
    checks.add("protocol", "it can be fitted, scored, saved and restored")(protocol)
    checks.add("traits", "its traits say what it can do")(traits)
    checks.add("parts", "what columns add to a score is finite and never negative")(parts)
    checks.add("blame", "the column that is far out is the one that is blamed")(blame)
    checks.add("update", "it goes on from what it learned, and still ranks rows far out higher")(update)
    checks.add("update-columns", "going on with another number of columns is refused, and both are named")(
        update_columns
    )
    checks.add("transfer", "it takes what it learned along to other columns")(transfer)


def protocol(bench: DetectorBench) -> None:
    """The methods that every detector has."""
    missing = [name for name in ("fit", "score", "state", "restore") if not callable(getattr(bench.loaded, name, None))]
    if missing:
        raise Failure(
            expected="the methods fit, score, state and restore",
            got=f"no {', '.join(missing)}",
            mend="add what is missing: anomalist.detector.Detector says what each takes and returns",
        )


def traits(bench: DetectorBench) -> None:
    """People choose by traits; the engine looks for methods."""
    spec, detector = bench.spec, bench.build()
    for trait, (role, method) in _ROLES.items():
        said, able = trait in spec.handles, isinstance(detector, role)
        if said != able:
            raise Failure(
                expected=f"Trait.{trait.name} in handles where there is a method {method}, and only there",
                got=f"{'the trait without the method' if said else 'the method without the trait'}",
                mend=f"{'take the trait out of' if said else 'add the trait to'} handles in the description",
            )
    needed = Trait.SERIES if spec.eats == "windows" else Trait.TABULAR
    if needed not in spec.handles:
        raise Failure(
            expected=f"Trait.{needed.name} in handles, since it eats {spec.eats}",
            got=", ".join(sorted(spec.handles)) or "no traits",
            mend=f"add Trait.{needed.name} to handles in the description",
        )


def parts(bench: DetectorBench) -> None:
    """Reasons are shares of them."""
    found = np.asarray(_parts(bench, bench.probe.data))
    expected = (len(bench.probe.data), COLUMNS)
    good = found.shape == expected and np.isfinite(found).all() and (found >= 0).all()
    if not good:
        raise Failure(
            expected=f"contributions of shape {expected}, finite, at least 0",
            got=f"shape {found.shape}, from {found.min():.3g} to {found.max():.3g}"
            if found.size
            else f"shape {found.shape}",
            mend="return for each row how much each column added to its score, 0 where it did not matter",
        )


def blame(bench: DetectorBench) -> None:
    """A reason that names another column is worse than none."""
    hits = []
    for column in range(COLUMNS):
        found = np.asarray(_parts(bench, bench.samples.disturbed(column)))
        hits += list(found.argmax(axis=1) == column)
    if np.mean(hits) < _BLAMED:
        raise Failure(
            expected=f"the disturbed column has the highest contribution in at least {_BLAMED:.0%} of the rows",
            got=f"in {np.mean(hits):.0%}",
            mend="look at the order of the columns, and at what a contribution is made of; without the method, reasons"
            " are found by ablation",
        )


def update(bench: DetectorBench) -> None:
    """A warm start."""
    bench.needs("update")
    _ = bench.ranked
    detector = cast("Resumable", bench.fit())
    with attempting("update takes new rows of the same columns", "let it take whatever fit takes"):
        found = detector.update(bench.samples.ordinary(seed=8))
    itself(found, detector, "update")
    _ranks(bench.score(cast("Detector", detector), bench.probe.data), bench.probe.far, "update")


def update_columns(bench: DetectorBench) -> None:
    """What was learned is about other columns."""
    bench.needs("update")
    refuses_width(cast("Resumable", bench.fit()).update, bench.samples.ordinary(20, COLUMNS - 1))


def transfer(bench: DetectorBench) -> None:
    """A column went, another came, the rest changed places."""
    bench.needs("transfer")
    _ = bench.ranked
    detector, kept = cast("Transferable", bench.fit()), np.array([3, 0, 1])
    training = bench.samples.take(bench.samples.ordinary(), kept)
    with attempting("transfer takes [3, 0, None], and update goes on with three columns", "see what was raised"):
        moved = detector.transfer([3, 0, None])
        found = detector.update(training)
    itself(moved, detector, "transfer")
    itself(found, detector, "update")
    rows = bench.samples.take(bench.probe.data, kept)
    _ranks(bench.score(cast("Detector", detector), rows), bench.probe.far, "transfer and update")


def _parts(bench: DetectorBench, data: Dataset) -> Floats:
    bench.needs("contributions")
    return cast("Explainable", bench.fitted).contributions(data)


def _ranks(scores: Floats, far: Bools, what: str) -> None:
    found = separation(scores, far) if np.isfinite(scores).all() else 0.0
    if found < ENOUGH:
        raise Failure(
            expected=f"after {what}, rows far out score higher in at least {ENOUGH:.0%} of the pairs",
            got=f"in {found:.0%}" if np.isfinite(scores).all() else "scores that are not finite",
            mend=f"go on from what was learned: {what} must leave higher more anomalous",
        )
