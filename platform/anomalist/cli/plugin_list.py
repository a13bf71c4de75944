"""`anomalist plugins list`: what is installed, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.output import emit, json_option, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.cli.app import App
    from anomalist.plugins.manager import Plugin
    from anomalist.plugins.registry import Registry

__all__ = ["list_plugins"]

_MOST = 6


@click.command("list")
@json_option
@click.pass_obj
def list_plugins(app: App, as_json: bool) -> None:
    """List the plugins: whether each is active, failed, blocked or incompatible, and what it brings, or why not."""
    from anomalist.plugins.registry import Registry

    manager = app.plugins()
    registry = Registry(manager)
    rows = [_about(plugin, registry) for plugin in manager.plugins]
    emit(as_json, {"plugins": rows}, lambda: _print_list(rows))


def _about(plugin: Plugin, registry: Registry) -> dict[str, Any]:
    """Plain values, with the names that users type; where these are not the plugin's own, a note says why."""
    notes = []
    for spec in plugin.specs:
        shown = registry.called(spec, plugin.distribution)
        if shown != spec.name:
            others = {
                other.distribution
                for other in registry.manager.plugins
                for theirs in other.specs
                if (type(theirs), theirs.name) == (type(spec), spec.name)
            }
            homes = " and ".join(sorted(others - {plugin.distribution}))
            notes.append(
                f"{spec.name!r} of {plugin.distribution} is called {shown}: there is a {spec.name!r} of {homes}"
            )
    return {**plugin.to_dict(lambda spec: registry.called(spec, plugin.distribution)), "notes": notes}


def _print_list(rows: Sequence[dict[str, Any]]) -> None:
    from anomalist.plugins.plugin import KINDS

    cells = [
        (
            row["name"],
            row["distribution"],
            row["version"],
            row["state"],
            [hook.removeprefix("anomalist_") for hook in row["hooks"]],
            row["error"] or _few([name for kind in KINDS for name in row[kind]]),
        )
        for row in rows
    ]
    print_table(("name", "package", "version", "state", "hooks", "brings, or why not"), cells)
    for row in rows:
        for note in row["notes"]:
            click.echo(f"note: {note}")


def _few(names: list[str]) -> list[str]:
    """The first names of many; --json gives them all."""
    return names if len(names) <= _MOST else [*names[: _MOST - 1], f"{len(names) - _MOST + 1} more"]
