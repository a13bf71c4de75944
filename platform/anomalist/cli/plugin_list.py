"""`anomalist plugins list`: what is installed, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from anomalist.cli.output import emit, json_option, print_table

if TYPE_CHECKING:
    from anomalist.cli.app import App
    from anomalist.plugins.manager import Plugin

__all__ = ["list_plugins"]


@click.command("list")
@json_option
@click.pass_obj
def list_plugins(app: App, as_json: bool) -> None:
    """List the plugins with their states: active, failed, blocked or incompatible."""
    found = app.plugins().plugins
    emit(as_json, {"plugins": [plugin.to_dict() for plugin in found]}, lambda: _print_list(found))


def _print_list(found: tuple[Plugin, ...]) -> None:
    rows = [
        (
            plugin.name,
            plugin.distribution,
            plugin.version,
            plugin.state,
            [hook.removeprefix("anomalist_") for hook in plugin.hooks],
            plugin.error or [spec.name for spec in plugin.specs],
        )
        for plugin in found
    ]
    print_table(("name", "package", "version", "state", "hooks", "brings, or why not"), rows)
