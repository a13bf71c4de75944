"""Compare: is a challenger better than the champion, by verdicts that neither was taught when it is judged by them?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from anomalist.engine.paired import calibrated, draws, paired_measures
from anomalist.ensemble.stack import Lesson
from anomalist.ensemble.stackers.consensus import Consensus
from anomalist.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from anomalist.detector import Bools, Floats, Ints
    from anomalist.engine.paired import Paired
    from anomalist.ensemble.stack import Evidence, Stacker

__all__ = ["Candidate", "Comparison", "Decision", "Group", "compare"]

Decision: TypeAlias = Literal["better", "not_worse", "worse", "too_few"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """A model, as far as it can be judged by verdicts.

    Attributes:
        judged: What the model's members say of the rows that have, or had, a verdict.
        background: What they say of rows as they come.
        taught: The label of each judged row that the stacker was or will be taught, as it stood then, shape (judged
            rows,); NaN where it was not taught this row.
        stacker: Makes the unfitted stacker; None where the model has none and ranks by its consensus.
        rate: The share of anomalies that the stacker is told to expect.
    """

    judged: Evidence
    background: Evidence
    taught: Floats
    stacker: Callable[[], Stacker] | None = None
    rate: float = 0.01

    def __post_init__(self) -> None:
        if self.taught.shape != (len(self.judged),) or not np.isin(self.taught[~np.isnan(self.taught)], (0, 1)).all():
            raise DataError(
                f"each of {len(self.judged)} judged rows needs what was taught of it, 0, 1 or NaN, "
                f"got shape {self.taught.shape}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What was measured on some of the verdicts.

    Attributes:
        rows: How many.
        anomalies: How many of them are anomalies.
        measures: By name: `average_precision`, `precision_at_anomalies`, `precision_at_10`, `log_loss`, `brier`.
    """

    rows: int
    anomalies: int
    measures: dict[str, Paired]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came of a comparison.

    Attributes:
        verdict: Whether the challenger is better, not worse or worse, or whether there are too few verdicts to say.
        promote: Whether it should take the champion's place.
        reason: Why, in one line.
        all: Measured on every verdict.
        taught: Measured on those that the champion was taught; None where there were too few.
        new: Measured on those that came since; None where there were too few.
        confidence: Of the intervals.
        folds: Into how many parts the verdicts were divided.
    """

    verdict: Decision
    promote: bool
    reason: str
    all: Group | None
    taught: Group | None
    new: Group | None
    confidence: float
    folds: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


_FOLDS = 8
_RESAMPLES = 2_000
_CONFIDENCE = 0.9
_FEWEST = 8  # of each kind: with fewer one row decides


def compare(champion: Candidate, challenger: Candidate, labels: Floats, *, seed: int = 0) -> Comparison:
    """Compare two candidates by the labels of the judged rows, shape (rows,): 1, 0, or NaN where none stands now.

    Verdicts are divided into folds, and each fold is judged by stackers that were taught all that their candidate is
    taught but the fold: neither candidate has seen what it is judged by.
    """
    if not labels.shape == champion.taught.shape == challenger.taught.shape:
        raise DataError(
            f"champion, challenger and labels must be of the same judged rows, got {champion.taught.shape}, "
            f"{challenger.taught.shape} and {labels.shape}"
        )
    standing = np.flatnonzero(np.isin(labels, (0, 1)))
    known = labels[standing].astype(np.int64)
    old = champion.taught[standing] == known
    rng = np.random.default_rng(seed)
    folds = np.full(labels.size, -1)
    folds[standing] = _stratified(2 * old + known, rng)
    odds = tuple(_cross_fitted(each, folds, seed)[standing] for each in (champion, challenger))

    def group(rows: Bools) -> Group | None:
        return _measured(known[rows], [each[rows] for each in odds], folds[standing][rows], old[rows], rng)

    return _decided(group(np.ones(known.size, dtype=np.bool_)), group(old), group(~old))


def _stratified(strata: Ints, rng: np.random.Generator) -> Ints:
    """The fold of each row, each stratum spread over all of them."""
    shuffled = rng.permutation(strata.size)
    order = shuffled[np.argsort(strata[shuffled], kind="stable")]
    folds = np.empty(strata.size, dtype=np.int64)
    folds[order] = np.arange(strata.size) % _FOLDS
    return folds


def _cross_fitted(candidate: Candidate, folds: Ints, seed: int) -> Floats:
    """Log-odds of each row by a stacker that was not taught it, shape (rows,)."""
    taught = ~np.isnan(candidate.taught)
    lesson = Lesson(
        judged=candidate.judged.take(taught),
        labels=candidate.taught[taught],
        background=candidate.background,
        rate=candidate.rate,
        seed=seed,
    )
    make = candidate.stacker or Consensus
    found = np.full(taught.size, np.nan)
    found[~taught] = make().fit(lesson).log_odds(candidate.judged.take(~taught))
    for fold in range(_FOLDS):
        held = taught & (folds == fold)
        if held.any():
            found[held] = make().fit(lesson.without(held[taught])).log_odds(candidate.judged.take(held))
    return found


def _measured(labels: Ints, odds: list[Floats], folds: Ints, old: Bools, rng: np.random.Generator) -> Group | None:
    """Measure a group of rows as if it were all; None where it has too few of a kind."""
    anomalies = int(labels.sum())
    if min(anomalies, labels.size - anomalies) < _FEWEST:
        return None
    counts = draws(2 * old + labels, _RESAMPLES, rng)
    measures = paired_measures(
        labels,
        (odds[0], odds[1]),
        (calibrated(labels, odds[0], folds), calibrated(labels, odds[1], folds)),
        counts=counts,
        confidence=_CONFIDENCE,
    )
    return Group(rows=int(labels.size), anomalies=anomalies, measures=measures)


def _decided(everything: Group | None, taught: Group | None, new: Group | None) -> Comparison:
    """Apply the rule."""
    parts: dict[str, Any] = {
        "all": everything,
        "taught": taught,
        "new": new,
        "confidence": _CONFIDENCE,
        "folds": _FOLDS,
    }
    if everything is None:
        return Comparison(verdict="too_few", promote=False, reason=f"fewer than {_FEWEST} of a kind", **parts)
    gain = everything.measures["average_precision"]
    if taught is not None and taught.measures["average_precision"].gain < -0.02:
        return Comparison(verdict="worse", promote=False, reason="worse on what the champion was taught", **parts)
    if gain.low > 0:
        return Comparison(verdict="better", promote=True, reason="average precision rises", **parts)
    return Comparison(verdict="not_worse", promote=False, reason="no difference", **parts)
