"""The checks of makers of features: columns that are added to a table before it is encoded."""

from __future__ import annotations

from anomalist.testing.description import add_description
from anomalist.testing.features.bench import FeaturesBench as BENCH  # noqa: N814 - what every module of a kind calls it
from anomalist.testing.features.keeping import add_keeping
from anomalist.testing.features.making import add_making
from anomalist.testing.fields import add_fields
from anomalist.testing.process import add_process
from anomalist.testing.promise import Checks

__all__ = ["BENCH", "CHECKS"]

CHECKS = Checks()
add_description(CHECKS)
add_fields(CHECKS)
add_making(CHECKS)
add_keeping(CHECKS)
add_process(CHECKS)
