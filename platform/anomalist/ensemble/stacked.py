"""Stacked: a stacker that has learned, as a part of a model, on the same scale of bits as any other score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.special import expit

from anomalist.ensemble.calibrate import Calibrator
from anomalist.errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anomalist.detector import Floats, State
    from anomalist.ensemble.stack import Evidence, Lesson, Stacker

__all__ = ["Recipe", "Stacked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Which stacker is to learn, with its parameters.

    Attributes:
        name: What users type.
        params: All its parameters, plain values.
        make: Builds one that has not learned yet.
    """

    name: str
    params: Mapping[str, Any]
    make: Callable[[], Stacker]

    def learn(self, lesson: Lesson, *, about: Mapping[str, Any] | None = None) -> Stacked:
        """Learn a lesson; `about` holds plain values worth keeping of it."""
        stacker = self.make().fit(lesson)
        return Stacked(
            name=self.name,
            params=self.params,
            stacker=stacker,
            calibrator=Calibrator.fit(_checked(self.name, stacker.log_odds(lesson.background), len(lesson.background))),
            about=dict(about or {}),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stacked:
    """A stacker that has learned.

    Attributes:
        name: What users type.
        params: Its parameters, plain values.
        stacker: The stacker.
        calibrator: Its log-odds to surprise, so that a stacked score too says how rare a row is.
        about: What it learned from: plain values.
    """

    name: str
    params: Mapping[str, Any]
    stacker: Stacker
    calibrator: Calibrator
    about: Mapping[str, Any] = field(default_factory=dict)

    def score(self, rows: Evidence) -> tuple[Floats, Floats]:
        """The score in bits, and the probability that an analyst calls the row an anomaly; both of shape (rows,).

        Raises:
            DetectorError: The stacker did not give one finite number a row.
        """
        log_odds = _checked(self.name, self.stacker.log_odds(rows), len(rows))
        return self.calibrator.surprise(log_odds), expit(log_odds)

    def state(self) -> State:
        """Arrays and plain values that `from_state` needs."""
        return {
            "name": self.name,
            "params": dict(self.params),
            "about": dict(self.about),
            "calibrator": self.calibrator.state(),
            "state": self.stacker.state(),
        }

    @classmethod
    def from_state(cls, state: State, build: Callable[[str, Mapping[str, Any]], Stacker]) -> Self:
        """The stacked part that `state` was taken from; `build` makes a stacker of a name and its parameters."""
        return cls(
            name=state["name"],
            params=state["params"],
            stacker=build(state["name"], state["params"]).restore(state["state"]),
            calibrator=Calibrator.from_state(state["calibrator"]),
            about=state["about"],
        )


def _checked(name: str, log_odds: Floats, rows: int) -> Floats:
    found: Floats = np.asarray(log_odds, dtype=np.float64)
    if found.shape != (rows,) or not np.isfinite(found).all():
        raise DetectorError(f"stacker {name} must give one finite number for each of {rows} rows, got {found.shape}")
    return found
