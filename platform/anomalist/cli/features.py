"""`anomalist features [NAME]`: what makes features, or everything about one maker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.output import emit, json_option, print_pairs, print_table

if TYPE_CHECKING:
    from anomalist.cli.app import App
    from anomalist.detector import FeatureSpec
    from anomalist.plugins.registry import Registry

__all__ = ["features"]


@click.command()
@click.argument("name", required=False)
@json_option
@click.pass_obj
def features(app: App, name: str | None, as_json: bool) -> None:
    """List what makes features, or explain the one called NAME with its parameters.

    Features are columns that plugins make of the rows before they are looked at, by --features NAME:KEY=VALUE,... in
    'anomalist run'.
    """
    registry = app.registry()
    if name is None:
        rows = [_about(registry, spec) for spec in registry.features()]
        emit(as_json, {"features": rows}, lambda: _print_list(rows))
    else:
        parameters = registry.feature_parameters(name)
        about = {
            **_about(registry, registry.feature_spec(name)),
            "parameters": [{"name": p.name, "type": p.type, "default": p.default, "help": p.help} for p in parameters],
        }
        emit(as_json, {"feature": about}, lambda: _print_one(about))


def _about(registry: Registry, spec: FeatureSpec) -> dict[str, Any]:
    """Plain values about one maker; imports nothing of it."""
    return {"name": spec.name, "summary": spec.summary, "package": registry.feature_package(spec.name)}


def _print_list(rows: list[dict[str, Any]]) -> None:
    if not rows:
        click.echo("no plugin makes features; docs/features.md shows how to write one")
        return
    columns = ("name", "package", "summary")
    print_table(columns, [[row[column] for column in columns] for row in rows])


def _print_one(about: dict[str, Any]) -> None:
    click.echo(f"{about['name']}: {about['summary']}\n")
    print_pairs({"package": about["package"]})
    if about["parameters"]:
        click.echo()
        columns = ("name", "type", "default", "help")
        print_table(("parameter", *columns[1:]), [[row[column] for column in columns] for row in about["parameters"]])
