"""Small detectors, and models made of them without plugins or a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from anomalist.data.encode import Encoder
from anomalist.data.table import Table
from anomalist.data.windows import Windower
from anomalist.ensemble.calibrate import Calibrator
from anomalist.ensemble.combine import BUILT_IN, Combiner, mean
from anomalist.ensemble.member import Member, ViewName, raw_scores, training_view, view_of
from anomalist.ensemble.model import Model
from anomalist.ensemble.stackers.consensus import Consensus
from anomalist.ensemble.stackers.gp import Gp
from anomalist.ensemble.threshold import Threshold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State
    from anomalist.ensemble.stack import Stacker

__all__ = ["Additive", "Honest", "Shape", "build", "combiner", "payments", "series", "stacker", "tiny_model"]


@dataclass
class Additive:
    """Adds up the squares of the columns: what each adds to the score is known."""

    weight: float = 1.0

    def fit(self, data: Dataset) -> Additive:
        return self

    def _parts(self, data: Dataset) -> Floats:
        squares: Floats = self.weight * np.square(data.values, dtype=np.float64)
        return squares if squares.ndim == 2 else squares.sum(axis=1)

    def score(self, data: Dataset) -> Floats:
        return self._parts(data).sum(axis=1)

    def state(self) -> State:
        return {}

    def restore(self, state: State) -> Additive:
        return self


@dataclass
class Honest(Additive):
    """The same, and says what each column added."""

    def contributions(self, data: Dataset) -> Floats:
        return self._parts(data)


@dataclass
class Shape(Additive):
    """Remembers the shapes that it was fitted on and asked about."""

    def fit(self, data: Dataset) -> Shape:
        self.fitted = data.values.shape
        return self


def payments(rows: int = 400) -> Table:
    """Rows of four kinds of column; row 7 is far out in `amount`, row 100 in `city`, row 200 in both."""
    rng = np.random.default_rng(0)
    amount, city = rng.normal(50, 5, rows), rng.choice(["Basel", "Bern", "Chur"], rows).astype(object)
    amount[[7, 200]] = 500
    city[[100, 200]] = "Rome"
    return Table.from_frame(
        pl.DataFrame(
            {
                "id": [f"r{i}" for i in range(rows)],
                "amount": amount,
                "weight": rng.normal(size=rows),
                "city": city.tolist(),
            }
        ),
        key="id",
    )


def series(rows: int = 600) -> Table:
    """Two waves a series, two series; `heat` of series a is broken from row 150 to 159."""
    time = np.arange(rows)
    heat, load = np.sin(time / 5), np.cos(time / 9)
    heat = np.concatenate([heat, heat])
    heat[150:160] += 4
    frame = pl.DataFrame(
        {
            "when": np.concatenate([time, time]) * 60.0,
            "who": ["a"] * rows + ["b"] * rows,
            "heat": heat,
            "load": np.concatenate([load, load]),
        }
    )
    return Table.from_frame(frame, time="when", entity="who")


def build(name: str, params: Mapping[str, Any]) -> Additive:
    """A detector by its name, as a registry builds it."""
    return {"additive": Additive, "honest": Honest, "shape": Shape}[name](**params)


def combiner(name: str, params: Mapping[str, Any]) -> Combiner:
    """The mean."""
    assert name in BUILT_IN
    return Combiner(name=name, function=mean, params=params)


def stacker(name: str, params: Mapping[str, Any]) -> Stacker:
    return {"gp": Gp, "consensus": Consensus}[name](**params)


def tiny_model(table: Table, detectors: Sequence[str] = ("additive",), view: ViewName = "rows") -> Model:
    """A model fitted on a table, that flags its 3 most anomalous rows."""
    encoder = Encoder.fit(table)
    data = encoder.encode(table)
    windower = Windower.fit(data) if data.time is not None else None
    members, surprises = [], []
    for name in detectors:
        detector = build(name, {}).fit(training_view(view, data, windower, seed=0)[0])
        raw = raw_scores(detector, view_of(view, data, windower))
        calibrator = Calibrator.fit(raw)
        surprises.append(calibrator.surprise(raw))
        members.append(
            Member(name=name, detector_name=name, params={}, detector=detector, calibrator=calibrator, view=view)
        )
    raw = np.mean(surprises, axis=0)
    consensus = Calibrator.fit(raw)
    return Model(
        encoder=encoder,
        windower=windower,
        members=tuple(members),
        combiner=combiner("mean", {}),
        consensus=consensus,
        threshold=Threshold.for_budget(consensus.surprise(raw), 3),
    )
