"""`anomalist retrain`: the next version of a model, from all verdicts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.output import emit, json_option
from anomalist.cli.run import fail_option, finish, out_option, top_option
from anomalist.cli.source_options import source_from, source_options

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.cli.app import App
    from anomalist.data.table import Table
    from anomalist.engine.runs.sources import Source
    from anomalist.engine.workspace import Workspace

__all__ = ["retrain"]


@click.command()
@click.argument("model", metavar="NAME[@ALIAS|:VERSION]")
@click.option("--data", metavar="FILE", help="Rows to fit or score, in place of those of the model.")
@source_options
@click.option(
    "--members",
    type=click.Choice(["reuse", "refit", "warm-start"]),
    help="Keep the members, fit them anew, or fit them on. By default kept, and fitted anew where there is --data.",
)
@click.option("--stacker", metavar="NAME[:k=v,...]", default="gp", show_default=True, help="What learns from verdicts.")
@click.option("--promote/--no-promote", default=None, help="Promote the new version or not, whatever the comparison.")
@click.option("--if-needed", is_flag=True, help="Only where enough verdicts are new, or the rows of --data drifted.")
@click.option(
    "--verdicts",
    type=click.IntRange(min=1),
    metavar="N",
    help="New verdicts that --if-needed waits for; 20 by default.",
)
@click.option("--budget", metavar="1%|50", help="Flag at most this share or number of rows; by default as before.")
@click.option("--seed", type=int, metavar="N", help="Where all randomness starts; by default as before.")
@click.option(
    "--device", metavar="NAME", help="Where deep detectors train: auto, cpu, cuda, mps; by default as before."
)
@click.option(
    "--clean/--no-clean", default=None, help="All rows to fit on are known to be normal, or not; by default as before."
)
@click.option("--threads", type=int, metavar="N", help="Detectors at work at once; by default one a core.")
@click.option("--timeout", type=float, metavar="S", help="Seconds that one detector may take.")
@top_option
@out_option
@fail_option
@json_option
@click.pass_obj
def retrain(
    app: App,
    /,
    model: str,
    data: str | None,
    members: str | None,
    as_json: bool,
    out: Path | None,
    fail_on_anomaly: bool,
    if_needed: bool,
    verdicts: int | None,
    **options: Any,
) -> int:
    """Make the next version of a model from all verdicts, compare it with the champion, promote it if it is better.

    Both are judged by verdicts that they were not taught when they are judged. What is not promoted stays as
    NAME@challenger.
    """
    from anomalist.cli.comparison import print_outcome
    from anomalist.cli.progress import progress_bar
    from anomalist.engine.fitting.request import RetrainOptions
    from anomalist.engine.retraining.needed import need
    from anomalist.engine.retraining.retrain import retrain as make_next
    from anomalist.engine.runs.export import check_out
    from anomalist.engine.workspace import Workspace
    from anomalist.errors import UsageError

    if verdicts is not None and not if_needed:
        raise UsageError("--verdicts says how many new ones --if-needed waits for: give it, too")
    check_out(out)
    given, positive = source_from(data, options)
    names = ("budget", "seed", "device", "threads", "timeout")
    settings = app.settings(**{name: options[name] for name in names})
    request = RetrainOptions(
        members=members or ("reuse" if data is None else "refit"),  # type: ignore[arg-type]  # click checked it
        stacker=options["stacker"],
        promote=options["promote"],
        **{name: getattr(settings, name) for name in ("budget", "seed", "device") if options[name] is not None},
        clean=options["clean"],
        top=options["top"],
    )
    with progress_bar(app) as progress, Workspace.open(settings, app.registry(), progress=progress) as workspace:
        table, origin = _table(workspace, model, given) or (None, None)
        needed = {}
        if if_needed:
            due = need(workspace, model, table=table, **({} if verdicts is None else {"verdicts": verdicts}))
            if not due.now:
                emit(as_json, {"needed": False, "reason": due.reason}, lambda: click.echo(f"not needed: {due.reason}"))
                return 0
            app.notice(f"retraining: {due.reason}")
            needed = {"needed": True, "reason": due.reason}
        retrained = make_next(
            workspace,
            model,
            request,
            table=table,
            origin=origin,
            positive=positive,
        )
    return finish(
        app,
        retrained.result,
        as_json=as_json,
        out=out,
        fail_on_anomaly=fail_on_anomaly,
        more={**needed, "retrain": retrained.outcome.to_dict()},
        after=lambda: print_outcome(retrained.outcome.to_dict(), made=retrained.result.row.model),
    )


def _table(workspace: Workspace, model: str, source: Source) -> tuple[Table, dict[str, Any]] | None:
    """The rows that were named, read as those of the model were, and how to read them again; None for no others.

    Raises:
        UsageError: It is said how to read rows, but not which.
    """
    from anomalist.engine.runs.sources import Source
    from anomalist.errors import UsageError

    if source.location is None:
        if source != Source():
            raise UsageError("options such as --key and --label say how to read rows; name them with --data")
        return None
    fitted, _ = workspace.load(model)
    source = replace(source, like=fitted.encoder.reading)
    return source.read(workspace.registry), source.to_dict()
