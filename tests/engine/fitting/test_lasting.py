"""A model finds its detectors and its combiner by their packages, whatever else is called so when it is used again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import anomalist
from anomalist.errors import UnknownNameError
from tests.helpers import install_plugin

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

DISTANT = """
from dataclasses import dataclass, field

import numpy as np
from anomalist import DetectorSpec, hookimpl
from anomalist.detector import CombinerSpec

@dataclass
class Distant:
    power: float = 2.0
    centre: object = field(default=None, init=False)

    def fit(self, data):
        self.centre = np.median(data.values, axis=0).astype(np.float64)
        return self

    def score(self, data):
        return (np.abs(data.values - self.centre) ** self.power).sum(axis=1)

    def state(self):
        return {"centre": self.centre}

    def restore(self, state):
        self.centre = state["centre"]
        return self

@hookimpl
def anomalist_detectors():
    return [DetectorSpec(name="distant", summary="Far off.", factory=__name__ + ":Distant", family="other")]

def loudest(surprises):
    return surprises.max(axis=1)

@hookimpl
def anomalist_combiners():
    return [CombinerSpec(name="loudest", summary="The loudest.", factory=__name__ + ":loudest")]
"""


def test_a_second_package_with_the_same_name_changes_no_model(
    frame: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANOMALIST_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "payments.parquet"
    frame.write_parquet(path)
    install_plugin(tmp_path, "one", DISTANT)
    chosen = ["distant:power=1", "mahalanobis"]
    first = anomalist.run(path, key="id", label="fraud", detectors=chosen, combiner="loudest", name="m")
    install_plugin(tmp_path, "two", DISTANT)
    with pytest.raises(UnknownNameError, match="brought by several packages; use one:distant or two:distant"):
        anomalist.run(path, key="id", label="fraud", detectors=chosen)
    again = anomalist.score(path, "m", key="id")
    assert again.scores["score"].equals(first.scores["score"])
    assert again.scores["distant"].equals(first.scores["distant"])
    refitted = anomalist.retrain("m", members="refit", promote=True)
    assert refitted.scores["one:distant"].equals(first.scores["distant"])
