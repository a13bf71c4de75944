"""`anomalist plugins new`: begin a plugin package of one's own."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from anomalist.cli.output import emit, json_option
from anomalist.errors import UsageError
from anomalist.plugins.plugin import Kind
from anomalist.plugins.scaffold import Draft

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anomalist.cli.app import App

__all__ = ["new"]


@click.command()
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(get_args(Kind)), default="detector", show_default=True, help="What it brings."
)
@click.option("--folder", metavar="DIR", default=".", help="Where to put the package; here by default.")
@json_option
@click.pass_obj
def new(app: App, name: str, kind: Kind, folder: str, as_json: bool) -> None:
    """Begin a plugin: write a package that works, to put your own code into.

    NAME is what it is called in commands, such as my-detector. The package is a folder anomalist-NAME with an example
    that does something real, tests that hold it to every promise, and all that a wheel needs. Nothing is fetched and no
    file is overwritten.
    """
    draft = Draft.of(name, kind)
    _refuse_taken(app, draft)
    path, files = draft.write(Path(folder).expanduser())
    commands = _commands(draft, path.as_posix())
    payload = {
        "package": {
            "name": draft.name,
            "kind": kind,
            "distribution": draft.distribution,
            "module": draft.module,
            "folder": str(path),
            "files": [str(file) for file in files],
        },
        "commands": commands,
    }
    emit(as_json, payload, lambda: _print(draft, path, len(files), commands))


def _print(draft: Draft, path: Path, count: int, commands: dict[str, list[str]]) -> None:
    click.echo(f"{path.as_posix()}: {count} files, with a {draft.what} that works")
    click.echo(f"make it yours in {path.as_posix()}/{draft.source}\n")
    for what, lines in commands.items():
        for label, line in zip((f"{what} it:", *[""] * len(lines)), lines, strict=False):
            click.echo(f"{label:<12}{line}")


def _refuse_taken(app: App, draft: Draft) -> None:
    """Refuse names that something installed has already.

    Raises:
        UsageError: The package, its module, or what it would bring is there already.
    """
    try:
        installed = version(draft.distribution)
    except PackageNotFoundError:
        pass
    else:
        raise UsageError(f"{draft.distribution} {installed} is installed already; choose another name, or uninstall it")
    if find_spec(draft.module) is not None:
        raise UsageError(f"a module {draft.module} is installed already; choose another name")
    for plugin in app.plugins().plugins:
        if draft.name == plugin.name or any(spec.name == draft.name for spec in plugin.specs):
            raise UsageError(f"{draft.name!r} is brought by {plugin.distribution} already; choose another name")
    if draft.name in _own_names(draft.kind):
        raise UsageError(f"{draft.name!r} is a {draft.what} of anomalist itself; choose another name")


def _own_names(kind: Kind) -> Iterable[str]:
    """The names of a kind that anomalist has without any plugin."""
    if kind == "combiner":
        from anomalist.ensemble.combine import BUILT_IN as COMBINERS

        return COMBINERS
    if kind == "stacker":
        from anomalist.engine.models.stackers import BUILT_IN as STACKERS

        return STACKERS
    if kind == "reader":
        from anomalist.data.readers import FORMATS

        return FORMATS
    return ()


def _commands(draft: Draft, path: str) -> dict[str, list[str]]:
    """What to type to install, test and use a package: for this environment, from the folder that the user is in."""
    here = Path(sys.executable).parent
    python = "python" if _leads_to(shutil.which("python"), here) else _quoted(sys.executable)
    script = shutil.which("anomalist")
    program = "anomalist" if script and _leads_to(os.path.realpath(script), here) else f"{python} -m anomalist"
    local = path if Path(path).is_absolute() else f"./{path}"
    return {
        "install": [f"{python} -m pip install -e {_quoted(f'{local}[test]')}"],
        "test": [f"{python} -m pytest {_quoted(path)}"],
        "use": [" ".join([program, *map(_quoted, words)]) for words in draft.uses(f"{path}/")],
    }


def _leads_to(program: str | None, folder: Path) -> bool:
    return program is not None and Path(program).parent.resolve() == folder.resolve()


def _quoted(word: str) -> str:
    """A word as a shell takes it; in double quotes where those do, as the shells of all systems know them."""
    if re.fullmatch(r"[\w./:=@,~+-]+", word):
        return word
    return shlex.quote(word) if re.search(r'["$`\\!]', word) else f'"{word}"'
