"""How a profile is shown to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from anomalist.cli.output import cell, print_table

if TYPE_CHECKING:
    from anomalist.data.profile import ColumnProfile, Profile

__all__ = ["print_profile"]

_TOP = 3
_LONGEST = 40


def print_profile(profile: Profile) -> None:
    """Print a profile: the table as a whole, each column, and what to worry about."""
    megabytes = profile.size / 2**20
    click.echo(
        f"{profile.source}: {profile.rows:,} rows, {len(profile.columns)} columns, {megabytes:.1f} MiB in memory, "
        f"{profile.duplicate_rows:,} rows repeat an earlier one"
    )
    if profile.time is not None:
        time = profile.time
        click.echo(f"time {time.column!r}: {time.first} to {time.last}, {time.entities:,} entities, {time.gaps:,} gaps")
    if profile.positive is not None:
        click.echo(f"label: {profile.anomalies:,} rows are {profile.positive!r}")
    click.echo()
    print_table(
        ["column", "role", "why", "missing", "distinct", "values"],
        [
            [
                column.name,
                column.role.value,
                column.why,
                f"{column.missing_share:.1%}",
                column.distinct,
                _values(column),
            ]
            for column in profile.columns
        ],
    )
    click.echo()
    if not profile.worries:
        click.echo("nothing to worry about")
    for worry in profile.worries:
        click.echo(f"worry: {worry}")


def _values(column: ColumnProfile) -> str:
    """The lowest, middle and highest value, or the most frequent ones."""
    if column.quantiles:
        return " … ".join(cell(column.quantiles[share]) for share in ("0", "0.5", "1"))
    shown = (f"{_short(value)} ({rows:,})" for value, rows in column.top[:_TOP])
    return ", ".join(shown)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
