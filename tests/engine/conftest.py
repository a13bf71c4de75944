"""A workspace in a temporary folder, with detectors of every temper beside the bundled ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from anomalist.data.table import Table
from anomalist.engine.execution.executor import Threads
from anomalist.engine.workspace import Workspace
from anomalist.plugins.registry import Registry
from anomalist.store.repository import Store
from tests.helpers import install_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEMPERS = '''
import time
from dataclasses import dataclass, field
import numpy as np
from anomalist import DetectorSpec, hookimpl
from anomalist.detector import check_deadline

@dataclass
class Distance:
    """Distance from the mean, in spreads."""
    power: float = 2.0
    seed: int = 0

    def fit(self, data):
        self.mean = data.values.mean(axis=0, dtype=np.float64)
        self.spread = data.values.std(axis=0, dtype=np.float64) + 1e-9
        return self

    def _parts(self, data):
        return (np.abs(data.values - self.mean) / self.spread) ** self.power

    def score(self, data):
        return self._parts(data).sum(axis=1)

    def state(self):
        return {"mean": self.mean, "spread": self.spread}

    def restore(self, state):
        self.mean, self.spread = state["mean"], state["spread"]
        return self

class Explaining(Distance):
    def contributions(self, data):
        return self._parts(data)

class Raises(Distance):
    def fit(self, data):
        raise RuntimeError("out of\\nluck")

class NotFinite(Distance):
    def score(self, data):
        scores = super().score(data)
        scores[3:5] = np.nan
        return scores

class WrongShape(Distance):
    def score(self, data):
        return super().score(data)[:-1]

class Dawdles(Distance):
    def fit(self, data):
        for _ in range(100):
            time.sleep(0.05)
            check_deadline()
        return super().fit(data)

class Hangs(Distance):
    def fit(self, data):
        time.sleep(4)
        return super().fit(data)

class Interrupts(Distance):
    def fit(self, data):
        raise KeyboardInterrupt

class Exits(Distance):
    def fit(self, data):
        raise SystemExit(7)

@hookimpl
def anomalist_detectors():
    classes = [Distance, Explaining, Raises, NotFinite, WrongShape, Dawdles, Hangs, Interrupts, Exits]
    return [
        DetectorSpec(name=c.__name__.lower(), summary="A detector.", factory=f"{__name__}:{c.__name__}", family="other")
        for c in classes
    ]
'''


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The bundled detectors and those above."""
    site = tmp_path / "site"
    site.mkdir()
    install_plugin(site, "tempers", TEMPERS)
    monkeypatch.syspath_prepend(site)
    return Registry.load()


@pytest.fixture
def workspace(tmp_path: Path, registry: Registry) -> Iterator[Workspace]:
    """A new store and an empty folder of models."""
    with Workspace(
        store=Store.open(data_home=tmp_path), registry=registry, models=tmp_path / "models", executor=Threads(workers=2)
    ) as opened:
        yield opened


@pytest.fixture
def frame() -> pl.DataFrame:
    """300 rows of four kinds of column; rows 7 and 42 are anomalous in `amount`, row 100 in `city`."""
    rng = np.random.default_rng(0)
    amount = rng.normal(50, 5, 300)
    amount[[7, 42]] = 500
    city = rng.choice(["Basel", "Bern", "Chur"], 300)
    city[100] = "Rome"
    return pl.DataFrame(
        {
            "id": [f"r{i}" for i in range(300)],
            "amount": amount,
            "weight": rng.gamma(2.0, size=300),
            "city": city,
            "fraud": [int(i in (7, 42, 100)) for i in range(300)],
        }
    )


@pytest.fixture
def table(frame: pl.DataFrame) -> Table:
    """The same rows as a table with keys and labels."""
    return Table.from_frame(frame, source="payments.csv", key="id", label="fraud")
