"""What the default panel is held to beside ensembles, single detectors and published figures."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import click
import numpy as np

from tests.benchmarks.ensembles_peers import LSCP, SUOD

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

__all__ = ["CONSENSUS", "Sets", "Target", "mean_of", "of_accuracy", "of_time", "published"]

CONSENSUS = "consensus"
Sets: TypeAlias = "Mapping[str, Mapping[str, tuple[float, float, float | None]]]"
"""By set and by name: ROC AUC, average precision and, where it was measured, CPU seconds."""

_MEASURES = ("ROC AUC", "average precision")
_LEAST = (0.80, 0.45)
_MOST_TIME = 0.25
_TABLES = (
    {"adbench_paper_D4_AUCROC_unsup", "dte_paper_unsup_aucroc"},
    {"adbench_paper_D5_AUCPR_unsup", "dte_paper_unsup_aucpr"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One figure and what it has to be.

    Attributes:
        what: Which figure, and beside what.
        got: The figure.
        bound: What it is held to.
        at_most: Whether the bound is the most it may be, not the least.
        beyond: Whether the bound itself is not enough.
    """

    what: str
    got: float
    bound: float
    at_most: bool = False
    beyond: bool = True

    @property
    def met(self) -> bool:
        """Whether the figure is on the right side of the bound."""
        margin = self.bound - self.got if self.at_most else self.got - self.bound
        return margin > 0 or (margin == 0 and not self.beyond)

    def __str__(self) -> str:
        sign = "<" if self.at_most else ">"
        equal = "" if self.beyond else "="
        return f"{self.what:62s} {self.got:7.4f} {sign + equal:>2s} {self.bound:.4f}  {'met' if self.met else 'MISSED'}"


def of_time(ratio: float) -> list[Target]:
    """Of the CPU time of the panel over SUOD's."""
    return [Target(what="CPU time over SUOD's", got=ratio, bound=_MOST_TIME, at_most=True, beyond=False)]


def mean_of(sets: Sets, name: str, *, where: str | None = None) -> tuple[float, float]:
    """Mean ROC AUC and average precision of one over the sets where it, or `where`, has figures."""
    found = [figures[name][:2] for figures in sets.values() if (where or name) in figures]
    auc, precision = np.mean(found, axis=0).tolist()
    return auc, precision


def of_accuracy(
    sets: Sets, members: Collection[str], others: tuple[Mapping[str, float], Mapping[str, float]] | None
) -> list[Target]:
    """Of the means of the consensus over sets, beside those of its members, of the peers and, if given, of others.

    A peer that failed on some sets is compared on the rest.
    """
    rivals = {name for figures in sets.values() for name in figures} - {CONSENSUS}
    groups = {
        "SUOD": rivals & {SUOD},
        "LSCP": rivals & {LSCP},
        "its best member": rivals & set(members),
        "PyOD's best detector": rivals - {SUOD, LSCP} - set(members),
    }
    targets = []
    for i, measure in enumerate(_MEASURES):
        got = mean_of(sets, CONSENSUS)[i]
        targets.append(Target(what=measure, got=got, bound=_LEAST[i], beyond=False))
        for group, names in groups.items():
            if not names:
                continue
            pairs = {name: (mean_of(sets, CONSENSUS, where=name)[i], mean_of(sets, name)[i]) for name in names}
            best = max(pairs, key=lambda name: pairs[name][1] - pairs[name][0])
            what = f"{measure}, {group}" + (f" ({best})" if len(names) > 1 else "")
            targets.append(Target(what=what, got=pairs[best][0], bound=pairs[best][1]))
        if others is not None:
            best = max(others[i], key=lambda name: others[i][name])
            targets.append(Target(what=f"{measure}, the best published ({best})", got=got, bound=others[i][best]))
    return targets


def published(reference: Path, sets: int) -> tuple[dict[str, float], dict[str, float]]:
    """Published means of ROC AUC and average precision over the same number of sets, by method and table.

    Raises:
        ClickException: The file has none over so many sets.
    """
    with reference.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if int(row["n"]) == sets]
    found = [
        {
            f"{row['method']}, {row['table'].split('_')[0]}": float(row["mean"]) / 100
            for row in rows
            if row["table"] in tables
        }
        for tables in _TABLES
    ]
    if not all(found):
        raise click.ClickException(f"{reference}: no published means over {sets} sets; leave --only or --reference out")
    return found[0], found[1]
