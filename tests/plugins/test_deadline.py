"""Every bundled detector stops scoring when its time is over."""

from __future__ import annotations

import numpy as np
import pytest

from anomalist.data.dataset import Dataset
from anomalist.detector import Explainable
from anomalist.errors import DetectorTimeoutError
from anomalist.plugins.registry import Registry
from tests.helpers import no_time_left

REGISTRY = Registry.load()
SHORT = {"epochs": 1, "trees": 5, "exact_rows": 20, "device": "cpu"}


# those of the bridge, `pyod:NAME`, stop by code that they share, which has a test of its own
@pytest.mark.parametrize("name", [spec.name for spec in REGISTRY.specs() if ":" not in spec.name])
def test_scoring_stops_when_the_time_is_over(name: str) -> None:
    spec = REGISTRY.spec(name)
    shape = (40, 8, 2) if spec.eats == "windows" else (90, 3)
    data = Dataset.from_array(np.random.default_rng(0).normal(size=shape))
    takes = {parameter.name for parameter in REGISTRY.parameters(name)}
    detector = REGISTRY.build(name, {key: value for key, value in SHORT.items() if key in takes})
    detector.fit(data)
    with no_time_left(), pytest.raises(DetectorTimeoutError):
        detector.score(data)
    if isinstance(detector, Explainable) and name != "mahalanobis":  # which explains in one matrix product
        with no_time_left(), pytest.raises(DetectorTimeoutError):
            detector.contributions(data)
    assert np.isfinite(detector.score(data)).all()
