"""The stated targets: what our side may cost at most beside its counterpart, and how well it must do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks.speed_pairs import PAIRS, Pair

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.benchmarks.speed_exact import LargeFit
    from tests.benchmarks.speed_results import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A median ratio of CPU times on one size.

    Attributes:
        pair: The name of a pair, `ours / peer`.
        figure: `fit`, `score`, `both` or `row`.
        at_most: Ours over the peer's.
        auc_within: By how much our ROC AUC may lie below the peer's; None where the target says nothing about it.
        scores_within: By how much a score of ours may differ from the peer's; None likewise.
        turns: A check takes so many at least, and with fewer ROC AUC is not judged: that of one forest is off by .02,
            that of 25 by .004.
    """

    pair: str
    rows: int
    columns: int
    figure: str
    at_most: float
    auc_within: float | None = None
    scores_within: float | None = None
    turns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A figure beside its limit; `value` is None where it was not measured."""

    what: str
    value: float | None
    limit: float
    at_most: bool = True

    @property
    def met(self) -> bool | None:
        if self.value is None:
            return None
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def cells(self) -> list[str]:
        """What, what was got, what is wanted, and whether it was met."""
        word = {True: "met", False: "**missed**", None: "not measured"}[self.met]
        value = "" if self.value is None else f"{self.value:.2g}"
        return [self.what, value, f"at {'most' if self.at_most else 'least'} {self.limit:g}", word]

    def __str__(self) -> str:
        word = {True: "met", False: "MISSED", None: "not measured"}[self.met]
        value = "" if self.value is None else f"{self.value:.3g}, "
        return f"{word:12s} {self.what}: {value}wanted at {'most' if self.at_most else 'least'} {self.limit:g}"


TARGETS = (
    Target(pair="autoencoder / PyOD AutoEncoder", rows=10_000, columns=20, figure="fit", at_most=0.10),
    Target(pair="autoencoder, 8 seeds / PyOD AutoEncoder", rows=10_000, columns=20, figure="fit", at_most=0.40),
    Target(pair="vae / PyOD VAE", rows=10_000, columns=20, figure="fit", at_most=0.05),
    Target(pair="gan / PyOD SO_GAAL", rows=10_000, columns=20, figure="fit", at_most=0.5),
    Target(
        pair="isolation_forest / scikit-learn IsolationForest",
        rows=100_000,
        columns=20,
        figure="both",
        at_most=0.5,
        auc_within=0.01,
        turns=25,
    ),
    Target(pair="isolation_forest / scikit-learn IsolationForest", rows=100_000, columns=20, figure="row", at_most=0.1),
    Target(
        pair="ocsvm, as PyOD's / PyOD OCSVM",
        rows=10_000,
        columns=20,
        figure="score",
        at_most=0.1,
        scores_within=1e-4,
    ),
)

LARGE = "ocsvm, large fit / scikit-learn OneClassSVM"
LARGE_SIZE = (100_000, 20)
LARGE_AT_MOST = 1 / 50
LARGE_AUC_WITHIN = 0.01

# Ours, the peer, and by how much our mean ROC AUC over the labelled sets of --data must lie above the peer's at least.
ACCURACY = (
    ("autoencoder", "PyOD AutoEncoder", 0.0),
    ("gan", "PyOD SO_GAAL", 0.10),
    ("gan", "PyOD ALAD", 0.10),
)


def pairs_by_size(pairs: Sequence[Pair] = PAIRS) -> dict[tuple[int, int], list[Pair]]:
    """What has to be measured to judge the targets of some pairs, by rows and columns."""
    found: dict[tuple[int, int], list[Pair]] = {}
    for target in TARGETS:
        known = found.setdefault((target.rows, target.columns), [])
        known += [pair for pair in pairs if pair.name == target.pair and pair not in known]
    return {size: wanted for size, wanted in found.items() if wanted}


def fewest_turns(rows: int, columns: int) -> int:
    """How many turns a check of this size takes at least."""
    return max((target.turns for target in TARGETS if (target.rows, target.columns) == (rows, columns)), default=0)


def judged_on_sets(pairs: Sequence[Pair]) -> list[Pair]:
    """Those of some pairs that a target over labelled sets is stated for."""
    stated = [f"{ours} / {peer}" for ours, peer, _ in ACCURACY]
    return [pair for pair in pairs if pair.name in stated]


def judge(results: Sequence[Result], names: Sequence[str], *, everything: bool) -> list[Verdict]:
    """The targets whose pair and size were measured; with `everything` all of the pairs that were asked for.

    Where a pair was measured with several numbers of threads, the least counts.
    """
    verdicts = []
    for target in TARGETS:
        if target.pair not in names:
            continue
        sizes = (target.rows, target.columns)
        found = [one for one in results if one.pair == target.pair and (one.rows, one.columns) == sizes]
        if found:
            verdicts += _judged(target, min(found, key=lambda one: one.threads))
        elif everything:
            what = f"{target.pair}, {target.rows:,} x {target.columns}: CPU of {target.figure}"
            verdicts.append(Verdict(what=what, value=None, limit=target.at_most))
    return verdicts


def _judged(target: Target, result: Result) -> list[Verdict]:
    """The time, and what else the target says: a fast detector that is wrong does not count."""
    threads = "" if result.threads == 1 else f", {result.threads} threads"
    where = f"{target.pair}, {target.rows:,} x {target.columns}{threads}"
    spread = result.ratio(target.figure)
    cpu = None if spread is None else spread.median
    verdicts = [Verdict(what=f"{where}: CPU of {target.figure}", value=cpu, limit=target.at_most)]
    if target.auc_within is not None:
        what, limit = f"{where}: more ROC AUC", -target.auc_within
        gap = result.gap() if result.turns >= target.turns else None
        verdicts.append(Verdict(what=what, value=gap, limit=limit, at_most=False))
    if target.scores_within is not None:
        what = f"{where}: largest difference of a score"
        verdicts.append(Verdict(what=what, value=result.difference, limit=target.scores_within))
    return verdicts


def judge_large(larges: Sequence[LargeFit], names: Sequence[str], *, everything: bool) -> list[Verdict]:
    """Whether the fit of many rows is cheap enough and as good as the exact one; nothing for other sizes."""
    rows, columns = LARGE_SIZE
    where = f"ocsvm, fit of {rows:,} x {columns}"
    cheap = f"{where}: CPU over the extrapolated exact fit's"
    found = []
    for large in larges:
        if (large.rows, large.columns) != LARGE_SIZE:
            continue
        what, gap = f"{where}: ROC AUC above exact on {large.exact_rows:,} rows", large.gap
        found.append(Verdict(what=cheap, value=large.ratio.median, limit=LARGE_AT_MOST))
        found.append(Verdict(what=what, value=gap, limit=-LARGE_AUC_WITHIN, at_most=False))
    if everything and LARGE in names and not found:
        found.append(Verdict(what=cheap, value=None, limit=LARGE_AT_MOST))
    return found


def judge_accuracy(means: Mapping[str, tuple[float, float]], names: Sequence[str]) -> list[Verdict]:
    """The targets over labelled sets, of the pairs that were asked for; not measured where --data was not given."""
    verdicts = []
    for ours, peer, above in ACCURACY:
        if f"{ours} / {peer}" not in names:
            continue
        gap = means[ours][0] - means[peer][0] if means else None
        what = f"{ours} / {peer}: mean ROC AUC above the peer's over the sets of --data"
        verdicts.append(Verdict(what=what, value=gap, limit=above, at_most=False))
    return verdicts
