"""`anomalist detectors [NAME]`: what there is, or everything about one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.output import emit, json_option, print_pairs, print_table

if TYPE_CHECKING:
    from anomalist.cli.app import App
    from anomalist.detector import DetectorSpec
    from anomalist.plugins.registry import Registry

__all__ = ["detectors"]


@click.command()
@click.argument("name", required=False)
@json_option
@click.pass_obj
def detectors(app: App, name: str | None, as_json: bool) -> None:
    """List the detectors, or explain the one called NAME with its parameters.

    A parameter is set by --detector NAME:KEY=VALUE,... in 'anomalist run'.
    """
    registry = app.registry()
    if name is None:
        rows = [_about(registry, spec) for spec in registry.specs()]
        emit(as_json, {"detectors": rows}, lambda: _print_list(rows))
    else:
        about = _about(registry, registry.spec(name))
        about["parameters"] = [
            {"name": p.name, "type": p.type, "default": p.default, "help": p.help} for p in registry.parameters(name)
        ]
        emit(as_json, {"detector": about}, lambda: _print_one(about))


def _about(registry: Registry, spec: DetectorSpec) -> dict[str, Any]:
    """Plain values about one detector; imports nothing of it."""
    usable, reason = registry.available(spec)
    return {
        "name": spec.name,
        "summary": spec.summary,
        "family": spec.family,
        "eats": spec.eats,
        "traits": sorted(spec.handles),
        "panels": sorted(spec.panels),
        "search": list(spec.search),
        "package": registry.package(spec.name),
        "usable": usable,
        "reason": reason or None,
    }


def _print_list(rows: list[dict[str, Any]]) -> None:
    columns = ("name", "family", "panels", "package", "usable", "summary")
    shown = [{**row, "usable": row["reason"] or "yes"} for row in rows]
    print_table(columns, [[row[column] for column in columns] for row in shown])


def _print_one(about: dict[str, Any]) -> None:
    click.echo(f"{about['name']}: {about['summary']}\n")
    shown = ("family", "eats", "traits", "panels", "package")
    searched = " ".join(about["search"])
    print_pairs({**{key: about[key] for key in shown}, "usable": about["reason"] or "yes", "searched": searched})
    if about["parameters"]:
        click.echo()
        columns = ("name", "type", "default", "help")
        print_table(("parameter", *columns[1:]), [[row[column] for column in columns] for row in about["parameters"]])
