"""`anomalist`: the table of commands, and the one place where errors become exit codes.

To add a command: write `cli/<name>.py` with a click command that takes the App by `@click.pass_obj` (see
`cli/detectors.py`), import what is heavy inside the function, and add one line to COMMANDS.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from anomalist import __version__
from anomalist.cli.app import App, global_options
from anomalist.cli.lazy import LazyCommand, TopGroup
from anomalist.cli.leaving import Leaving
from anomalist.errors import AnomalistError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "cli", "main"]

INTERRUPTED = 130

COMMANDS = {
    "run": LazyCommand("anomalist.cli.run:run", "Find the anomalies in a table, explain them, store the run."),
    "score": LazyCommand("anomalist.cli.score:score", "Score new rows with a stored model."),
    "profile": LazyCommand("anomalist.cli.profile:profile", "Say what a table is like before it is used."),
    "evaluate": LazyCommand("anomalist.cli.evaluate:evaluate", "Measure a run against known labels."),
    "monitor": LazyCommand("anomalist.cli.monitor:monitor", "Say whether rows are still what a model was fitted on."),
    "runs": LazyCommand("anomalist.cli.runs:runs", "List the runs."),
    "show": LazyCommand("anomalist.cli.runs:show", "Show one run."),
    "top": LazyCommand("anomalist.cli.runs:top", "List the most anomalous rows of a run."),
    "explain": LazyCommand("anomalist.cli.runs:explain", "Say why one row got its score."),
    "feedback": LazyCommand("anomalist.cli.feedback:feedback", "Say what rows are; import and list verdicts."),
    "review": LazyCommand("anomalist.cli.review:review", "Judge the rows of a run with single keys."),
    "retrain": LazyCommand("anomalist.cli.retrain:retrain", "Make the next version of a model from all verdicts."),
    "tune": LazyCommand("anomalist.cli.tune:tune", "Search for better parameters of a detector."),
    "models": LazyCommand("anomalist.cli.models:models", "Show the fitted models, promote one, or go back."),
    "detectors": LazyCommand("anomalist.cli.detectors:detectors", "List the detectors, or explain one."),
    "features": LazyCommand("anomalist.cli.features:features", "List what makes features, or explain one."),
    "plugins": LazyCommand("anomalist.cli.plugins:plugins", "List the plugins, begin one, or check one."),
    "db": LazyCommand("anomalist.cli.db:db", "Check or upgrade the schema of the store."),
    "demo": LazyCommand("anomalist.cli.demo:demo", "Run the whole path on a real data set."),
    "config": LazyCommand("anomalist.cli.config:config", "Show the settings and where each came from."),
}
"""Every command by name, in the order of the help."""

EPILOG = (
    "Results go to stdout, everything else to stderr. The options above may also follow the command. Plugins may bring "
    "more commands: see 'anomalist plugins list'."
)


@click.group(
    cls=TopGroup,
    lazy=COMMANDS,
    params=list(global_options()),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EPILOG,
)
@click.version_option(__version__, prog_name="anomalist", message="%(prog)s %(version)s")
def cli() -> None:
    """Find the anomalies in a table, say why, and store the run."""


def main(args: Sequence[str] | None = None) -> None:
    """Run the program and leave it with its exit code."""
    leaving = Leaving()
    leaving.leave(run(args))


def run(args: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. A command returns None, or its own code as an int."""
    app = App()
    extra: dict[str, Any] = {"obj": app, "color": False if os.environ.get("NO_COLOR") else None}
    try:
        code = cli.main(None if args is None else list(args), prog_name="anomalist", standalone_mode=False, **extra)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except BrokenPipeError:  # while the command runs, click does the same
        _close_stdout()
        return 1
    except (click.Abort, KeyboardInterrupt):
        _report(app, "interrupted")
        return INTERRUPTED
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        message = " ".join(error.format_message().split()).rstrip(".")
        _report(app, f"{message}; see '{context.command_path} --help'" if context else message)
        return error.exit_code
    except AnomalistError as error:
        _report(app, str(error))
        return error.exit_code
    except MemoryError:
        _report(app, "out of memory: use fewer rows, or --threads 1")
        return 1
    except Exception as error:  # noqa: BLE001 - the last stop: a user gets one line, --debug gets it all
        hint = "" if app.debug else "; run again with --debug for the traceback"
        _report(app, f"{app.runs and f'{app.runs}: '}unexpected {type(error).__name__}: {error}{hint}")
        return 1


def _report(app: App, message: str) -> None:
    """One line on stderr, after the traceback where it was asked for."""
    if app.debug:
        import traceback

        traceback.print_exc()
    click.echo(f"error: {' '.join(message.split())}", err=True)


def _close_stdout() -> None:
    """Nobody reads on: let the interpreter flush into nothing at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
