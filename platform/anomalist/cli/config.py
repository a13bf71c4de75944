"""`anomalist config show`: the settings in force, and where each came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from anomalist.cli.lazy import SuggestingGroup
from anomalist.cli.output import emit, json_option, print_table

if TYPE_CHECKING:
    from anomalist.cli.app import App

__all__ = ["config"]


@click.group(cls=SuggestingGroup)
def config() -> None:
    """Show the settings and where each came from."""


@config.command()
@json_option
@click.pass_obj
def show(app: App, as_json: bool) -> None:
    """Print every setting with its value and its source.

    A flag goes before an ANOMALIST_* variable, that before anomalist.toml, that before the default.
    """
    shown = app.settings().to_dict()
    rows = [(name, entry["value"], entry["source"]) for name, entry in shown.items()]
    emit(as_json, {"settings": shown}, lambda: print_table(("setting", "value", "source"), rows))
