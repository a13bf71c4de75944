"""What the author of a detector needs: the protocol to fulfil, and the description to register.

A detector is a dataclass whose fields are its parameters, all with defaults. It is fitted on a `Dataset` and then gives
each row of a `Dataset` one number: **higher is always more anomalous**. This module imports nothing heavy, so that
detectors can be listed without loading numpy or torch.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeAlias, runtime_checkable

import pluggy

from anomalist.errors import DetectorTimeoutError, ParameterError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from anomalist.data.dataset import Dataset
    from anomalist.data.table import Table

__all__ = [
    "Bools",
    "CombinerSpec",
    "CommandSpec",
    "Detector",
    "DetectorSpec",
    "Explainable",
    "Family",
    "FeatureMaker",
    "FeatureSpec",
    "Floats",
    "Ints",
    "ReaderSpec",
    "Resumable",
    "StackerSpec",
    "State",
    "Trait",
    "Transferable",
    "View",
    "check_deadline",
    "check_parameter",
    "deadline",
    "hookimpl",
]

Floats: TypeAlias = "NDArray[np.floating[Any]]"
Ints: TypeAlias = "NDArray[np.integer[Any]]"
Bools: TypeAlias = "NDArray[np.bool_]"

State: TypeAlias = Mapping[str, Any]
"""What a fitted detector saves: names to numpy arrays or to plain JSON values (numbers, strings, lists, dicts)."""

Family: TypeAlias = Literal["deep", "classical", "statistical", "other"]

View: TypeAlias = Literal["rows", "windows"]
"""What a detector eats: `rows`, shape (rows, columns); or `windows`, shape (windows, length, columns)."""

hookimpl = pluggy.HookimplMarker("anomalist")
"""Marks a function of a plugin as the implementation of a hook."""


class Trait(StrEnum):
    """What a detector can do, beyond fitting and scoring."""

    TABULAR = "tabular"
    SERIES = "series"
    WARM_START = "warm_start"
    EXPLAINS = "explains"
    NOVELTY = "novelty"
    """It trusts every row that it is fitted on: a panel takes it only for rows that are known to be normal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSpec:
    """Says what a detector is without importing it.

    Attributes:
        name: What users type, lower case, `[a-z][a-z0-9_]*`.
        summary: One sentence that says what the detector finds.
        factory: `package.module:Class`, imported on first use.
        family: The kind of method.
        eats: Whether `fit` and `score` get rows or windows.
        handles: What it can do.
        requires: Import names that must be there for it to work.
        extra: The pip requirement that brings `requires`, shown to the user where one is missing.
        panels: The panels that it belongs to.
        kin: What it shares with detectors that err alike, such as `reconstruction`; those of one kin share one vote in
            the consensus. Empty where it has a vote of its own.
        pickles: Its state holds a pickle, which can execute code when it is read: a model with it is read only where
            the user says that they trust it.
        search: What `anomalist tune` tries, one text a parameter: a range `neighbours=5..100:log` or `noise=0.0..0.5`,
            or choices `metric=euclidean|manhattan`. Empty where only the user can say it, with `--space`.
    """

    name: str
    summary: str
    factory: str
    family: Family
    eats: View = "rows"
    handles: frozenset[Trait] = frozenset({Trait.TABULAR})
    requires: tuple[str, ...] = ()
    extra: str = ""
    panels: frozenset[str] = frozenset()
    kin: str = ""
    pickles: bool = False
    search: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinerSpec:
    """Says what a label-free combiner is without importing it.

    Attributes:
        name: What users type after `--combiner`.
        summary: One sentence.
        factory: `package.module:function`; the function takes surprises in bits, shape (rows, detectors), and returns
            shape (rows,), and must not fall when any surprise rises. Where it has an argument `votes` it is given how
            much each detector's voice counts, shape (detectors,).
    """

    name: str
    summary: str
    factory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StackerSpec:
    """Says what a stacker, a combiner that learns from verdicts, is without importing it.

    Attributes:
        name: What users type after `--stacker`.
        summary: One sentence.
        factory: `package.module:Class`; a dataclass whose fields are its parameters, that fulfils the protocol
            `anomalist.ensemble.stack.Stacker`.
    """

    name: str
    summary: str
    factory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderSpec:
    """Says what a reader of files is without importing it.

    Attributes:
        name: What users type after `--format`.
        summary: One sentence.
        suffixes: The endings of the file names that it reads, each with its dot.
        factory: `package.module:function`; the function takes a path and returns a polars DataFrame.
    """

    name: str
    summary: str
    suffixes: tuple[str, ...]
    factory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSpec:
    """Says what a maker of features is without importing it.

    Attributes:
        name: What users type after `--features`.
        summary: One sentence.
        factory: `package.module:Class`; a dataclass whose fields are its parameters, that fulfils `FeatureMaker`.
    """

    name: str
    summary: str
    factory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    """Says what a command is without importing it.

    Attributes:
        name: What users type after `anomalist`.
        summary: One short sentence, shown by `anomalist plugins list`.
        factory: `package.module:command`, a `click.Command`.
    """

    name: str
    summary: str
    factory: str


@runtime_checkable
class Detector(Protocol):
    """An algorithm with its parameters: fit it, then score."""

    def fit(self, data: Dataset, /) -> Self:
        """Learn what is normal from the rows of `data` and return the detector itself."""
        ...

    def score(self, data: Dataset, /) -> Floats:
        """Return shape (rows,), finite, higher is more anomalous.

        The score of a row depends on that row alone: by itself it gets the same number as among a million.
        """
        ...

    def state(self) -> State:
        """Return what `restore` needs to score again: arrays and plain values."""
        ...

    def restore(self, state: State, /) -> Self:
        """Become the fitted detector that `state` was taken from and return the detector itself."""
        ...


@runtime_checkable
class Explainable(Protocol):
    """A detector that says how much each column added to the score of each row."""

    def contributions(self, data: Dataset, /) -> Floats:
        """Return shape (rows, columns), never negative, 0 where a column did not matter."""
        ...


@runtime_checkable
class Resumable(Protocol):
    """A detector that goes on from its fitted state on new rows."""

    def update(self, data: Dataset, /) -> Self:
        """Train further on the rows of `data`, which have the columns fitted on, from where the last fit ended."""
        ...


@runtime_checkable
class Transferable(Resumable, Protocol):
    """A detector that takes what it learned along to another set of columns, to go on there by `update`."""

    def transfer(self, sources: Sequence[int | None], /) -> Self:
        """Become the detector of other columns and return the detector itself.

        What was learned of a column goes where `sources` says; a new column starts as in a detector that was never
        fitted, and nothing is known of its scale before `update`: until then it need not be able to score.

        Args:
            sources: For each column from now on the number of the column that it was so far, or None for a new one.
        """
        ...


@runtime_checkable
class FeatureMaker(Protocol):
    """Adds columns that a field knows to be telling to the rows as the user has them, before they are encoded."""

    def fit(self, table: Table, /) -> Self:
        """Learn what is needed from the training rows and return the maker itself."""
        ...

    def transform(self, table: Table, /) -> pl.DataFrame:
        """Return the new columns, under new names, with one row for each row of the table, in its order."""
        ...

    def state(self) -> State:
        """Return what `restore` needs to make the same columns again: arrays and plain values."""
        ...

    def restore(self, state: State, /) -> Self:
        """Become the fitted maker that `state` was taken from and return the maker itself."""
        ...


deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
"""When the work of this thread must be done, on the clock of `time.monotonic`; set by whoever runs the detector."""


def check_deadline() -> None:
    """Stop here if the time that this detector was given is over; a long loop calls it once a round.

    Raises:
        DetectorTimeoutError: The deadline has passed.
    """
    limit = deadline.get()
    if limit is not None and time.monotonic() > limit:
        raise DetectorTimeoutError("stopped: the time that it was given is over")


def check_parameter(ok: bool, name: str, got: object, expected: str) -> None:
    """Refuse a parameter in one line that says what was expected and what was got.

    Raises:
        ParameterError: `ok` is false.

    >>> check_parameter(False, "epochs", 0, "a whole number of at least 1")
    Traceback (most recent call last):
    anomalist.errors.ParameterError: epochs must be a whole number of at least 1, got 0
    """
    if not ok:
        raise ParameterError(f"{name} must be {expected}, got {got!r}")
