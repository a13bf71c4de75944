"""What its description says that `anomalist tune` may try."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anomalist.engine.tuning.space import Space
from anomalist.errors import ParameterError
from anomalist.plugins.parameters import describe_parameters
from anomalist.plugins.space import parse_space
from anomalist.testing.fields import buildable
from anomalist.testing.promise import Failure, NotApplicable, told

if TYPE_CHECKING:
    from anomalist.engine.tuning.space import Point
    from anomalist.testing.detector.bench import DetectorBench
    from anomalist.testing.promise import Checks

__all__ = ["add_search"]

_DRAWN = 20  # points at random, beside those with the ends of ranges


def add_search(checks: Checks) -> None:
    """Add the check."""
    checks.add("search", "it can be built with whatever its search space holds")(search)


def search(bench: DetectorBench) -> None:
    """A search refuses a space of which a corner cannot be built; another point that cannot be is a failed trial."""
    texts = bench.spec.search
    if not texts:
        raise NotApplicable("its description names nothing to search")
    buildable(bench)
    try:
        space = Space.of(bench.subject.name, parse_space(texts), describe_parameters(bench.subject.name, bench.loaded))
    except ParameterError as error:
        raise Failure(
            expected="each text in search is a parameter of it and a range, or choices",
            got=str(error),
            mend="write 'power=0.5..4', 'power=0.1..100:log' or 'metric=l1|l2' in search",
        ) from error
    rng = np.random.default_rng(0)
    for point in (*space.corners(), *(space.drawn(rng) for _ in range(_DRAWN))):
        _build(bench, point)


def _build(bench: DetectorBench, point: Point) -> None:
    try:
        bench.new({**bench.subject.params, **point})
    except (Exception, SystemExit) as error:
        values = ", ".join(f"{name}={value}" for name, value in point.items())
        raise Failure(
            expected=f"it can be built with {values}",
            got=told(error),
            mend="let search hold only values that it takes, each with every value of the others",
        ) from error
