"""`anomalist models`: the fitted models."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.lazy import SuggestingGroup
from anomalist.cli.output import emit, json_option, print_pairs, print_table
from anomalist.data.words import counted
from anomalist.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.cli.app import App
    from anomalist.store.rows import ModelRow, Promotion

__all__ = ["models"]

_HOW = {
    "first": "the first version",
    "better": "better than the champion before",
    "asked": "as somebody asked",
    "rollback": "by a rollback",
}


@click.group(cls=SuggestingGroup)
def models() -> None:
    """Show the fitted models, and say which version is used."""


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
        history = [step for step in workspace.store.promotions(found.name) if step.version == found.version]
    shown = {**_model_dict(found), "promotions": [_promotion_dict(step) for step in history]}
    emit(as_json, {"model": shown}, lambda: _print_model(found, history))


@models.command("promote")
@click.argument("model", metavar="NAME[@ALIAS|:VERSION]")
@json_option
@click.pass_obj
def promote_model(app: App, model: str, as_json: bool) -> None:
    """Make a version the champion: the one that is used where no version is named. NAME alone is its challenger."""
    from anomalist.engine.models.promotion import promote
    from anomalist.engine.workspace import Workspace

    with Workspace.open(app.settings(), app.registry()) as workspace:
        done = promote(workspace, model)
    emit(as_json, {"promotion": _promotion_dict(done)}, lambda: _print_promotion(done))


@models.command("rollback")
@click.argument("name")
@json_option
@click.pass_obj
def roll_back_model(app: App, name: str, as_json: bool) -> None:
    """Go back to the version that the champion of NAME replaced; again, one step further.

    A version holds its detectors, its scale and its threshold, so that rows get exactly the scores that they had.
    """
    with app.open_store() as store:
        done = store.rollback(name)
    emit(as_json, {"promotion": _promotion_dict(done)}, lambda: _print_promotion(done))


def _since(step: Promotion) -> str:
    """When and why a version became the champion."""
    run = f" (run {step.run})" if step.run else ""
    return f"since {step.created_at:%Y-%m-%d %H:%M:%S}, {_HOW[step.how]}{run}"


def _learned(stack: Mapping[str, Any] | None) -> str | None:
    """What a model learned from verdicts, in a few words."""
    if stack is None:
        return None
    return (
        f"{stack['name']}, taught by {counted(stack['verdicts'], 'verdict')}, {stack['anomalies']:,} of them anomalies"
    )


def _promotion_dict(promotion: Promotion) -> dict[str, Any]:
    return asdict(promotion)


def _print_promotion(promotion: Promotion) -> None:
    before = "" if promotion.replaced is None else f", in place of {promotion.name}:{promotion.replaced}"
    click.echo(f"{promotion.name}:{promotion.version} is the champion now{before}")


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


def _print_model(model: ModelRow, history: Sequence[Promotion]) -> None:
    from anomalist.cli.findings import describe_threshold
    from anomalist.plugins.parameters import as_typed

    details = model.details
    served = "was champion" if history and "champion" not in model.aliases else "champion"
    print_pairs(
        {
            "model": f"{model.name}:{model.version}",
            "aliases": model.aliases,
            "made": f"{model.created_at:%Y-%m-%d %H:%M:%S} by run {model.run}",
            "hash": model.hash,
            "combiner": details["combiner"]["name"],
            served: "; ".join(map(_since, history)),
            "stacker": _learned(details.get("stack")),
            "threshold": describe_threshold(details["threshold"]),
            "columns": details["columns"],
        }
    )
    for made in details.get("features", ()):
        typed = ",".join(f"{key}={as_typed(value)}" for key, value in made["params"].items())
        source = f"{made['package']} {made['version']}".rstrip()
        click.echo(f"features: {made['name']}{typed and f':{typed}'} of {source} makes {', '.join(made['columns'])}")
    for column, why in details["left_out"].items():
        click.echo(f"left out: {column} ({why})")
    click.echo()
    rows = [
        [name, ",".join(f"{key}={as_typed(value)}" for key, value in params.items())]
        for name, params in details["detectors"].items()
    ]
    print_table(["detector", "parameters"], rows)
