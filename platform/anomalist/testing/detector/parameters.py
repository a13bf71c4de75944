"""What becomes of a detector's parameters: they are stored with a model, and what they were asked to be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from anomalist.plugins.parameters import check_parameters
from anomalist.testing.detector.bench import alike
from anomalist.testing.fields import fields_of
from anomalist.testing.promise import Failure, attempting

if TYPE_CHECKING:
    from anomalist.testing.detector.bench import DetectorBench
    from anomalist.testing.promise import Checks

__all__ = ["add_parameters"]


def add_parameters(checks: Checks) -> None:
    """Add the checks."""
    checks.add("rebuilt", "built again from its parameters it gives the same scores")(rebuilt)
    checks.add("kept", "fitting leaves its parameters as they were")(kept)


def rebuilt(bench: DetectorBench) -> None:
    """A model stores the parameters as JSON and builds the detector from them."""
    scores, detector = bench.steady, bench.build()
    params = {field.name: getattr(detector, field.name) for field in fields_of(bench.loaded)}
    mend = "keep plain values in the fields that are parameters; what is worked out goes into fields with init=False"
    with attempting("the parameters can be written as JSON", mend):
        plain = json.loads(json.dumps(params))
    with attempting("it can be built again from its parameters", mend):
        again = bench.loaded(**check_parameters(bench.subject.name, bench.loaded, plain))
    again.fit(bench.samples.ordinary())
    alike(bench.score(again, bench.probe.data), scores, what="the scores of the one that was built first", mend=mend)


def kept(bench: DetectorBench) -> None:
    """What the user asked for stays what the user asked for."""
    fitted, fresh = bench.fitted, bench.build()
    for field in fields_of(bench.loaded):
        before, after = getattr(fresh, field.name), getattr(fitted, field.name)
        if before != after:
            raise Failure(
                expected=f"{field.name} is {before!r} after fit, as before",
                got=repr(after),
                mend="keep what fit works out in a field with init=False, named with an underscore",
            )
