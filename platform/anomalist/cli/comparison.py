"""How the comparison of a challenger with the champion is shown to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.output import print_table
from anomalist.data.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["print_outcome"]

_GROUPS = {"all": "all", "taught": "known to the champion", "new": "new to the champion"}


def print_outcome(outcome: Mapping[str, Any], *, made: tuple[str, int] | None) -> None:
    """Print what became of a challenger, as it is stored; `made` is its name and version."""
    name, version = made or ("-", 0)
    click.echo()
    click.echo(
        f"learned from {counted(outcome['verdicts'], 'verdict')}, {outcome['anomalies']:,} of them anomalies; "
        f"compared with {outcome['champion']}"
    )
    comparison = outcome["comparison"]
    if comparison is not None:
        _print_measures(comparison)
    if outcome["promoted"]:
        click.echo(f"{name}:{version} is the champion now: {outcome['reason']}")
        click.echo(f"back again:     anomalist models rollback {name}")
    else:
        click.echo(f"{outcome['champion']} stays the champion: {outcome['reason']}")
        click.echo(f"promote it:     anomalist models promote {name}:{version}")


def _measure(name: str, group: Mapping[str, Any]) -> str:
    if name == "precision_at_anomalies":
        return f"precision at {group['anomalies']}"
    return name.replace("_", " ")


def _print_measures(comparison: Mapping[str, Any]) -> None:
    rows = []
    for group, words in _GROUPS.items():
        found = comparison[group]
        if found is not None and group != "all" and found["rows"] == comparison["all"]["rows"]:
            continue  # the same rows again
        for measure, pair in ({} if found is None else found["measures"]).items():
            rows.append(
                [
                    f"{words} ({found['rows']})",
                    _measure(measure, found),
                    f"{pair['champion']:.3f}",
                    f"{pair['challenger']:.3f}",
                    f"{pair['gain']:+.3f}",
                    f"{pair['low']:+.3f} to {pair['high']:+.3f}",
                ]
            )
    if rows:
        interval = f"{comparison['confidence']:.0%} interval"
        print_table(["verdicts", "measure", "champion", "challenger", "gain", interval], rows)
