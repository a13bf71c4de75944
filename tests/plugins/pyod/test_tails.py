"""ECOD and COPOD by the training rows alone."""

from __future__ import annotations

import numpy as np
import pytest

from anomalist.data.dataset import Dataset
from anomalist.errors import DetectorTimeoutError, NotFittedError
from anomalist_plugins.pyod.library import library
from anomalist_plugins.pyod.tails import COPOD, ECOD
from tests.helpers import no_time_left

RNG = np.random.default_rng(0)
ROWS = RNG.lognormal(size=(120, 3)) * [1, -1, 1]
NEW = np.concatenate([ROWS[:5], RNG.lognormal(size=(10, 3)) * [1, -1, 1], [[50, 50, 50], [-50, -50, -50]]])


@pytest.mark.parametrize("cls", [ECOD, COPOD])
def test_a_row_gets_what_pyod_gives_it_alone(cls: type) -> None:
    training, new = Dataset.from_array(ROWS), Dataset.from_array(NEW)
    found = cls().fit(training).score(new)
    theirs = library().find(f"pyod.models.{cls.__name__.lower()}", cls.__name__)()
    theirs.fit(training.values.astype(np.float64))
    rows = new.values.astype(np.float64)
    # PyOD counts the row among those whose skewness it takes; one far out may turn its sign
    expected = [theirs.decision_function(rows[i : i + 1])[0] for i in range(len(rows) - 2)]
    np.testing.assert_allclose(found[:-2], expected, rtol=1e-6)
    assert (found[-2:] > np.median(found)).all()


@pytest.mark.parametrize("cls", [ECOD, COPOD])
def test_columns_add_up_to_the_score(cls: type) -> None:
    detector = cls().fit(Dataset.from_array(ROWS))
    parts = detector.contributions(Dataset.from_array(NEW))
    assert (parts >= 0).all()
    np.testing.assert_allclose(parts.sum(axis=1), detector.score(Dataset.from_array(NEW)))


@pytest.mark.parametrize("cls", [ECOD, COPOD])
def test_the_clock_and_a_detector_that_is_not_fitted(cls: type) -> None:
    data = Dataset.from_array(ROWS)
    for call in (cls().score, cls().contributions):
        with pytest.raises(NotFittedError):
            call(data)
    with pytest.raises(NotFittedError):
        cls().state()
    detector = cls().fit(data)
    with no_time_left(), pytest.raises(DetectorTimeoutError):
        detector.score(data)
