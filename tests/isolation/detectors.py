"""A detector for each way to go wrong in a process of its own, and how to make one live there."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from anomalist.data.dataset import Dataset
from anomalist.detector import DetectorSpec

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.detector import Detector
    from anomalist.plugins.workshop import Workshop

__all__ = ["DATA", "PACKAGE", "lay", "made", "spec_of"]

PACKAGE = "evil-pkg 1.0"
_COUNT = itertools.count()

SOURCE = '''
import ctypes, os, signal, subprocess, sys, threading, time
from dataclasses import dataclass, field
import numpy as np
from anomalist.detector import check_deadline, check_parameter, deadline
from anomalist.errors import NotFittedError

@dataclass
class Good:
    """Distance from the mean.

    Attributes:
        power: Of the distance.
    """

    power: float = 2.0
    words: tuple[str, ...] = ("a",)
    mean = None
    notes: tuple[str, ...] = field(default=(), init=False)

    def __post_init__(self):
        check_parameter(self.power > 0, "power", self.power, "above 0")

    def fit(self, data):
        self.mean = data.values.mean(axis=0, dtype=np.float64)
        self.notes = (f"fitted on {len(data)} rows in process {os.getpid()}",)
        return self

    def score(self, data):
        if self.mean is None:
            raise NotFittedError("good is not fitted: call fit first")
        return (np.abs(data.values - self.mean) ** self.power).sum(axis=1)

    def state(self):
        if self.mean is None:
            raise NotFittedError("good is not fitted: call fit before state")
        return {"mean": self.mean, "odd": float("inf"), "notes": list(self.notes)}

    def restore(self, state):
        self.mean, self.notes = state["mean"], tuple(state["notes"])
        return self

class Able(Good):
    def contributions(self, data):
        return np.abs(data.values - self.mean) ** self.power
    def update(self, data):
        self.mean *= 0.5
        self.mean += 0.5 * data.values.mean(axis=0)
        return self
    def transfer(self, sources):
        self.mean = np.array([0.0 if i is None else self.mean[i] for i in sources])
        return self
'''


def lay(folder: Path, body: str) -> str:
    """Write a module with a class `Made` into a folder; `body` is the class, or its `fit` alone."""
    module = f"made_{next(_COUNT)}"
    if not body.startswith("class "):
        lines = "\n".join(f"        {line}" for line in body.splitlines())
        body = f"class Made(Good):\n    def fit(self, data):\n{lines}\n        return super().fit(data)\n"
    (folder / f"{module}.py").write_text(SOURCE + "\n" + body, encoding="utf-8")
    return module


def spec_of(module: str, cls: str = "Made") -> DetectorSpec:
    """The description of a detector that was laid down."""
    return DetectorSpec(name="made", summary="A detector.", factory=f"{module}:{cls}", family="other")


def made(workshop: Workshop, folder: Path, body: str, **params: object) -> Detector:
    """A detector that lives where the workshop has it live."""
    return workshop.build(spec_of(lay(folder, body)), PACKAGE, params).made


DATA = Dataset.from_array(np.random.default_rng(0).normal(size=(50, 3)))
