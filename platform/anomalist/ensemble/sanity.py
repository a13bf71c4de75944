"""Sanity: what a detector gives, held to what it promises; each fault is told in one line that says how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from anomalist.errors import DetectorError

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.detector import Detector, Floats

__all__ = ["check_direction", "checked_notes", "checked_numbers"]

_PROBES = 32
_KNOWN = 128  # training rows that the probes are compared with
_FAR = 10.0  # spreads; and
_BEYOND = 3.0  # times what nearly all training values lie within
_LOW, _NEARLY_ALL = 0.05, 0.9
_LINES, _LINE = 20, 500


def checked_numbers(found: object, shape: tuple[int, ...], what: str, wanted: str) -> Floats:
    """Finite numbers of a shape, float64, as `what` of a detector must return them.

    Args:
        found: What it returned.
        shape: What shape it must have.
        what: The method.
        wanted: The shape in words, such as `one number for each of 10 rows`.

    Raises:
        DetectorError: It is something else.
    """
    numbers = np.asarray(found)
    if numbers.dtype.kind not in "fiub":
        raise DetectorError(f"{what} must return real numbers, got {_in_words(found, numbers)}")
    if numbers.shape != shape:
        raise DetectorError(f"{what} must return {wanted}, got shape {numbers.shape}")
    numbers = numbers.astype(np.float64)  # a copy: what the detector does to its own later changes nothing here
    bad = np.argwhere(~np.isfinite(numbers))
    if len(bad):
        where = f"{numbers[tuple(bad[0])]} in row {bad[0][0]} ({len(bad)} in all)"
        raise DetectorError(f"{what} must return finite numbers, got {where}")
    return numbers


def checked_notes(detector: Detector) -> tuple[str, ...]:
    """What a detector wants said about its fit, one line each; none where it has no `notes`.

    Raises:
        DetectorError: Its notes are not lines of text, or are too many or too long.
    """
    notes = getattr(detector, "notes", ())
    listed = isinstance(notes, Iterable) and not isinstance(notes, str)
    lines = tuple(islice(notes, _LINES + 1)) if listed else (None,)  # they might never end
    if not all(type(line) is str for line in lines):
        raise DetectorError(f"notes must be a list of lines of text, got {type(notes).__name__} {_cut(repr(notes))}")
    if len(lines) > _LINES:
        raise DetectorError(f"notes may be {_LINES} lines, got more")
    if any(len(line) > _LINE for line in lines):
        raise DetectorError(f"a line of notes may have {_LINE} characters, got {max(map(len, lines)):,}")
    return tuple(" ".join(line.split()) for line in lines)


def check_direction(detector: Detector, train: Dataset, scores: Floats, *, seed: int) -> None:
    """Refuse a fitted detector that tells no row from another, or that is upside down.

    It scores a few dozen training rows moved far out, each in a random direction (the rows of a window all alike), next
    to some training rows as they are. Far rows need not be anomalous to every detector; but one that gives nearly all
    of them less than nearly all training rows means the opposite by its numbers.

    Args:
        detector: Fitted.
        train: What it was fitted on.
        scores: What it gives the training rows, shape (rows,).
        seed: Of the directions.

    Raises:
        DetectorError: It is such a detector, or cannot score the far rows.
    """
    rng = np.random.default_rng(seed)
    known = train.take(np.sort(rng.choice(len(train), min(_KNOWN, len(train)), replace=False)))
    values = np.concatenate([known.values, _far_out(known.values, rng)])
    found = detector.score(replace(known, values=values, time=None, entity=None))
    given = checked_numbers(found, (len(values),), "score", f"one number for each of {len(values)} rows")
    usual, far = given[: len(known)], given[len(known) :]
    if scores.min() == scores.max() == given.min() == given.max() and _several_kinds(known.values):
        raise DetectorError(
            f"gave all {scores.size:,} rows the same score {scores[0]:.4g}, and so rows far away from all others: "
            "it cannot tell rows apart"
        )
    if np.quantile(far, _NEARLY_ALL) < np.quantile(usual, _LOW):
        raise DetectorError(
            "gave rows far away from all others its lowest scores: higher must mean more anomalous; return the negative"
        )


def _several_kinds(values: Floats) -> bool:
    """Whether there are more than two different rows: a mirror could not tell two apart, nor can every detector."""
    return len(np.unique(values.reshape(len(values), -1), axis=0)) > 2


def _far_out(values: Floats, rng: np.random.Generator) -> Floats:
    """Some rows moved far out, each in a direction of its own, shape (probes, columns); windows likewise."""
    start = values[rng.integers(len(values), size=_PROBES)]
    directions = rng.normal(size=(_PROBES, values.shape[-1]))
    directions *= max(_FAR, _BEYOND * float(np.quantile(np.abs(values), 0.99)))
    moved: Floats = start + (directions if values.ndim == 2 else directions[:, None, :])
    return moved.astype(np.float32)


def _in_words(found: object, numbers: Floats) -> str:
    """What was returned in place of numbers."""
    kind = type(found).__name__
    return f"{kind} of {numbers.dtype}" if numbers.ndim else f"{kind} {_cut(repr(found))}"


def _cut(text: str) -> str:
    """The beginning of a text in one line."""
    line = " ".join(text[:200].split())
    return line if len(line) <= 60 else f"{line[:57]}..."
