"""Groups of commands: listed from a table, imported one at a time when used; the top one completed by plugins."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.app import App, global_options
from anomalist.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LazyCommand", "LazyGroup", "SuggestingGroup", "TopGroup"]


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """A command that is not imported yet: `package.module:attribute`, and its line in the help."""

    target: str
    summary: str


class SuggestingGroup(click.Group):
    """A group whose commands take the global options, and which answers a mistyped one with the name that was meant."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options; without any argument, print the help."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was named.

        Raises:
            click.UsageError: There is none; the message suggests the closest.
        """
        name = str(args[0])
        if not ctx.resilient_parsing and not name.startswith("-") and self.get_command(ctx, name) is None:
            import difflib

            close = difflib.get_close_matches(name, self.known_names(ctx), n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise click.UsageError(f"there is no command {name!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def known_names(self, ctx: click.Context) -> list[str]:
        """The names to suggest from."""
        return self.list_commands(ctx)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command, with the global options."""
        _take_global_options(cmd)
        super().add_command(cmd, name)


class LazyGroup(SuggestingGroup):
    """A group that lists its commands from a table and imports one when it is used.

    Attributes:
        lazy: The commands by name, in the order of the help.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, LazyCommand], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy

    def list_commands(self, _: click.Context) -> list[str]:
        """The names in the table."""
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import a command; None where there is none of that name."""
        lazy = self.lazy.get(cmd_name)
        if lazy is None:
            return None
        command = _import(lazy.target)
        _take_global_options(command)
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.summary) for name, lazy in self.lazy.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete names without importing the commands."""
        from click.shell_completion import CompletionItem

        names = [name for name in self.lazy if name.startswith(incomplete)]
        items = [CompletionItem(name, help=self.lazy[name].summary) for name in names]
        return items + click.Command.shell_complete(self, ctx, incomplete)


class TopGroup(LazyGroup):
    """The top group: plugins complete it. Their commands are found by name only, so that help loads no plugin."""

    def known_names(self, ctx: click.Context) -> list[str]:
        """The names to suggest from: here also those of plugins, which are loaded by now."""
        app = ctx.find_object(App)
        return [*self.lazy, *(spec.name for spec in app.registry().commands())] if app else list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None where neither anomalist nor a plugin has one of that name."""
        command = super().get_command(ctx, cmd_name)
        if command is None:
            command = _from_plugin(ctx, cmd_name)
            if command is not None:
                _take_global_options(command)
        return command


def _import(target: str) -> click.Command:
    module, _, attribute = target.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    if not isinstance(command, click.Command):
        raise TypeError(f"{target} is not a click command")
    return command


def _from_plugin(ctx: click.Context, name: str) -> click.Command | None:
    """The command of that name that a plugin brings; plugins are loaded only when it comes to that."""
    app = ctx.find_object(App)
    if app is None or ctx.resilient_parsing or name.startswith("-"):
        return None
    registry = app.registry()
    if not registry.has_command(name):
        return None
    command = registry.command(name)
    if not isinstance(command, click.Command):
        raise PluginError(f"the command {name!r} of a plugin is no click command but a {type(command).__name__}")
    app.runs = f"command {name!r} of {registry.command_package(name)}"
    return command


def _take_global_options(command: click.Command) -> None:
    """Let a command take the global options after its name too, except those whose flags it uses itself."""
    taken = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    command.params += [option for option in global_options(hidden=True) if taken.isdisjoint(option.opts)]
