"""The checks of stackers, combiners that learn from verdicts."""

from __future__ import annotations

from anomalist.testing.description import add_description
from anomalist.testing.fields import add_fields
from anomalist.testing.process import add_process
from anomalist.testing.promise import Checks
from anomalist.testing.stacker.answers import add_answers
from anomalist.testing.stacker.bench import StackerBench as BENCH  # noqa: N814 - what every module of a kind calls it
from anomalist.testing.stacker.learning import add_learning

__all__ = ["BENCH", "CHECKS"]

CHECKS = Checks()
add_description(CHECKS)
add_fields(CHECKS)
add_learning(CHECKS)
add_answers(CHECKS)
add_process(CHECKS)
