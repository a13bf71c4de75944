"""How runs and findings are shown to people."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.output import cell, print_table
from anomalist.data.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.engine.runs.result import Finding, RunResult
    from anomalist.store.rows import RunRow

__all__ = [
    "chance",
    "describe_threshold",
    "one_in",
    "print_evaluation",
    "print_finding",
    "print_findings",
    "print_result",
    "rows_of_threshold",
]

_REASONS = 3
_MOVES = 8


def print_result(result: RunResult) -> None:
    """Print a run: what it was, who took part, how many rows are flagged, the top rows, and what to type next."""
    run = result.row
    name, version = run.model or ("-", 0)
    click.echo(
        f"run {run.id}: {run.status} in {run.seconds or 0:.1f} s, {len(result.table):,} rows, "
        f"{counted(len(result.model.encoder.columns), 'encoded column')}, seed {run.seed}, model {name}:{version}"
    )
    for report in result.reports:
        told = f"{report.seconds:.1f} s" if report.status == "done" else f"{report.status}: {report.error}"
        click.echo("  " + "; ".join([f"{report.seat.name}  {told}", *report.notes]))
    flagged = int(result.scores.flagged.sum())
    threshold = describe_threshold(result.model.threshold.state(), rows=rows_of_threshold(run))
    click.echo(f"flagged {flagged:,} of {len(result.table):,} rows: {threshold}")
    if result.evaluation is not None:
        click.echo()
        print_evaluation(result.evaluation)
    click.echo()
    place = [column for column in (result.table.entity, result.table.time) if column is not None]
    print_findings(result.findings[: result.top], place=place)
    click.echo()
    click.echo(f"why one row:    anomalist explain {run.id} {result.findings[0].key if result.findings else 'KEY'}")
    click.echo(f"more rows:      anomalist top {run.id} -n 50")
    click.echo(f"score new rows: anomalist score FILE --model {name}:{version}")


def print_findings(findings: Sequence[Finding], *, reasons: int = _REASONS, place: Sequence[str] = ()) -> None:
    """Print findings as a table, one row each, with the strongest reasons.

    `place` names the columns that say where a row stands in a series, its entity and its time; they are shown too.
    """
    taught = any(finding.probability is not None for finding in findings)
    rows = [
        [
            number,
            finding.key,
            *(cell(finding.values.get(column)) for column in place),
            f"{finding.score:.2f}",
            one_in(finding.level),
            *([cell(finding.probability and chance(finding.probability))] if taught else []),
            "yes" if finding.flagged else "",
            "; ".join(map(str, finding.reasons[:reasons])),
        ]
        for number, finding in enumerate(findings, start=1)
    ]
    learned = ["probability"] if taught else []
    print_table(["#", "key", *place, "bits", "one row in", *learned, "flagged", "why"], rows)


def print_finding(finding: Finding) -> None:
    """Print one finding: its reasons, what each detector said, and the row itself."""
    state = "flagged" if finding.flagged else "not flagged"
    click.echo(
        f"row {finding.row} (key {finding.key}): {finding.score:.2f} bits, one row in {one_in(finding.level)}, {state}"
    )
    click.echo()
    if finding.reasons:
        columns = ["column", "actual", "typical", "share"]
        print_table(columns, [[r.column, cell(r.actual), cell(r.typical), f"{r.share:.0%}"] for r in finding.reasons])
    else:
        click.echo("no column stands out")
    click.echo()
    ranked = sorted(finding.members.items(), key=lambda member: -member[1])
    print_table(["detector", "one row in"], [[name, one_in(level)] for name, level in ranked])
    if finding.probability is not None:
        _print_learned(finding)
    click.echo()
    print_table(["column", "value"], [[name, cell(value)] for name, value in finding.values.items()])


def _print_learned(finding: Finding) -> None:
    """Print what verdicts have taught about a row."""
    click.echo()
    click.echo(f"{chance(finding.probability or 0.0)} likely an anomaly, as verdicts tell")
    moved = [(kind, name, nats) for kind, moves in (finding.moved or {}).items() for name, nats in moves.items()]
    moved = sorted(moved, key=lambda move: -abs(move[2]))[:_MOVES]
    if moved:
        rows = [[f"{kind.removesuffix('s')} {name}", _times(nats)] for kind, name, nats in moved]
        print_table(["moved by", "odds times"], rows)


def chance(probability: float) -> str:
    """A probability as people say it: it is never certain.

    >>> chance(0.3333), chance(0.9999), chance(0.001)
    ('33%', 'over 99%', 'under 1%')
    """
    return "under 1%" if probability < 0.01 else "over 99%" if probability > 0.99 else f"{probability:.0%}"


def _times(nats: float) -> str:
    """A change of log-odds as a factor of the odds.

    >>> _times(0.6931), _times(-2.3026)
    ('2.0', '0.10')
    """
    factor = math.exp(min(max(nats, -20.0), 20.0))
    return f"{factor:.3g}" if factor >= 100 else f"{factor:.1f}" if factor >= 1 else f"{factor:.2f}"


def one_in(level: float) -> str:
    """How rare a level is, as people say it.

    >>> one_in(0.5), one_in(0.99), one_in(1.0)
    ('2.0', '100', 'over a million')
    """
    share = 1.0 - level
    if share < 1e-6:
        return "over a million"
    return f"{1 / share:.1f}" if share > 0.1 else f"{round(1 / share):,}"


def rows_of_threshold(run: RunRow) -> int | None:
    """How many rows a run took its threshold from; None where it is the one that the model came with."""
    own = run.kind != "score" or run.params.get("budget") is not None
    return run.dataset.rows if own else None


def describe_threshold(threshold: Mapping[str, Any], *, rows: int | None = None) -> str:
    """A threshold in a few words; a share of `rows`, where it was taken from so many, comes to one row at least.

    >>> describe_threshold({"policy": "budget", "parameter": 0.01, "value": 6.6})
    'a budget of 1% of the rows, from 6.60 bits on'
    >>> describe_threshold({"policy": "budget", "parameter": 0.01, "value": 6.6}, rows=60)
    'a budget of 1% of the rows, but at least one row, from 6.60 bits on'
    """
    policy, parameter, value = threshold["policy"], threshold["parameter"], threshold["value"]
    if policy == "none" or value is None:
        return "no threshold, scores only"
    what = {
        "budget": f"a budget of {parameter:g} rows"
        if parameter >= 1
        else f"a budget of {100 * parameter:g}% of the rows"
        + (", but at least one row" if rows is not None and parameter * rows < 1 else ""),
        "fpr": f"a false-positive rate of {parameter:g}",
        "labels": f"the best F-beta on the labels, beta {parameter:g}",
    }[policy]
    return f"{what}, from {value:.2f} bits on"


def print_evaluation(evaluation: Mapping[str, Any]) -> None:
    """Print measures of quality, the ensemble first, then each member."""
    click.echo(
        f"against {evaluation['rows']:,} labels, {evaluation['anomalies']:,} of them anomalies "
        f"({evaluation['flagged']:,} of these rows are flagged)"
    )
    measured = {"ensemble": evaluation["ensemble"], **evaluation["members"]}
    ranks = list(evaluation["ensemble"]["precision_at"])
    columns = ["", "ROC AUC", "average precision", "precision", "recall", "F1", *(f"precision at {k}" for k in ranks)]
    names = ["roc_auc", "average_precision", "precision", "recall", "f1"]
    rows = [
        [who, *(f"{found[name]:.3f}" for name in names), *(f"{found['precision_at'][k]:.2f}" for k in ranks)]
        for who, found in measured.items()
    ]
    print_table(columns, rows)
