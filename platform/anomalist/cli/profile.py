"""`anomalist profile`: look at the data first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.output import emit, json_option
from anomalist.cli.source_options import source_from, source_options

if TYPE_CHECKING:
    from anomalist.cli.app import App

__all__ = ["profile"]


@click.command()
@click.argument("data")
@source_options
@json_option
@click.pass_obj
def profile(app: App, /, data: str, as_json: bool, **options: Any) -> None:
    """Say what DATA is like: the role of each column and why, gaps, scales, and what to worry about."""
    from anomalist.cli.profile_view import print_profile
    from anomalist.data.profile import profile as profile_table

    source, positive = source_from(data, options)
    table = source.read(app.registry())
    found = profile_table(table, positive=positive)
    for note in found.notes:
        app.notice(note)
    emit(as_json, {"profile": found.to_dict()}, lambda: print_profile(found))
