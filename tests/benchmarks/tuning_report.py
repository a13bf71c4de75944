"""What the searches of `tuning` came to, in three tables: gains, the criterion without labels, random search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["METRICS", "report"]

METRICS = ("average_precision", "roc_auc")
_EQUAL = 0.001  # what is closer than this is the same

Found = dict[str, dict[str, Any]]
"""Of one set and detector: `by_labels`, `without` and `random`."""


def report(results: Mapping[str, Mapping[str, Found]]) -> dict[str, dict[str, float]]:
    """Print and return the means over sets, for each detector and over all."""
    names = list(next(iter(results.values())))
    groups = {name: [sets[name] for sets in results.values()] for name in names}
    groups["all"] = [one for group in groups.values() for one in group]
    width = 2 + max(len(name) for name in groups)
    means: dict[str, dict[str, float]] = {name: {} for name in groups}
    print(f"\nmeans over {len(results)} sets; average precision / ROC AUC on rows that no trial saw")
    print(f"{'detector':{width}s}{'defaults':>15s}{'by labels':>15s}{'gain':>17s}  better/same/worse", end="")
    print(f"{'no labels':>15s}{'gain':>17s}  better/same/worse{'seconds a search':>18s}")
    for name, group in groups.items():
        print(f"{name:{width}s}{_gains(group, means[name])}")
    print("\nthe criterion without labels, on random settings: rank correlation with labels, gain of its choice")
    print(f"{'detector':{width}s}{'rank correlation':>20s}{'over the defaults':>20s}{'over a random one':>20s}")
    for name, group in groups.items():
        print(f"{name:{width}s}{_trust(group, means[name])}")
    print("\nthe best found by labels, and the best of as many at random: average precision on the folds, how often")
    print("it is ahead, and average precision / ROC AUC on rows that no trial saw")
    print(f"{'detector':{width}s}{'searched':>9s}{'random':>9s}{'lead':>9s}  ahead/same/behind", end="")
    print(f"{'searched':>15s}{'random':>15s}{'lead':>17s}")
    for name, group in groups.items():
        print(f"{name:{width}s}{_lead(group, means[name])}")
    return means


def _gains(group: list[Found], means: dict[str, float]) -> str:
    """A line of the first table; its means are added to the others."""
    line = ""
    for how in ("by_labels", "without"):
        for kind in ("defaults", "tuned", "gain"):
            values = [_mean(one[how][metric][kind] for one in group) for metric in METRICS]
            means |= {f"{how}_{metric}_{kind}": value for metric, value in zip(METRICS, values, strict=True)}
            if kind != "defaults" or how == "by_labels":
                line += _pair(values, "+" if kind == "gain" else "", 17 if kind == "gain" else 15)
        rulings = [one[how]["ruling"] for one in group]
        line += "/".join(str(rulings.count(ruling)) for ruling in ("better", "unproven", "worse")).rjust(19)
    return f"{line}{_mean(one['by_labels']['seconds'] for one in group):18.1f}"


def _trust(group: list[Found], means: dict[str, float]) -> str:
    """A line of the second table."""
    line = ""
    for kind in ("rank", "over_defaults", "over_random"):
        found = {f"{kind}_{metric}": _mean(one["random"][f"{kind}_{metric}"] for one in group) for metric in METRICS}
        means |= found
        line += _pair(found.values(), "+", 20)
    return line


def _lead(group: list[Found], means: dict[str, float]) -> str:
    """A line of the third table."""
    searched = np.array([one["by_labels"]["value"] for one in group])
    drawn = np.array([one["random"]["best"] for one in group])
    lead = searched - drawn
    counts = (lead > _EQUAL).sum(), (np.abs(lead) <= _EQUAL).sum(), (lead < -_EQUAL).sum()
    means |= {"best_by_labels": float(searched.mean()), "best_at_random": float(drawn.mean())}
    means["lead"] = float(lead.mean())
    unseen = [_mean(one["by_labels"][metric]["tuned"] for one in group) for metric in METRICS]
    beside = [_mean(one["random"][f"unseen_{metric}"] for one in group) for metric in METRICS]
    leads = [ours - theirs for ours, theirs in zip(unseen, beside, strict=True)]
    means |= {f"lead_unseen_{metric}": value for metric, value in zip(METRICS, leads, strict=True)}
    line = f"{searched.mean():9.3f}{drawn.mean():9.3f}{lead.mean():+9.3f}{'/'.join(str(int(n)) for n in counts):>19s}"
    return line + _pair(unseen, "", 15) + _pair(beside, "", 15) + _pair(leads, "+", 17)


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _pair(values: Iterable[float], sign: str, width: int) -> str:
    return " / ".join(f"{value:{sign}.3f}" for value in values).rjust(width)
