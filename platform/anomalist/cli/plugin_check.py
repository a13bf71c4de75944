"""`anomalist plugins check`: hold what a package brings to what runs rely on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from anomalist.cli.output import emit, json_option, print_table
from anomalist.detector import DetectorSpec
from anomalist.errors import PluginError, UnknownNameError, UsageError
from anomalist.plugins.found import normal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.cli.app import App
    from anomalist.plugins.plugin import Kind, Plugin
    from anomalist.plugins.registry import Registry
    from anomalist.testing.promise import CheckResult, Outcome
    from anomalist.testing.subject import Spec

__all__ = ["check"]

_WORDS: Mapping[Outcome, str] = {
    "passed": "passed",
    "failed": "failed",
    "unexpectedly passed": "passed though declared to fail",
    "expected": "failed as declared",
    "not applicable": "do not apply",
}
"""What is said of each outcome after its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Thing:
    """One thing to check.

    Attributes:
        name: Its name, maybe with parameters.
        kind: What it is.
        package: The distribution that brings it.
        obstacle: Why it cannot be used here; empty where it can.
    """

    name: str
    kind: Kind
    package: str
    obstacle: str = ""


@click.command()
@click.argument("name")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Seconds that one check may take; 60 unless given.",
)
@click.option("--sample", metavar="FILE", type=click.Path(exists=True, dir_okay=False), help="Rows to check it with.")
@json_option
@click.pass_context
def check(context: click.Context, name: str, timeout: float | None, sample: str | None, as_json: bool) -> None:
    """Hold what NAME brings to the promises that runs rely on, and say what came of each.

    NAME is a package, a plugin, or one detector, combiner, stacker, maker of features or reader; a detector may carry
    parameters: knn:neighbours=3. A reader is checked with a --sample file of its format, a maker of features with
    --sample rows that have the columns it needs. Each thing is checked in a process of its own. Of several things only
    what did not pass is shown; -v shows all. The exit code is 1 where a promise is not kept.
    """
    from anomalist.testing.alone import TIMEOUT, run_checks_alone

    app: App = context.obj
    how: dict[str, Any] = {"sample": sample, "timeout": timeout or TIMEOUT}
    done = []
    things = _things(app.registry(), name)
    every = app.verbose > 0 or len(things) == 1
    for thing in things:
        app.notice(f"checking {thing.kind} {thing.name}")
        done.append((thing, [] if thing.obstacle else run_checks_alone(thing.name, thing.kind, **how)))
        if not as_json:
            _print(*done[-1], every=every)
    ok = all(result.ok for _, results in done for result in results)
    if as_json:
        emit(as_json, {"ok": ok, "checked": [_plain(*each) for each in done]}, lambda: None)
    context.exit(0 if ok else 1)


def _things(registry: Registry, name: str) -> list[_Thing]:
    """What a name stands for: all that a plugin or a package brings, or one thing.

    Raises:
        PluginError: It is a plugin that is not active.
        UsageError: It brings nothing that can be checked.
        UnknownNameError: There is nothing of that name.
    """
    plugins = [plugin for plugin in registry.manager.plugins if plugin.name == name] or [
        plugin for plugin in registry.manager.plugins if normal(plugin.distribution) == normal(name)
    ]
    if not plugins:
        return [_named(registry, name)]
    for plugin in plugins:
        if plugin.state != "active":
            raise PluginError(plugin.standing)
    found = [thing for plugin in plugins for thing in _brought(registry, plugin)]
    if not found:
        raise UsageError(f"{name} brings neither detectors, combiners, stackers, features nor readers")
    return found


def _brought(registry: Registry, plugin: Plugin) -> list[_Thing]:
    """Everything that a plugin describes and the kit can check."""
    from anomalist.testing.subject import SPECS

    return [
        _thing(registry, registry.called(spec, plugin.distribution), spec, kind)
        for spec in plugin.specs
        for kind, of in SPECS.items()
        if isinstance(spec, of)
    ]


def _named(registry: Registry, name: str) -> _Thing:
    """One thing of that name, whatever its kind: a detector, or else the first.

    Raises:
        UnknownNameError: There is none, or several packages bring a detector of that name.
    """
    from anomalist.testing.subject import SPECS, every

    bare = registry.parse(name)[0]
    found = [(spec, kind) for kind in SPECS for spec in every(registry, kind)]
    try:
        return _thing(registry, name, registry.spec(bare), "detector")
    except UnknownNameError:
        if any(spec.name.endswith(f":{bare}") for spec, kind in found if kind == "detector"):
            raise  # it says which there are
    for spec, kind in found:
        if spec.name == bare:
            return _thing(registry, name, spec, kind)
    import difflib

    close = difflib.get_close_matches(bare, [spec.name for spec, _ in found], n=1)
    hint = f"did you mean {close[0]!r}?" if close else "see 'anomalist plugins list'"
    raise UnknownNameError(f"no package, plugin or thing that one brings is called {bare!r}; {hint}")


def _thing(registry: Registry, name: str, spec: Spec, kind: Kind) -> _Thing:
    from anomalist.testing.subject import plugin_of

    plugin = plugin_of(registry, spec)
    package = f"{plugin.distribution} {plugin.version}".rstrip() if plugin else ""
    return _Thing(name=name, kind=kind, package=package, obstacle=_obstacle(registry, spec))


def _obstacle(registry: Registry, spec: object) -> str:
    """Why it cannot be used here: what a detector requires is not installed."""
    return registry.available(spec)[1] if isinstance(spec, DetectorSpec) else ""


def _plain(thing: _Thing, results: Sequence[CheckResult]) -> dict[str, Any]:
    return {
        "name": thing.name,
        "kind": thing.kind,
        "package": thing.package or None,
        "obstacle": thing.obstacle or None,
        "checks": [result.to_dict() for result in results],
    }


def _print(thing: _Thing, results: Sequence[CheckResult], *, every: bool) -> None:
    """Print one thing: each promise with its outcome, or just what is to be said of it; then what is to be mended."""
    click.echo(
        f"{thing.kind} {thing.name}{thing.package and f' of {thing.package}'}: {_counted(results, thing.obstacle)}"
    )
    shown = [result for result in results if every or result.outcome != "passed"]
    if shown:
        click.echo()
        print_table(("check", "outcome", "promise"), [(each.id, each.outcome, _sentence(each)) for each in shown])
    for result in results:
        if result.outcome not in ("passed", "not applicable"):
            click.echo(f"\n{result.id} ({result.outcome}): {result.sentence}")
            for line in result.message.splitlines():
                click.echo(f"  {line}")
    click.echo()


def _sentence(result: CheckResult) -> str:
    """What is promised, and of a promise that does not apply, why."""
    return f"{result.sentence} ({result.message})" if result.outcome == "not applicable" else result.sentence


def _counted(results: Sequence[CheckResult], obstacle: str) -> str:
    """How many there were of each outcome, in words."""
    if obstacle:
        return f"not checked: it {obstacle}"
    counts = Counter(result.outcome for result in results)
    return ", ".join(f"{counts[outcome]} {words}" for outcome, words in _WORDS.items() if counts[outcome])
