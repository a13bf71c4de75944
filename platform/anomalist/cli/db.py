"""`anomalist db check|upgrade`: whether the store fits this version, and making it fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from anomalist.cli.lazy import SuggestingGroup
from anomalist.cli.output import emit, json_option, print_pairs
from anomalist.errors import MigrationNeededError

if TYPE_CHECKING:
    from anomalist.cli.app import App
    from anomalist.store.upgrade import SchemaStatus

__all__ = ["db"]


@click.group(cls=SuggestingGroup)
def db() -> None:
    """Check or upgrade the schema of the store."""


@db.command()
@json_option
@click.pass_obj
def check(app: App, as_json: bool) -> int:
    """Say what state the schema is in, and change nothing.

    The exit code is 0 where the schema is the one of this version, and 3 where it is not.
    """
    from anomalist.store.repository import Store

    settings = app.settings()
    status = Store.check(settings.store, data_home=settings.data_home)
    _print(as_json, status)
    return 0 if status.state == "current" else MigrationNeededError.exit_code


@db.command()
@json_option
@click.pass_obj
def upgrade(app: App, as_json: bool) -> None:
    """Bring the schema to the one of this version; a store that is not there yet is made."""
    from anomalist.store.repository import Store

    settings = app.settings()
    _print(as_json, Store.upgrade(settings.store, data_home=settings.data_home))


def _print(as_json: bool, status: SchemaStatus) -> None:
    about = {
        "url": status.url,
        "state": status.state,
        "revision": status.revision,
        "head": status.head,
    }
    emit(as_json, {"store": about}, lambda: print_pairs(about))
