"""The checks of detectors."""

from __future__ import annotations

from anomalist.testing.description import add_description
from anomalist.testing.detector.bench import DetectorBench as BENCH  # noqa: N814 - what every module of a kind calls it
from anomalist.testing.detector.manners import add_manners
from anomalist.testing.detector.parameters import add_parameters
from anomalist.testing.detector.repeating import add_repeating
from anomalist.testing.detector.roles import add_roles
from anomalist.testing.detector.saving import add_saving
from anomalist.testing.detector.scores import add_scores
from anomalist.testing.detector.search import add_search
from anomalist.testing.detector.shapes import add_shapes
from anomalist.testing.fields import add_fields
from anomalist.testing.promise import Checks

__all__ = ["BENCH", "CHECKS"]

CHECKS = Checks()
add_description(CHECKS)
add_fields(CHECKS)
add_parameters(CHECKS)
add_search(CHECKS)
add_scores(CHECKS)
add_repeating(CHECKS)
add_shapes(CHECKS)
add_saving(CHECKS)
add_manners(CHECKS)
add_roles(CHECKS)
