"""`anomalist plugins`: the group; each of its commands is a module of its own."""

from __future__ import annotations

import click

from anomalist.cli.lazy import LazyCommand, LazyGroup

__all__ = ["COMMANDS", "plugins"]

COMMANDS = {
    "list": LazyCommand("anomalist.cli.plugin_list:list_plugins", "Show what is installed, and what is wrong with it."),
    "new": LazyCommand("anomalist.cli.plugin_new:new", "Begin a plugin of your own: a package that works."),
    "check": LazyCommand("anomalist.cli.plugin_check:check", "Hold what a package brings to what runs rely on."),
}
"""Every command by name, in the order of the help."""


@click.group(cls=LazyGroup, lazy=COMMANDS)
def plugins() -> None:
    """List the plugins, begin one, or check one."""
