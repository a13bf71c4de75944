"""The promises that every detector makes, and what this one promises besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from anomalist_masked.detector import Masked

from anomalist import Dataset
from anomalist.testing import parametrize_with_checks

if TYPE_CHECKING:
    from anomalist.testing import Check


@parametrize_with_checks(["masked"])
def test_conformance(check: Check) -> None:
    check()


def test_a_broken_relation_is_found_and_laid_to_the_columns_that_break_it() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 400))
    rows = np.column_stack([a, a + 0.1 * rng.normal(size=400), b, b + 0.1 * rng.normal(size=400)])
    rows[5] = [1.5, -1.5, 0.0, 0.0]
    data = Dataset.from_array(rows)
    detector = Masked().fit(data)
    parts = detector.contributions(data)
    assert detector.score(data).argmax() == 5
    assert parts[5, :2].sum() > 10 * parts[5, 2:].sum()
    assert parts.sum(axis=1) == pytest.approx(detector.score(data))
