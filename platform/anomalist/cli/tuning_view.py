"""How a search, and a trial of one, is shown to people."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.output import print_table
from anomalist.data.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["print_report", "print_trial", "print_tuned"]

_SHOWN = 5


def print_tuned(found: Mapping[str, Any], *, data: str, params: Mapping[str, Any]) -> None:
    """Print a search that has just ended, with its best trials."""
    click.echo(f"run {found['run']}")
    print_report(found, data=data, params=params)


def print_report(found: Mapping[str, Any], *, data: str, params: Mapping[str, Any]) -> None:
    """Print what a search found; `data` is where its rows are, and `params` those of its run."""
    run = _run_of(data, params["origin"], params["tune"])
    judged_by = found["judged_by"].replace("_", " ")
    for one in found["detectors"]:
        click.echo(f"\n{one['detector']}: {_counts(one)}, by {judged_by}")
        _print_trials(one["trials"], judged_by)
        _print_failures(one["trials"])
        if one["comparison"] is not None:
            click.echo()
            _print_comparison(one["comparison"])
        click.echo(f"\n{one['reason']}")
        if one["ended"] == "seconds":
            click.echo("go on:   the same command, without --fresh, keeps these trials and tries more")
        for what, line in _advice(one):
            click.echo(f"{what + ':':9s}{run} --detector {shlex.quote(line)}")


def print_trial(about: Mapping[str, Any], found: Mapping[str, Any] | None) -> None:
    """Print one trial: what it tried and what that was worth on each fold, as far as it came."""
    click.echo(f"\ntrial {about['number']} of search {about['study']}: {about['detector']}")
    if found is not None:
        folds = ", ".join(f"{value:.4f}" for value in found["folds"])
        click.echo(f"{found['state']}: {found['judged_by'].replace('_', ' ')} on each fold: {folds}")


def _run_of(data: str, origin: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """The command that reads the rows as the search did; a detector is to follow."""
    names = ("key", "time", "entity", "label", "format", "query")
    options = [(name, origin[name]) for name in names if origin.get(name)]
    options += [("positive", value) for value in asked["positive"] or ()]
    options += [("ignore", name) for name in origin.get("ignore", ())]
    options += [("role", f"{column}={role}") for column, role in origin.get("roles", {}).items()]
    options += [("features", maker) for maker in asked["features"]]
    return shlex.join(["anomalist", "run", data, *(text for name, value in options for text in (f"--{name}", value))])


def _advice(one: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What to do with what was found, and the detector that it is done with."""
    tuned, defaults, comparison = one["line"], one["defaults"], one["comparison"]
    if tuned == defaults:
        return [("use it", defaults)]
    if comparison is None:
        return [("try it", tuned)]
    if comparison["ruling"] == "better":
        return [("use it", tuned)]
    ahead = comparison["measures"][comparison["metric"]]["gain"] > 0
    return [("keep", defaults), ("or try", tuned)] if ahead else [("keep", defaults)]


def _counts(one: Mapping[str, Any]) -> str:
    """How many trials there were, and why no more."""
    count, wanted = len(one["trials"]), counted(one["wanted"], "trial")
    many = {
        "trials": counted(count, "trial"),
        "seconds": f"{count} of {wanted} when the time was over",
        "space": f"{counted(count, 'trial')}, all that the space holds",
    }[one["ended"]]
    return f"{many} ({', '.join(f'{count} {state}' for state, count in one['counts'].items() if count)})"


def _print_failures(trials: list[dict[str, Any]]) -> None:
    """Why trials failed, each reason once."""
    errors = Counter(trial["error"] for trial in trials if trial["state"] == "failed")
    for error, count in errors.most_common(_SHOWN):
        first = next(trial for trial in trials if trial["error"] == error)
        click.echo(f"failed: {counted(count, 'trial')}, such as {first['number']} ({_point(first['point'])}): {error}")


def _print_trials(trials: list[dict[str, Any]], judged_by: str) -> None:
    """The best few that came to their end, and the defaults wherever they are."""
    done = [trial for trial in trials if trial["state"] == "done"]
    ranked = sorted(done, key=lambda trial: -trial["value"])
    shown = ranked[:_SHOWN] + [trial for trial in ranked[_SHOWN:] if trial["number"] == 0]
    print_table(
        ["trial", judged_by, "seconds", "parameters"],
        [
            [trial["number"], f"{trial['value']:.4f}", f"{trial['seconds']:.2f}", _point(trial["point"])]
            for trial in shown
        ],
    )


def _point(point: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in point.items()) or "the defaults"


def _print_comparison(comparison: Mapping[str, Any]) -> None:
    rows = [
        [
            name.replace("_", " "),
            f"{pair['defaults']:.3f}",
            f"{pair['tuned']:.3f}",
            f"{pair['gain']:+.3f}",
            f"{pair['low']:+.3f} to {pair['high']:+.3f}",
        ]
        for name, pair in comparison["measures"].items()
    ]
    columns = ["on rows that no trial saw", "defaults", "tuned", "gain", f"{comparison['confidence']:.0%} interval"]
    print_table(columns, rows)
