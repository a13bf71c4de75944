"""Labelled rows to search on, and detectors of which a search has to be careful."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from anomalist.data.table import Table
from anomalist.engine.workspace import Workspace
from anomalist.plugins.registry import Registry
from anomalist.store.repository import Store
from tests.helpers import install_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CAREFUL = '''
import os, signal, time
from dataclasses import dataclass
import numpy as np
from anomalist import DetectorSpec, hookimpl
from anomalist.detector import check_deadline, check_parameter

@dataclass
class Weighted:
    """Distance from the median in one column or the other.

    Attributes:
        weight: Of the first column; the second has the rest.
        turned: Upside down.
        layers: Not used.
        steps: Not used.
    """

    weight: float = 0.0
    turned: str = "no"
    layers: tuple[int, ...] | None = None
    steps: int = 3

    def __post_init__(self):
        check_parameter(self.steps >= 1, "steps", self.steps, "at least 1")
        check_parameter(self.turned in ("no", "yes", "maybe"), "turned", self.turned, "no, yes or maybe")

    def fit(self, data):
        self.centre = np.median(data.values, axis=0)
        return self

    def score(self, data):
        apart = np.abs(data.values - self.centre).astype(np.float64)
        score = self.weight * apart[:, 0] + (1 - self.weight) * apart[:, 1]
        return -score if self.turned == "yes" else score

    def state(self):
        return {"centre": self.centre}

    def restore(self, state):
        self.centre = state["centre"]
        return self

class Picky(Weighted):
    def fit(self, data):
        if self.weight > 0.5:
            raise RuntimeError("too much weight")
        return super().fit(data)

class Broken(Weighted):
    def fit(self, data):
        raise RuntimeError("out of luck")

class Slow(Weighted):
    def fit(self, data):
        for _ in range(6):
            time.sleep(0.05)
            check_deadline()
        return super().fit(data)

class Interrupted(Weighted):
    def fit(self, data):
        if os.path.exists(os.path.join(os.path.dirname(__file__), "interrupt")) and self.weight > 0.6:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.3)
        return super().fit(data)

@hookimpl
def anomalist_detectors():
    return [
        DetectorSpec(
            name=c.__name__.lower(), summary="A detector.", factory=f"{__name__}:{c.__name__}", family="other",
            search=("weight=0..1", "turned=no|yes"),
        )
        for c in (Weighted, Picky, Broken, Slow, Interrupted)
    ]
'''


@pytest.fixture
def searching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A new store, with the detectors above beside the bundled ones."""
    site = tmp_path / "careful"
    site.mkdir()
    install_plugin(site, "careful", CAREFUL)
    monkeypatch.syspath_prepend(site)
    with Workspace(
        store=Store.open(data_home=tmp_path), registry=Registry.load(), models=tmp_path / "models"
    ) as opened:
        yield opened


@pytest.fixture
def labelled() -> Table:
    """240 rows, 40 of them anomalies, which stand out in column `a` and not in `b`, and a time."""
    rng = np.random.default_rng(0)
    fraud = rng.permutation(np.repeat([1, 0], [40, 200]))
    frame = pl.DataFrame(
        {
            "a": rng.normal(size=240) + 3.0 * fraud * rng.choice([-1, 1], 240),
            "b": rng.normal(size=240),
            "fraud": fraud,
        }
    )
    return Table.from_frame(frame, source="payments.csv", label="fraud")
