"""What commands print: one JSON object for programs, tables for people. stdout carries the result and nothing else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["SCHEMA", "cell", "emit", "json_option", "print_pairs", "print_table"]

_NAME = 24
SCHEMA = 1
"""The version of every `--json` object; it rises when a field is taken away or changes its meaning."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
"""Adds `--json` to a command, which gets it as `as_json`."""


def emit(as_json: bool, payload: Mapping[str, Any], human: Callable[[], None]) -> None:
    """Print the result of a command: `payload` as one JSON object, or whatever `human` prints."""
    if not as_json:
        human()
        return
    import json

    click.echo(json.dumps({"schema": SCHEMA, **payload}, indent=2, ensure_ascii=False, allow_nan=False, default=_plain))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table: drawn to the width of a terminal, or in plain columns of full width where stdout is no terminal.

    A column whose cells are all numbers is aligned to the right.
    """
    texts = [[cell(value) for value in row] for row in rows]
    right = [bool(rows) and all(isinstance(row[i], (int, float)) for row in rows) for i in range(len(columns))]
    if not sys.stdout.isatty():
        widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
        for line in (list(columns), *texts):
            fitted = [
                text.rjust(width) if r else text.ljust(width)
                for text, width, r in zip(line, widths, right, strict=True)
            ]
            click.echo("  ".join(fitted).rstrip())
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    short = all(len(line[0]) <= _NAME for line in texts)  # a name is read as one word; what is longer may be folded
    for i, name in enumerate(columns):
        side: Literal["left", "right"] = "right" if right[i] else "left"
        table.add_column(Text(name), justify=side, overflow="fold", no_wrap=short and i == 0)
    for line in texts:
        table.add_row(*(Text(text) for text in line))  # Text: a cell such as [64,32] is not markup
    Console().print(table)


def print_pairs(pairs: Mapping[str, object]) -> None:
    """Print names and values, one pair a line, the values aligned."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        click.echo(f"{name.ljust(width)}  {cell(value)}".rstrip())


def cell(value: object) -> str:
    r"""A value as people read it in a table.

    >>> cell(None), cell(True), cell(0.123456), cell(1234567), cell(("a", "b")), cell("two\nlines")
    ('-', 'yes', '0.1235', '1,234,567', 'a, b', 'two lines')
    """
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(map(cell, value)) if isinstance(value, (set, frozenset)) else map(cell, value)
        return ", ".join(items) or "-"
    return " ".join(str(value).splitlines())


def _plain(value: object) -> object:
    """What JSON does not know: sets are sorted lists, numpy scalars are numbers, dates and paths are text."""
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "item"):
        return value.item()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "__fspath__"):
        return value.__fspath__()
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")
