"""`anomalist models`: the fitted models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.lazy import SuggestingGroup
from anomalist.cli.output import emit, json_option, print_pairs, print_table
from anomalist.errors import UnknownNameError

if TYPE_CHECKING:
    from anomalist.cli.app import App
    from anomalist.store.rows import ModelRow

__all__ = ["models"]


@click.group(cls=SuggestingGroup)
def models() -> None:
    """Show the fitted models."""


@models.command("list")
@click.argument("name", required=False)
@json_option
@click.pass_obj
def list_models(app: App, name: str | None, as_json: bool) -> None:
    """List every model, or every version of one."""
    with app.open_store() as store:
        found = store.models(name)
    if name is not None and not found:
        raise UnknownNameError(f"no model is called {name!r}; `anomalist models list` shows all")

    def human() -> None:
        if not found:
            click.echo("no model yet: make one with `anomalist run DATA`")
            return
        rows = [
            [
                f"{model.name}:{model.version}",
                model.aliases,
                model.run,
                model.created_at.strftime("%Y-%m-%d %H:%M:%S"),
                list(model.details.get("detectors", {})),
            ]
            for model in found
        ]
        print_table(["model", "aliases", "run", "made", "detectors"], rows)

    emit(as_json, {"models": [_model_dict(model) for model in found]}, human)


@models.command("show")
@click.argument("model", metavar="NAME[@ALIAS|:VERSION]")
@json_option
@click.pass_obj
def show_model(app: App, model: str, as_json: bool) -> None:
    """Show one model: its detectors, columns, combiner and threshold."""
    from anomalist.engine.workspace import Workspace

    with Workspace.open(app.settings(), app.registry()) as workspace:
        found = workspace.find(model)
    emit(as_json, {"model": _model_dict(found)}, lambda: _print_model(found))


def _model_dict(model: ModelRow) -> dict[str, Any]:
    return {
        "name": model.name,
        "version": model.version,
        "aliases": model.aliases,
        "hash": model.hash,
        "run": model.run,
        "created_at": model.created_at,
        **model.details,
    }


def _print_model(model: ModelRow) -> None:
    from anomalist.cli.findings import describe_threshold
    from anomalist.plugins.parameters import as_typed

    details = model.details
    print_pairs(
        {
            "model": f"{model.name}:{model.version}",
            "aliases": model.aliases,
            "made": f"{model.created_at:%Y-%m-%d %H:%M:%S} by run {model.run}",
            "hash": model.hash,
            "combiner": details["combiner"]["name"],
            "threshold": describe_threshold(details["threshold"]),
            "columns": details["columns"],
        }
    )
    for column, why in details["left_out"].items():
        click.echo(f"left out: {column} ({why})")
    click.echo()
    rows = [
        [name, ",".join(f"{key}={as_typed(value)}" for key, value in params.items())]
        for name, params in details["detectors"].items()
    ]
    print_table(["detector", "parameters"], rows)
