"""Stacked: a stacker that has learned, as a part of a model, on the same scale of bits as any other score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from scipy.special import expit

from anomalist.ensemble.calibrate import Calibrator
from anomalist.ensemble.guarded import Guarded
from anomalist.ensemble.stack import log_odds_at_rate

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

    def guarded(self) -> Guarded:
        """One that has not learned yet, held to its promises."""
        return Guarded(name=self.name, stacker=self.make())

    def learn(self, lesson: Lesson, *, about: Mapping[str, Any] | None = None) -> Stacked:
        """Learn a lesson; `about` holds plain values worth keeping of it."""
        learned = self.guarded().fit(lesson)
        log_odds = learned.log_odds(lesson.background)
        return Stacked(
            name=self.name,
            params=self.params,
            stacker=learned.stacker,
            calibrator=Calibrator.fit(log_odds),
            level=log_odds_at_rate(log_odds, lesson.rate),
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
        level: What to add to its log-odds, so that on average they say the expected share of anomalies: verdicts come
            from the top of a list and say little of the share among all rows.
        about: What it learned from: plain values.
    """

    name: str
    params: Mapping[str, Any]
    stacker: Stacker
    calibrator: Calibrator
    level: float
    about: Mapping[str, Any] = field(default_factory=dict)

    def score(self, rows: Evidence) -> tuple[Floats, Floats]:
        """The score in bits, and the probability that an analyst calls the row an anomaly; both of shape (rows,).

        Raises:
            DetectorError: The stacker did not give one finite number a row.
        """
        log_odds = Guarded(name=self.name, stacker=self.stacker).log_odds(rows)
        return self.calibrator.surprise(log_odds), expit(log_odds + self.level)

    def state(self) -> State:
        """Arrays and plain values that `from_state` needs."""
        return {
            "name": self.name,
            "params": dict(self.params),
            "about": dict(self.about),
            "calibrator": self.calibrator.state(),
            "level": self.level,
            "state": Guarded(name=self.name, stacker=self.stacker).state(),
        }

    @classmethod
    def from_state(cls, state: State, build: Callable[[str, Mapping[str, Any]], Stacker]) -> Self:
        """The stacked part that `state` was taken from; `build` makes a stacker of a name and its parameters."""
        saved = Guarded(name=state["name"], stacker=build(state["name"], state["params"])).restore(state["state"])
        return cls(
            name=state["name"],
            params=state["params"],
            stacker=saved.stacker,
            calibrator=Calibrator.from_state(state["calibrator"]),
            level=float(state["level"]),
            about=state["about"],
        )
