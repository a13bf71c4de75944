"""The options that say where rows are and what their columns are for; every command that reads a table takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from anomalist.engine.runs.sources import Source

__all__ = ["source_from", "source_options"]

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = [
    click.option("--key", metavar="COL", help="Column that names each row; else a hash of the row's content does."),
    click.option("--time", metavar="COL", help="Column that orders the rows; windows of them are looked at too."),
    click.option("--entity", metavar="COL", help="Column that says which series a row belongs to."),
    click.option("--label", metavar="COL", help="Column of known labels: never a feature, used to evaluate."),
    click.option("--positive", metavar="VALUE", multiple=True, help="Label value that means an anomaly. Repeatable."),
    click.option("--ignore", metavar="COL", multiple=True, help="Column to leave out. Repeatable."),
    click.option(
        "--role", "roles", metavar="COL=ROLE", multiple=True, help="Role of a column, such as zip=categorical."
    ),
    click.option(
        "--format", "format_", metavar="NAME", help="csv, parquet, jsonl, json, sql; else told by the ending."
    ),
    click.option("--query", metavar="SQL", help="Table, view or SELECT, where DATA is a database URL."),
]


def source_options(command: F) -> F:
    """Add the options to a command, which gets them as keyword arguments and hands them to `source_from`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def source_from(location: str | None, options: dict[str, Any]) -> tuple[Source, tuple[str, ...] | None]:
    """Take the options of `source_options` out of a command's keyword arguments.

    Returns:
        The source, and the label values that mean an anomaly, None where none was given.

    Raises:
        UsageError: A role is not of the form COL=ROLE, or `--positive` lacks `--label`.
    """
    from anomalist.engine.runs.sources import Source
    from anomalist.errors import UsageError

    roles = {}
    for text in options.pop("roles"):
        column, equals, role = text.rpartition("=")
        if not equals or not column:
            raise UsageError(f"--role takes COL=ROLE such as zip=categorical, got {text!r}")
        roles[column] = role
    positive = options.pop("positive") or None
    if positive and not options["label"]:
        raise UsageError("--positive says which labels mean an anomaly: name their column with --label")
    source = Source(
        location=location,
        format=options.pop("format_"),
        query=options.pop("query"),
        key=options.pop("key"),
        time=options.pop("time"),
        entity=options.pop("entity"),
        label=options.pop("label"),
        ignore=options.pop("ignore"),
        roles=roles,
    )
    return source, positive
