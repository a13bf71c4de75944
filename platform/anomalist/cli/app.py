"""App: what every command gets with `@click.pass_obj`: the global flags, the settings, the plugins, where to talk."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from anomalist.config import Settings
    from anomalist.plugins.manager import PluginManager
    from anomalist.plugins.registry import Registry
    from anomalist.store.repository import Store

__all__ = ["App", "global_options"]


@dataclass(slots=True)
class App:
    """One call of the program.

    Attributes:
        config: The configuration file that was named; None to look for one.
        store_url: The database that was named; None to leave it to the settings.
        verbose: How often `-v` was given.
        quiet: Whether only errors may reach stderr.
        debug: Whether tracebacks are shown.
        isolate: Whether each detector works in a process of its own; None to leave it to the settings.
        memory: What such a process may take, as it was typed; None likewise.
        trust_pickle: Whether models with pickles are read; None likewise.
        no_plugins: Whether only bundled plugins are loaded; None likewise.
        trace_plugins: Whether what plugins do is told on stderr.
        runs: The command of a plugin that is run, and its package; empty for those of anomalist.
    """

    config: str | None = None
    store_url: str | None = None
    verbose: int = 0
    quiet: bool = False
    debug: bool = False
    isolate: bool | None = None
    memory: str | None = None
    trust_pickle: bool | None = None
    no_plugins: bool | None = None
    trace_plugins: bool = False
    runs: str = ""
    _plugins: PluginManager | None = field(default=None, repr=False)
    _registry: Registry | None = field(default=None, repr=False)
    _timeout: float | None = field(default=None, repr=False)

    def settings(self, **flags: object) -> Settings:
        """The settings in force, with a command's own flags on top; None stands for a flag that was not given.

        Raises:
            ConfigError: A flag, a variable or the configuration file is wrong.
        """
        from anomalist.config import load_settings

        given = {name: getattr(self, name) for name in ("isolate", "memory", "trust_pickle", "no_plugins")}
        settings = load_settings({"store": self.store_url, **given, **flags}, config=self.config)
        self._timeout = settings.timeout  # of a command's own flags it is also how long its plugins may take to load
        return settings

    def plugins(self) -> PluginManager:
        """The plugins, loaded once, working or not."""
        if self._plugins is None:
            from anomalist.engine.opening import open_plugins

            settings = self.settings(timeout=self._timeout)
            self._plugins = open_plugins(settings, self._trace if self.trace_plugins else None)
            for name in self._plugins.unknown:
                self.notice(f"{settings.origins['disable_plugins']}: no plugin is called {name!r}")
        return self._plugins

    def registry(self) -> Registry:
        """What the plugins bring, put together once; each plugin that failed is named in a notice."""
        if self._registry is None:
            from anomalist.engine.opening import open_registry

            self._registry = open_registry(self.settings(timeout=self._timeout), self.plugins())
            for line in self.plugins().failures():
                self.notice(line)
        return self._registry

    def open_store(self) -> Store:
        """The store of the settings; close it, or use it as a context manager.

        Raises:
            ConfigError: Its URL is wrong.
            StoreError: It cannot be opened, or needs a migration.
        """
        from anomalist.store.repository import Store

        settings = self.settings()
        return Store.open(settings.store, data_home=settings.data_home)

    def notice(self, text: str) -> None:
        """Tell the user something in one line on stderr, unless they asked for quiet."""
        if not self.quiet:
            click.echo(f"note: {text}", err=True)

    @staticmethod
    def _trace(line: str) -> None:
        """Tell what a plugin does: on stderr, and also in quiet, since it was asked for by name."""
        click.echo(f"trace: {line}", err=True)

    @property
    def show_progress(self) -> bool:
        """Whether progress bars may be drawn on stderr."""
        return not self.quiet and sys.stderr.isatty()

    def start_logging(self) -> None:
        """Send the log to stderr, as much of it as `-v`, `--quiet` and `--debug` ask for."""
        if not (self.verbose or self.quiet or self.debug):
            return  # Python prints warnings and errors by itself
        import logging

        level = logging.DEBUG if self.debug or self.verbose > 1 else logging.INFO if self.verbose else logging.ERROR
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
        for name in ("anomalist", "anomalist_plugins"):
            logging.getLogger(name).setLevel(level)


def _keep(attribute: str) -> Any:
    """A callback that leaves the value of a global option on the App."""

    def callback(context: click.Context, _: click.Parameter, value: object) -> None:
        app = context.find_object(App)
        if app is not None and value not in (None, False, 0):
            setattr(app, attribute, value)
            app.start_logging()

    return callback


def global_options(*, hidden: bool = False) -> list[click.Option]:
    """The options that every command takes, before its name or after it.

    Args:
        hidden: Leave them out of the help, as the commands do: `anomalist --help` shows them once.
    """

    def option(flags: list[str], attribute: str, **kwargs: Any) -> click.Option:
        return click.Option(
            flags, expose_value=False, is_eager=True, hidden=hidden, callback=_keep(attribute), **kwargs
        )

    return [
        option(
            ["--store"], "store_url", metavar="URL", help="Database: an SQLAlchemy URL, or the path of an SQLite file."
        ),
        option(
            ["--config"], "config", metavar="FILE", help="Configuration file, in place of the nearest anomalist.toml."
        ),
        option(
            ["--isolate"],
            "isolate",
            is_flag=True,
            help="Each detector, and what plugins of others bring, in a process of its own.",
        ),
        option(["--memory"], "memory", metavar="SIZE", help="What such a process may take, such as 2G."),
        option(["--no-plugins"], "no_plugins", is_flag=True, help="Only the plugins that come with anomalist."),
        option(["--trace-plugins"], "trace_plugins", is_flag=True, help="Tell on stderr what plugins do."),
        option(["--trust-pickle"], "trust_pickle", is_flag=True, help="Read models with pickles, which can run code."),
        option(["-v", "--verbose"], "verbose", count=True, help="Log what is done; twice for more."),
        option(["-q", "--quiet"], "quiet", is_flag=True, help="No progress, no notices: only errors."),
        option(["--debug"], "debug", is_flag=True, help="Show tracebacks, and log everything."),
    ]
