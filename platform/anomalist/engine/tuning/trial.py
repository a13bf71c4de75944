"""Trial: one set of values that was tried; as a run of the store, and back."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.engine.tuning.space import Point
    from anomalist.store.rows import RunRow

__all__ = ["TRIAL", "Limits", "Trial", "TrialState"]

TRIAL = "trial"
"""Where a run's parameters and results say that it is a trial, and of which study."""

TrialState: TypeAlias = Literal["done", "pruned", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one fit may take.

    Attributes:
        timeout: Seconds; None for no limit.
        memory: Bytes; None for no limit.
    """

    timeout: float | None = None
    memory: float | None = None

    def wider(self, than: Limits) -> bool:
        """Whether a fit that failed within other limits may do better within these.

        >>> Limits(timeout=60.0).wider(Limits(timeout=10.0)), Limits(memory=1e9).wider(Limits())
        (True, False)
        """
        pairs = ((self.timeout, than.timeout), (self.memory, than.memory))
        return any(_or_infinite(ours) > _or_infinite(theirs) for ours, theirs in pairs)


def _or_infinite(limit: float | None) -> float:
    return math.inf if limit is None else limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One set of values that was tried.

    Attributes:
        number: From 0, which has the defaults.
        point: A value for each axis; empty for the defaults.
        line: The detector with these values, as `--detector` takes it.
        state: `done`; `pruned`, given up after its first folds; or `failed`.
        folds: What it was worth on each fold that it came to.
        seconds: Wall time.
        run: The id of its run in the store.
        limits: What its fits might take.
        error: Why it failed, one line.
    """

    number: int
    point: Point
    line: str
    state: TrialState
    folds: tuple[float, ...]
    seconds: float
    run: str
    limits: Limits
    error: str | None = None

    @property
    def value(self) -> float | None:
        """The mean over the folds that it came to; None where it failed."""
        return sum(self.folds) / len(self.folds) if self.folds and self.state != "failed" else None

    @property
    def running_means(self) -> tuple[float, ...]:
        """The mean after each fold: what a trial is pruned by."""
        return tuple(sum(self.folds[: i + 1]) / (i + 1) for i in range(len(self.folds)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        names = ("number", "state", "value", "line", "seconds", "run", "error")
        return {name: getattr(self, name) for name in names} | {"point": dict(self.point), "folds": list(self.folds)}

    @staticmethod
    def params(study: str, question: str, number: int, line: str, point: Point, *, limits: Limits) -> dict[str, Any]:
        """What is known of a trial when its run begins, plain values."""
        about = {"study": study, "question": question, "number": number, "detector": line, "point": dict(point)}
        return {TRIAL: {**about, "limits": asdict(limits)}}

    @classmethod
    def from_run(cls, run: RunRow) -> Self | None:
        """The trial of a run; None where it did not come to an end, as one that was interrupted."""
        about: Mapping[str, Any] = run.params[TRIAL]
        found: Mapping[str, Any] = (run.results or {}).get(TRIAL, {})
        if run.status == "failed":
            state: TrialState = "failed"
        elif run.status == "done":
            state = found["state"]
        else:
            return None
        return cls(
            number=about["number"],
            point=about["point"],
            line=about["detector"],
            state=state,
            folds=tuple(found.get("folds", ())),
            seconds=run.seconds or 0.0,
            run=run.id,
            limits=Limits(**about["limits"]),
            error=run.error,
        )
