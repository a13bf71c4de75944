"""Combiners: many surprises to one consensus, without labels.

Each takes surprises in bits, shape (rows, detectors), and returns shape (rows,). None of them falls when a surprise
rises. On real sets the choice moves the result little; what moves it is a panel whose members fail differently
(Aggarwal and Sathe 2017, "Outlier Ensembles", chapter 4, describe most of these).
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from anomalist.detector import CombinerSpec, check_parameter
from anomalist.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from anomalist.detector import Floats, State

__all__ = ["BUILT_IN", "Combiner"]

_SURPRISED = 10.0  # bits
_ROUNDING = 1e-9
_FEW = 3  # of fewer detectors all are heard
_BLOCK = 1 << 16  # rows ranked at once: what a million take by themselves would be several times the data


@dataclass(frozen=True, slots=True, kw_only=True)
class Combiner:
    """A combining function with its parameters, bound to the names of the detectors that it combines.

    Attributes:
        name: What users type.
        function: Takes surprises, shape (rows, detectors), and its parameters; returns shape (rows,).
        params: Plain values, given to the function by keyword.
    """

    name: str
    function: Callable[..., Floats]
    params: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, surprises: Floats, names: Sequence[str], votes: Floats | None = None) -> Floats:
        """Combine surprises, shape (rows, detectors), into a consensus, shape (rows,).

        `votes`, shape (detectors,), says how much each detector's voice counts where the combiner asks for it; else all
        count the same.

        Raises:
            ParameterError: The combiner does not take these parameters, or does not return one finite number a row.
        """
        params = dict(self.params)
        votes = np.ones(len(names)) if votes is None else votes
        if self.function is weighted:
            votes, params = _weights(params, names), {}
        signature = inspect.signature(self.function)
        if "votes" in signature.parameters:
            params["votes"] = votes
        try:
            signature.bind(surprises, **params)
            consensus = np.asarray(self.function(surprises, **params), dtype=np.float64)
        except TypeError as error:
            raise ParameterError(
                f"combiner {self.name} does not take {', '.join(params) or 'no parameters'}: {error}"
            ) from None
        if consensus.shape != surprises.shape[:1] or not np.isfinite(consensus).all():
            raise ParameterError(
                f"combiner {self.name} must return one finite number a row, got shape {consensus.shape}"
            )
        return consensus

    def check(self, names: Sequence[str]) -> None:
        """Try it out on a few rows, one for each detector that is surprised more than the others are.

        Raises:
            ParameterError: It does not take its parameters, or falls where a surprise rises.
        """
        rows = np.ones((len(names) + 1, len(names)))
        np.fill_diagonal(rows[1:], _SURPRISED)
        calm, *risen = self(rows, names)
        fallen = [name for name, found in zip(names, risen, strict=True) if found < calm - _ROUNDING]
        if fallen:
            raise ParameterError(
                f"combiner {self.name} falls where {fallen[0]} is more surprised: higher must mean more anomalous"
            )

    def among(self, names: Sequence[str]) -> Self:
        """The same combiner for the detectors that are left of a panel: no weight is kept for one that failed."""
        if self.function is not weighted:
            return self
        return replace(self, params={name: weight for name, weight in self.params.items() if name in names})

    def state(self) -> State:
        """Plain values: the name and the parameters."""
        return {"name": self.name, "params": dict(self.params)}


def upper_half(surprises: Floats, *, votes: Floats) -> Floats:
    """Mean of the highest surprises that hold half of the votes: half the panel may miss an anomaly."""
    if surprises.shape[1] < _FEW:
        return mean(surprises, votes=votes)
    half = 0.5 * votes.sum()
    consensus = np.empty(len(surprises))
    for first in range(0, len(surprises), _BLOCK):
        block = surprises[first : first + _BLOCK]
        order = np.argsort(-block, axis=1, kind="stable")
        ranked, held = np.take_along_axis(block, order, axis=1), votes[order]
        before = np.cumsum(held, axis=1) - held
        counted = np.clip(half - before, 0.0, held)  # the vote on the border counts in part
        consensus[first : first + _BLOCK] = (ranked * counted).sum(axis=1) / half
    return consensus


def mean(surprises: Floats, *, votes: Floats) -> Floats:
    """Mean of the surprises, by votes."""
    return _float(surprises @ votes / votes.sum())


def median(surprises: Floats) -> Floats:
    """Median of the surprises."""
    return _float(np.median(surprises, axis=1))


def maximum(surprises: Floats) -> Floats:
    """Highest of the surprises: one detector is enough to raise the alarm."""
    return _float(surprises.max(axis=1))


def average_of_maximum(surprises: Floats, *, buckets: int = 3, rounds: int = 20, seed: int = 0) -> Floats:
    """Highest surprise in each random bucket of detectors, averaged (Aggarwal and Sathe 2015)."""
    return _float(_bucketed(surprises, buckets, rounds, seed, np.max, np.mean))


def maximum_of_average(surprises: Floats, *, buckets: int = 3, rounds: int = 20, seed: int = 0) -> Floats:
    """Mean surprise of each random bucket of detectors, the highest of them (Aggarwal and Sathe 2015)."""
    return _float(_bucketed(surprises, buckets, rounds, seed, np.mean, np.max))


def weighted(surprises: Floats, *, votes: Floats) -> Floats:
    """Mean of the surprises, by your own votes: `weighted:knn=2,gan=0.5`, and 1 for those not named."""
    return mean(surprises, votes=votes)


def _float(values: Floats) -> Floats:
    result: Floats = np.asarray(values, dtype=np.float64)
    return result


def _weights(params: Mapping[str, Any], names: Sequence[str]) -> Floats:
    unknown = sorted(set(params) - set(names))
    if unknown:
        raise ParameterError(f"combiner weighted: no detector {unknown[0]!r} in the panel; it holds {', '.join(names)}")
    weights = np.array([float(params.get(name, 1.0)) for name in names])
    check_parameter(bool((weights >= 0).all() and weights.sum() > 0), "weights", dict(params), "0 or more, not all 0")
    return weights


def _bucketed(
    surprises: Floats, buckets: int, rounds: int, seed: int, inner: Callable[..., Any], outer: Callable[..., Any]
) -> Floats:
    check_parameter(buckets >= 1, "buckets", buckets, "a whole number of at least 1")
    check_parameter(rounds >= 1, "rounds", rounds, "a whole number of at least 1")
    check_parameter(seed >= 0, "seed", seed, "a whole number of at least 0")
    rng = np.random.default_rng(seed)
    total = np.zeros(surprises.shape[0])
    for _ in range(rounds):
        parts = np.array_split(rng.permutation(surprises.shape[1]), min(buckets, surprises.shape[1]))
        total += outer([inner(surprises[:, part], axis=1) for part in parts], axis=0)
    return total / rounds


def _spec(name: str, function: Callable[..., Floats]) -> CombinerSpec:
    summary = (function.__doc__ or "").splitlines()[0]
    return CombinerSpec(name=name, summary=summary, factory=f"{__name__}:{function.__name__}")


BUILT_IN: Mapping[str, CombinerSpec] = {
    "upper_half": _spec("upper_half", upper_half),
    "mean": _spec("mean", mean),
    "median": _spec("median", median),
    "max": _spec("max", maximum),
    "aom": _spec("aom", average_of_maximum),
    "moa": _spec("moa", maximum_of_average),
    "weighted": _spec("weighted", weighted),
}
"""The combiners that anomalist brings, by the name that users type."""
