"""`anomalist runs`, `show`, `top`, `explain`: what is stored of earlier runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.output import emit, json_option, print_pairs, print_table

if TYPE_CHECKING:
    from anomalist.cli.app import App
    from anomalist.store.rows import MemberRow, RunRow, ThresholdRow

__all__ = ["explain", "runs", "show", "top"]

_count_option = click.option(
    "-n", "--count", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="Lines to show."
)


@click.command()
@_count_option
@click.option("--trials", is_flag=True, help="List the trials of searches, too.")
@json_option
@click.pass_obj
def runs(app: App, count: int, trials: bool, as_json: bool) -> None:
    """List the newest runs, the newest first."""
    with app.open_store() as store:
        found = store.runs(limit=count, trials=trials)

    def human() -> None:
        if not found:
            click.echo("no run yet: make one with `anomalist run DATA`")
            return
        columns = ["run", "kind", "status", "data", "rows", "model", "flagged", "started (UTC)", "seconds"]
        print_table(columns, [_line(run) for run in found])

    emit(as_json, {"runs": [_run_dict(run) for run in found]}, human)


@click.command()
@click.argument("run", metavar="RUN")
@json_option
@click.pass_obj
def show(app: App, run: str, as_json: bool) -> None:
    """Show one run: what it was asked, who took part, what it found. RUN is an id, its beginning, or 'latest'."""
    with app.open_store() as store:
        found = store.run(run)
        members = store.members(found.id)
        threshold = store.threshold(found.id)
    emit(as_json, {"run": _detail_dict(found, members, threshold)}, lambda: _print_run(found, members, threshold))


@click.command()
@click.argument("run", metavar="RUN")
@_count_option
@click.option("--flagged", "flagged_only", is_flag=True, help="Only rows over the threshold.")
@json_option
@click.pass_obj
def top(app: App, run: str, count: int, flagged_only: bool, as_json: bool) -> None:
    """List the most anomalous rows of RUN, with the reasons that were stored."""
    from anomalist.cli.findings import print_findings
    from anomalist.engine.runs.findings import finding_from

    with app.open_store() as store:
        scored = store.scored_run(run)
        found = [finding_from(row) for row in store.top(scored.id, count, flagged_only=flagged_only)]
    run_id, origin = scored.id, scored.params.get("origin", {})

    def human() -> None:
        if found:
            print_findings(found, place=[origin[name] for name in ("entity", "time") if origin.get(name)])
        else:
            click.echo(f"run {run_id} flagged no row")

    emit(as_json, {"run": run_id, "top": [finding.to_dict() for finding in found]}, human)


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("key")
@click.option("--data", metavar="FILE", help="The rows of the run, where they are not where they were.")
@json_option
@click.pass_obj
def explain(app: App, run: str, key: str, data: str | None, as_json: bool) -> None:
    """Say why row KEY of RUN got its score.

    A row that was neither flagged nor among the top is explained by reading its data again.
    """
    from anomalist.cli.findings import print_finding
    from anomalist.engine.runs.look import look
    from anomalist.engine.workspace import Workspace

    with Workspace.open(app.settings(), app.registry()) as workspace:
        run_id = workspace.store.scored_run(run).id
        found = look(workspace, run_id, key, data=data)
    emit(
        as_json,
        {"run": run_id, "finding": {**found.to_dict(), "values": dict(found.values)}},
        lambda: print_finding(found),
    )


def _kind(run: RunRow) -> str:
    """What a run was for: a search and its trials, which evaluate, are told apart from other evaluations."""
    return next((kind for kind in ("tune", "trial") if kind in run.params), run.kind)


def _where(run: RunRow) -> str:
    """Where the rows of a run are, from here; what they are called where that is not known."""
    location: str | None = run.params["origin"].get("location")
    here = f"{Path.cwd()}/"
    return run.dataset.source if location is None else location.removeprefix(here)


def _line(run: RunRow) -> list[object]:
    model = "-" if run.model is None else f"{run.model[0]}:{run.model[1]}"
    seconds = None if run.seconds is None else round(run.seconds, 1)
    started = run.started_at.strftime("%Y-%m-%d %H:%M:%S")
    return [run.id, _kind(run), run.status, run.dataset.source, run.dataset.rows, model, run.flagged, started, seconds]


def _run_dict(run: RunRow) -> dict[str, Any]:
    model = None if run.model is None else {"name": run.model[0], "version": run.model[1]}
    return {
        "id": run.id,
        "kind": _kind(run),
        "status": run.status,
        "source": run.dataset.source,
        "rows": run.dataset.rows,
        "columns": len(run.dataset.columns),
        "model": model,
        "seed": run.seed,
        "flagged": run.flagged,
        "error": run.error,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "seconds": run.seconds,
    }


def _detail_dict(run: RunRow, members: list[MemberRow], threshold: ThresholdRow | None) -> dict[str, Any]:
    policy = None
    if threshold is not None:
        policy = {"policy": threshold.policy, **threshold.settings, "value": threshold.value}
    names = ("name", "detector", "package", "status", "seconds", "error", "notes", "params")
    return {
        **_run_dict(run),
        "fingerprint": run.dataset.fingerprint,
        "params": run.params,
        "members": [{name: getattr(member, name) for name in names} for member in members],
        "threshold": policy,
        "results": run.results,
        "notes": run.notes,
    }


def _print_run(run: RunRow, members: list[MemberRow], threshold: ThresholdRow | None) -> None:
    from anomalist.cli.findings import describe_threshold, print_evaluation, rows_of_threshold

    columns = ["run", "kind", "status", "data", "rows", "model", "flagged", "started (UTC)", "seconds"]
    pairs = dict(zip(columns, _line(run), strict=True))
    pairs["seed"] = str(run.seed)
    pairs["fingerprint"] = run.dataset.fingerprint[:16]
    if features := run.params.get("options", {}).get("features"):
        pairs["features"] = " ".join(features)
    if run.params.get("options", {}).get("clean"):
        pairs["clean"] = "all rows are known to be normal"
    if run.error:
        pairs["error"] = run.error
    if threshold is not None:
        pairs["threshold"] = describe_threshold(
            {"policy": threshold.policy, **threshold.settings, "value": threshold.value}, rows=rows_of_threshold(run)
        )
    print_pairs(pairs)
    if members:
        click.echo()
        print_table(
            ["detector", "status", "seconds", "notes"],
            [
                [m.name, m.status, round(m.seconds, 2), "; ".join([*([m.error] if m.error else []), *m.notes])]
                for m in members
            ],
        )
    for note in run.notes:
        click.echo(f"note: {note}")
    if run.results and "evaluation" in run.results:
        click.echo()
        print_evaluation(run.results["evaluation"])
    if run.results and "retrain" in run.results:
        from anomalist.cli.comparison import print_outcome

        print_outcome(run.results["retrain"], made=run.model)
    if "trial" in run.params:
        from anomalist.cli.tuning_view import print_trial

        print_trial(run.params["trial"], (run.results or {}).get("trial"))
    if run.results and "tune" in run.results:
        from anomalist.cli.tuning_view import print_report

        print_report(run.results["tune"], data=_where(run), params=run.params)
    if run.results and "drift" in run.results:
        from anomalist.cli.monitor import print_drift

        click.echo()
        print_drift(run.results["drift"])
