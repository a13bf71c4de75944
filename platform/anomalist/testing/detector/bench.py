"""DetectorBench: builds and fits the detector that is checked, and compares its scores."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from anomalist.detector import Detector, DetectorSpec
from anomalist.errors import ModelFileError
from anomalist.testing.bench import Bench
from anomalist.testing.detector.apart import Reply, restored_apart
from anomalist.testing.detector.samples import Probe, Samples
from anomalist.testing.promise import Failure, NotApplicable, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.data.dataset import Dataset
    from anomalist.detector import Bools, Floats

__all__ = ["ENOUGH", "DetectorBench", "alike", "separation"]

ENOUGH = 0.9
"""The share of pairs, of a row far out and an ordinary one, in which the former has to score higher."""

_FIXED: Mapping[str, Any] = {"seed": 0, "device": "cpu"}
_RELATIVE = 1e-5  # what sums of float32 in another order may differ by
_ABSOLUTE = 1e-6  # of the spread of the scores


class DetectorBench(Bench):
    """The detector that is checked, and what is tried on it."""

    @property
    def spec(self) -> DetectorSpec:
        """Its description.

        Raises:
            NotApplicable: It has none.
        """
        if not isinstance(self.subject.spec, DetectorSpec):
            raise NotApplicable("no installed plugin describes it")
        return self.subject.spec

    @cached_property
    def samples(self) -> Samples:
        """The data that it eats."""
        return Samples(eats=self.subject.spec.eats if isinstance(self.subject.spec, DetectorSpec) else "rows")

    @cached_property
    def probe(self) -> Probe:
        """Rows to score, some far out."""
        return self.samples.probe()

    def build(self) -> Detector:
        """A new one, with the parameters that were given; where it has a seed or a device, they are fixed.

        Raises:
            NotApplicable: It cannot be built, which a check of its own says.
        """
        cls = self.loaded
        fixed = {name: value for name, value in _FIXED.items() if name in getattr(cls, "__dataclass_fields__", {})}
        try:
            return cast("Detector", self.new({**fixed, **self.subject.params}))
        except (Exception, SystemExit) as error:
            raise NotApplicable(f"it cannot be built: {told(error)}") from error

    def fit(self, data: Dataset | None = None) -> Detector:
        """A new one, fitted on ordinary rows or on others.

        Raises:
            NotApplicable: It cannot be fitted on ordinary rows, which a check of its own says.
        """
        _ = self.fitted
        detector = self.build()
        detector.fit(self.samples.ordinary() if data is None else data)
        return detector

    def work(self) -> None:
        """Build one, fit it and score, as a run does.

        Raises:
            NotApplicable: It cannot do that, which checks of their own say.
        """
        _ = self.answer
        detector = self.build()
        detector.fit(self.samples.ordinary())
        detector.score(self.probe.data)

    @cached_property
    def fitted(self) -> Detector:
        """One fitted on ordinary rows, to be looked at and never changed.

        Raises:
            NotApplicable: It cannot be fitted, which a check of its own says.
        """
        if self._fitted is None:
            raise NotApplicable("it cannot be fitted on ordinary rows, which another check says")
        return self._fitted

    @cached_property
    def _fitted(self) -> Detector | None:
        """The same, None where it cannot be fitted, so that what fails after long work is tried once."""
        detector = self.build()
        try:
            detector.fit(self.samples.ordinary())
        except (Exception, SystemExit):  # noqa: BLE001 - a check of its own says what it was
            return None
        return detector

    @cached_property
    def answer(self) -> Any:
        """What `score` of the fitted one returned for the probe, whatever that is.

        Raises:
            NotApplicable: It returned nothing, which a check of its own says.
        """
        found, error = self.answered
        if error is not None:
            raise NotApplicable("it cannot score rows, which another check says")
        return found

    @cached_property
    def answered(self) -> tuple[Any, BaseException | None]:
        """The same, and what was raised in its place.

        Raises:
            NotApplicable: It cannot be fitted, which a check of its own says.
        """
        fitted = self.fitted
        try:
            return fitted.score(self.probe.data), None
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a check of its own says what it was
            return None, error

    @cached_property
    def scores(self) -> Floats:
        """The same as float64, one finite number a row.

        Raises:
            NotApplicable: It is something else, which checks of their own say.
        """
        scores = np.asarray(self.answer, dtype=np.float64)
        if scores.shape != (len(self.probe.data),) or not np.isfinite(scores).all():
            raise NotApplicable("it does not give one finite number a row, which other checks say")
        return scores

    @cached_property
    def ranked(self) -> Floats:
        """The same, higher for rows far out.

        Raises:
            NotApplicable: They are not higher, which a check of its own says.
        """
        if separation(self.scores, self.probe.far) < ENOUGH:
            raise NotApplicable("rows far out do not score higher, which another check says")
        return self.scores

    @cached_property
    def second(self) -> Floats:
        """The scores of another one, fitted on the same rows."""
        return self.score(self.fit(), self.probe.data)

    @cached_property
    def steady(self) -> Floats:
        """The scores, the same each time it is fitted.

        Raises:
            NotApplicable: They are not the same, which a check of its own says.
        """
        if not np.array_equal(self.scores, self.second):
            raise NotApplicable("the same seed gives other scores, which another check says")
        return self.scores

    def score(self, detector: Detector, data: Dataset) -> Floats:
        """The scores of rows, float64."""
        return np.asarray(detector.score(data), dtype=np.float64)

    @cached_property
    def apart(self) -> Reply:
        """What another process made of the fitted one, when it got what is saved of it; asked once for all checks.

        Raises:
            NotApplicable: It cannot be saved, which a check of its own says; or no other process can find the class.
        """
        self.needs("state")
        self.needs("restore")
        given = self.subject.given
        if given is not None and ("<locals>" in given.__qualname__ or given.__module__ == "__main__"):
            raise NotApplicable("it is defined where no other process finds it; move it to a module")
        try:
            return restored_apart(self.fitted, self.subject.factory, self.probe.data)
        except (ModelFileError, TypeError) as error:
            raise NotApplicable(f"it, or its parameters, cannot be saved: {error}") from error

    def needs(self, method: str) -> None:
        """Go on only where it has a method.

        Raises:
            NotApplicable: It has not.
        """
        if not callable(getattr(self.loaded, method, None)):
            raise NotApplicable(f"it has no method {method}")


def alike(got: Floats, expected: Floats, *, what: str, mend: str) -> None:
    """Refuse scores that differ by more than rounding.

    Raises:
        Failure: They differ; the message gives the row that differs most.
    """
    if got.shape != expected.shape:
        raise Failure(expected=f"{what}, shape {expected.shape}", got=f"shape {got.shape}", mend=mend)
    apart = np.abs(got - expected)
    bad = ~(apart <= _RELATIVE * np.abs(expected) + _ABSOLUTE * np.ptp(expected))  # what is not finite differs, too
    if bad.any():
        row = int(np.argmax(np.where(np.isnan(apart), np.inf, apart)))
        raise Failure(
            expected=what,
            got=f"{bad.sum()} of {bad.size} scores differ, row {row} most: {got[row]:.6g} and {expected[row]:.6g}",
            mend=mend,
        )


def separation(scores: Floats, far: Bools) -> float:
    """The share of pairs, of a row far out and an ordinary one, in which the former scores higher; ties are halves."""
    above = scores[far][:, None] - scores[~far][None, :]
    return float((above > 0).mean() + 0.5 * (above == 0).mean())
