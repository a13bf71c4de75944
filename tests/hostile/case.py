"""What a hostile plugin is, and what becomes of a run with it: in one process (`threads`) and in several (`--isolate`).

Each is a distribution of its own called `hostile-NAME` with a detector NAME. Its code goes on from a good detector,
`Good`, unless it is a whole module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import dedent
from typing import Literal

__all__ = ["GOOD", "TIMEOUT", "Case", "Fate", "fails", "method", "overdue", "scores", "unharmed"]

TIMEOUT = 4.0
"""Seconds that a member may take in these runs."""

GOOD = '''
import os, signal, sys, threading, time
from dataclasses import dataclass, field
import numpy as np
from anomalist import DetectorSpec, hookimpl

@dataclass
class Good:
    """Distance from the mean, in spreads."""

    def fit(self, data):
        self.mean = data.values.mean(axis=0, dtype=np.float64)
        self.spread = data.values.std(axis=0, dtype=np.float64) + 1e-9
        return self

    def score(self, data):
        return (((data.values - self.mean) / self.spread) ** 2).sum(axis=1)

    def state(self):
        return {"mean": self.mean, "spread": self.spread}

    def restore(self, state):
        self.mean, self.spread = state["mean"], state["spread"]
        return self

@hookimpl
def anomalist_detectors():
    return [DetectorSpec(name="NAME", summary="A detector.", factory=__name__ + ":Hostile", family="other")]

'''


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What becomes of a run with a hostile plugin.

    Attributes:
        line: What the user is told of the member; empty where nothing is wrong with it.
        status: Of the member.
        dies: In place of all that: how the whole program ends, in words.
        told: A line that must be on stderr.
    """

    line: str = ""
    status: Literal["failed", "timed_out", "done"] = "failed"
    dies: str = ""
    told: str = ""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One hostile plugin.

    Attributes:
        name: Of its detector.
        does: What it does, as a phrase.
        code: The class `Hostile`, or the whole module.
        whole: The code is a whole module.
        metadata: More lines of its metadata.
        threads: What becomes of it in one process.
        isolate: What becomes of it with `--isolate`; the same where it is `same`, and where it is None, which is not
            tried each time that the tests run.
        alone: In one process it must have a run to itself.
        apart: With `--isolate`, too, so that the time of its run can be told.
        waits: It runs into its deadline.
        options: More options of the command line.
    """

    name: str
    does: str
    code: str
    threads: Fate
    isolate: Fate | Literal["same"] | None = None
    whole: bool = False
    metadata: str = ""
    alone: bool = False
    apart: bool = False
    waits: bool = False
    options: tuple[str, ...] = field(default=())

    @property
    def distribution(self) -> str:
        """The distribution that brings it."""
        return f"hostile-{self.name.replace('_', '-')}"

    @property
    def source(self) -> str:
        """Its module."""
        code = dedent(self.code)
        return (code if self.whole else GOOD + code).replace("NAME", self.name)

    def by_itself(self, *, isolate: bool) -> bool:
        """Whether it has a run to itself."""
        return self.apart if isolate else self.alone

    def fate(self, *, isolate: bool) -> Fate:
        """What becomes of it."""
        return self.isolate if isolate and isinstance(self.isolate, Fate) else self.threads


def fails(line: str) -> Fate:
    """The member fails with this line."""
    return Fate(line=line)


def overdue(line: str = "did not finish within 4 seconds and was abandoned") -> Fate:
    """The member runs out of time."""
    return Fate(line=line, status="timed_out")


def unharmed(told: str = "") -> Fate:
    """Nothing is wrong with the member."""
    return Fate(status="done", told=told)


def method(name: str, body: str, before: str = "") -> str:
    """A detector one of whose methods does this first."""
    lines = "".join(f"        {line}\n" for line in dedent(body).strip().splitlines())
    whole = f"    def {name}(self, *given):\n{lines}        return super().{name}(*given)\n"
    return f"{dedent(before)}\nclass Hostile(Good):\n{whole}"


def scores(expression: str) -> str:
    """A detector that makes this of its scores."""
    code = f"        s = super().score(data)\n        return {expression}\n"
    return "class Hostile(Good):\n    def score(self, data):\n" + code
