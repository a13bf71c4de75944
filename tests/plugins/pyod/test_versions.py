"""A state that other versions of the libraries saved."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pytest

from anomalist.data.dataset import Dataset
from anomalist.errors import ModelFileError
from anomalist_plugins.pyod import detectors
from anomalist_plugins.pyod.versions import check_versions

ROWS = Dataset.from_array(np.random.default_rng(0).normal(size=(60, 3)))
PYOD, SKLEARN = (".".join(version(name).split(".")[:2]) for name in ("pyod", "scikit-learn"))


@pytest.mark.parametrize(("name", "expected"), [("KNN", SKLEARN), ("IForest", SKLEARN), ("HBOS", None)])
def test_a_state_says_the_versions_of_the_libraries_whose_objects_it_holds(name: str, expected: str | None) -> None:
    detector = getattr(detectors, name)().fit(ROWS)
    state = detector.state()
    assert state["versions"]["pyod"] == PYOD
    assert state["versions"].get("scikit-learn") == expected
    assert np.array_equal(getattr(detectors, name)().restore(state).score(ROWS), detector.score(ROWS))


@pytest.mark.parametrize(("library", "now"), [("pyod", PYOD), ("scikit-learn", SKLEARN)])
def test_a_state_of_another_version_is_refused_before_it_is_read(library: str, now: str) -> None:
    state = dict(detectors.KNN().fit(ROWS).state())
    state |= {"versions": {**state["versions"], library: "0.99"}, "models": "not looked at"}
    with pytest.raises(ModelFileError) as caught:
        detectors.KNN().restore(state)
    assert str(caught.value) == (
        f"it was saved with {library} 0.99, and {now} is installed: its scores could be others; "
        f"pip install '{library}==0.99.*', or fit it again"
    )


def test_a_library_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(ModelFileError, match=r"saved with no-such-library 1\.2, and none is installed"):
        check_versions({"no-such-library": "1.2"})
