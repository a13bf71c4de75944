"""Compare: is a challenger better than the champion, by verdicts that neither was taught when it is judged by them?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from anomalist.engine.evaluation.paired import calibrated, draws, paired_measures
from anomalist.engine.review.queue import alike
from anomalist.ensemble.stack import Lesson
from anomalist.ensemble.stackers.consensus import Consensus
from anomalist.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from anomalist.detector import Bools, Floats, Ints
    from anomalist.engine.evaluation.paired import Paired
    from anomalist.ensemble.stack import Evidence, Stacker

__all__ = ["Candidate", "Comparison", "Decision", "Group", "compare"]

Decision: TypeAlias = Literal["better", "not_worse", "worse", "too_few"]

_FOLDS = 8
_RESAMPLES = 2_000
_CONFIDENCE = 0.8  # each end is passed by chance one time in ten, both measures together far less often
_FEWEST = 3  # of each kind: with fewer one row decides; to ask for more only made good verdicts wait
_SLACK = 0.05  # of average precision: what folds and a few rows do to a challenger that is as good
_LITTLE = 0.1  # of what the champion was taught
_BACKGROUND = 20_000  # rows as they come, of more a sample
_RANKING = "average_precision"
_DECIDING = (_RANKING, "log_loss")


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
        if self.taught.shape != (len(self.judged),):
            raise DataError(f"{len(self.judged)} judged rows need as many labels taught, got {self.taught.shape}")
        _check_labels(self.taught)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What was measured on some of the verdicts.

    Attributes:
        rows: How many.
        anomalies: How many of them are anomalies.
        measures: By name: `average_precision`, `precision_at_anomalies`, `precision_at_10`, `precision_at_50`,
            `log_loss` and `brier`; none of them where there are fewer than three rows of a kind.
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
        all: Measured on every verdict that stands.
        taught: Measured on those that the champion was taught and that still say the same.
        new: Measured on those that only the challenger is taught.
        confidence: Of the intervals.
        folds: Into how many parts the verdicts were divided.
    """

    verdict: Decision
    promote: bool
    reason: str
    all: Group
    taught: Group
    new: Group
    confidence: float
    folds: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def compare(champion: Candidate, challenger: Candidate, labels: Floats, *, seed: int = 0) -> Comparison:
    """Compare two candidates by the labels of the judged rows, shape (rows,): 1, 0, or NaN where none stands now.

    Neither is judged by what it was taught: verdicts are divided into folds, and each fold is judged by stackers that
    were taught all that their candidate is taught but the fold, and rows just like those in it. What a candidate is not
    taught at all is judged by one that was taught everything. Judged rows are taken out of the background.
    Probabilities are scaled in the same way for both, across the folds (Platt 1999), and intervals come from 2,000
    paired draws of the rows; they hold for the stackers as fitted, so the rule asks for more than one sign. In this
    order:

    1. *too_few*: fewer than three verdicts of a kind, in all, or among those that are new to the champion. Verdicts of
       one kind cannot show that a ranking is better. Nor is there a judge where the champion was taught three of each
       kind and fewer of them say the same today.
    2. *worse*: on what the champion was taught, the interval of the gain in average precision, or in log loss, lies
       below 0. Here new verdicts do not vote: those that are random, hostile or about something else do harm here,
       however well they agree among themselves. Also where an interval on all verdicts lies below 0.
    3. *better*: the intervals of average precision and of log loss on all verdicts lie above 0, and both gain on the
       new ones too. Verdicts without sense cannot be foretold from others, so they bring no gain there.
    4. *not_worse*: the rest. Promoted where the challenger is taught nothing new (members were fitted again), or so
       little that it can neither be judged nor do harm (less than a tenth of what the champion was taught), and the
       interval of average precision stays above -0.05; else it has not shown that the new verdicts are good for
       something, and waits for more.

    What no rule can see: verdicts that are wrong from the first on, and consistently so.

    Raises:
        DataError: Champion, challenger and labels are not of the same rows, or a label is not 0, 1 or NaN.
    """
    if not labels.shape == champion.taught.shape == challenger.taught.shape:
        raise DataError(
            f"champion, challenger and labels must be of the same judged rows, got {champion.taught.size}, "
            f"{challenger.taught.size} and {labels.size}"
        )
    _check_labels(labels)
    standing = np.flatnonzero(~np.isnan(labels))
    known = labels[standing].astype(np.int64)
    kept = champion.taught[standing] == known
    new = ~np.isnan(challenger.taught[standing]) & (challenger.taught != champion.taught)[standing]
    rng = np.random.default_rng(seed)
    strata = 4 * kept + 2 * new + known
    folds = np.full(labels.size, -1)
    folds[standing] = _stratified(strata, rng)
    same = alike(challenger.judged)
    odds = [_cross_fitted(each, folds, same, seed)[standing] for each in (champion, challenger)]

    def group(rows: Bools) -> Group:
        return _measured(known[rows], [each[rows] for each in odds], folds[standing][rows], strata[rows], rng)

    groups = group(np.ones(known.size, dtype=np.bool_)), group(kept), group(new)
    guarded = min((champion.taught == 0).sum(), (champion.taught == 1).sum()) >= _FEWEST
    verdict, promote, reason = _decided(*groups, guarded=bool(guarded))
    return Comparison(
        verdict=verdict,
        promote=promote,
        reason=reason,
        all=groups[0],
        taught=groups[1],
        new=groups[2],
        confidence=_CONFIDENCE,
        folds=_FOLDS,
    )


def _decided(everything: Group, taught: Group, new: Group, *, guarded: bool) -> tuple[Decision, bool, str]:
    """Apply the rule that `compare` states."""
    if not everything.measures:
        return "too_few", False, _too_few("verdicts", everything)
    little = not new.measures and new.rows <= _LITTLE * taught.rows
    if new.rows and not new.measures and not little:
        return "too_few", False, _too_few("new verdicts", new)
    if guarded and not taught.measures:
        return "too_few", False, _too_few("verdicts that the champion was taught and that still stand", taught)
    if taught.measures and _lost(taught):
        return "worse", False, f"on what the champion was taught the challenger is worse: {_gains(taught)}"
    if _lost(everything):
        return "worse", False, f"on all verdicts the challenger is worse: {_gains(everything)}"
    if all(everything.measures[name].low > 0 or _perfect(everything.measures[name]) for name in _DECIDING):
        if little or all(new.measures[name].gain > 0 or _perfect(new.measures[name]) for name in _DECIDING):
            return "better", True, f"on all verdicts the challenger is better: {_gains(everything)}"
        return "not_worse", False, f"the challenger does not foretell the new verdicts better: {_gains(new)}"
    if little and everything.measures[_RANKING].low > -_SLACK:
        return (
            "not_worse",
            True,
            f"taught {'little' if new.rows else 'nothing'} new, the challenger is not worse: {_gains(everything)}",
        )
    return "not_worse", False, f"the challenger is not shown to be better: {_gains(everything)}"


def _perfect(of: Paired) -> bool:
    """Whether both have all that a share can give, in every draw."""
    return of.champion == of.challenger == 1.0 and of.low == of.high == 0.0


def _lost(group: Group) -> bool:
    """Whether it is plain that the challenger is worse."""
    return any(group.measures[name].high < 0 for name in _DECIDING)


def _too_few(which: str, group: Group) -> str:
    others = group.rows - group.anomalies
    return f"too few {which}: {group.anomalies} anomalies and {others} others, {_FEWEST} of each are needed"


def _gains(group: Group) -> str:
    said = []
    for name in _DECIDING:
        of = group.measures[name]
        said.append(
            f"{name.replace('_', ' ')} {of.champion:.3f} to {of.challenger:.3f} (gain {of.low:+.3f} to {of.high:+.3f})"
        )
    return ", ".join(said)


def _stratified(strata: Ints, rng: np.random.Generator) -> Ints:
    """The fold of each row, each stratum spread over all of them."""
    shuffled = rng.permutation(strata.size)
    order = shuffled[np.argsort(strata[shuffled], kind="stable")]
    folds = np.empty(strata.size, dtype=np.int64)
    folds[order] = np.arange(strata.size) % _FOLDS
    return folds


def _cross_fitted(candidate: Candidate, folds: Ints, same: Ints, seed: int) -> Floats:
    """Log-odds of each row by a stacker that was taught neither it nor one just like it, shape (rows,).

    Such rows, which have one number in `same`, are many where data overlap: a row then has a verdict in each of them.
    """
    taught = ~np.isnan(candidate.taught)
    known = np.isin(same, same[taught])
    lesson = Lesson(
        judged=candidate.judged.take(taught),
        labels=candidate.taught[taught],
        background=_unjudged(candidate, seed),
        rate=candidate.rate,
        seed=seed,
    )
    make = candidate.stacker or Consensus
    found = np.full(taught.size, np.nan)
    if not known.all():
        found[~known] = make().fit(lesson).log_odds(candidate.judged.take(~known))
    for fold in range(_FOLDS):
        held = known & (folds == fold)
        if held.any():
            others = lesson.without(np.isin(same[taught], same[held]))
            found[held] = make().fit(others).log_odds(candidate.judged.take(held))
    return found


def _unjudged(candidate: Candidate, seed: int) -> Evidence:
    """Some of the background, without the judged rows: as rows as they come they would be taught, if weakly."""
    order = np.random.default_rng(seed).permutation(len(candidate.background))[:_BACKGROUND]
    background = candidate.background.take(np.sort(order))
    others = background.unlike(candidate.judged)
    return others if len(others) else background


def _measured(labels: Ints, odds: list[Floats], folds: Ints, strata: Ints, rng: np.random.Generator) -> Group:
    """Measure a group of rows as if there were no others."""
    anomalies = int(labels.sum())
    measures: dict[str, Paired] = {}
    if min(anomalies, labels.size - anomalies) >= _FEWEST:
        measures = paired_measures(
            labels,
            odds,
            [calibrated(labels, each, folds) for each in odds],
            counts=draws(strata, _RESAMPLES, rng),
            confidence=_CONFIDENCE,
        )
    return Group(rows=int(labels.size), anomalies=anomalies, measures=measures)


def _check_labels(labels: Floats) -> None:
    bad = labels[~(np.isin(labels, (0, 1)) | np.isnan(labels))]
    if bad.size:
        raise DataError(f"a label must be 0, 1 or NaN, got {bad[0]:g}")
