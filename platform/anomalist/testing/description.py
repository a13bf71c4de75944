"""What a description promises, of whatever kind: it can be listed, read and followed."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from typing import TYPE_CHECKING

from anomalist.plugins.manager import BUNDLED
from anomalist.testing.listing import heavy_when_listed
from anomalist.testing.promise import Failure, NotApplicable, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anomalist.testing.bench import Bench
    from anomalist.testing.promise import Checks

__all__ = ["add_description"]

_LONGEST = 120


def add_description(checks: Checks) -> None:
    """Add the checks."""
    checks.add("factory", "it can be imported from where its description says")(factory)
    checks.add("summary", "its summary is one sentence")(summary)
    checks.add("listing", "listing it imports nothing heavy")(listing)
    checks.add("requires", "what it imports is installed with it or named as required")(requires)


def factory(bench: Bench) -> None:
    """`package.module:name` leads to it."""
    try:
        found = bench.load()
    except (Exception, SystemExit) as error:
        raise Failure(
            expected=f"{bench.subject.factory} can be imported",
            got=told(error),
            mend="give factory as 'package.module:Name', and let the module import what is installed with it",
        ) from error
    if not callable(found):
        raise Failure(
            expected=f"{bench.subject.factory} is a class or a function",
            got=f"a {type(found).__name__}",
            mend="name the class or the function itself in factory",
        )


def summary(bench: Bench) -> None:
    """People read it in a list: one line, one sentence."""
    if bench.subject.spec is None:
        raise NotApplicable("no installed plugin describes it")
    text = bench.subject.spec.summary
    inner = re.search(r"[.!?]\s+[A-Z]", text)
    if "\n" in text or not text.endswith(".") or inner or len(text) > _LONGEST or not text[:1].isupper():
        raise Failure(
            expected=f"one sentence in one line of at most {_LONGEST} letters: a capital first, a full stop last",
            got=repr(text),
            mend="say in one sentence what it finds or does; what else there is to say goes into the docstring",
        )


def listing(bench: Bench) -> None:
    """`anomalist --help` imports the module of every entry point."""
    plugin = bench.subject.plugin
    if plugin is None:
        raise NotApplicable("no installed plugin describes it")
    heavy = heavy_when_listed(plugin.name, plugin.distribution)
    if heavy:
        raise Failure(
            expected=f"importing the entry point {plugin.name!r} and calling its hooks imports nothing heavy",
            got=f"it imports {', '.join(heavy)}",
            mend="import those in the module that factory names, not in the one of the entry point",
        )


def requires(bench: Bench) -> None:
    """Who lists detectors can say what is missing only where the description names it."""
    plugin = bench.subject.plugin
    if plugin is None:
        raise NotApplicable("no installed plugin describes it, so what is installed with it is not known")
    named = set(getattr(bench.subject.spec, "requires", ()))
    own = bench.subject.factory.partition(".")[0].partition(":")[0]
    free = sys.stdlib_module_names | {own, "anomalist"} | {name.partition(".")[0] for name in named}
    homes = packages_distributions()
    brought = _needed_by(plugin.distribution) | _needed_by(BUNDLED)
    for name in sorted(set(_imports(bench.subject.factory.partition(":")[0])) - free):
        if not {_normal(home) for home in homes.get(name, [])} & brought:
            raise Failure(
                expected="everything that its module imports is installed with it, or named in requires",
                got=f"{name}, which neither {plugin.distribution} nor anomalist depends on",
                mend=f"add it to the dependencies of {plugin.distribution}, or to requires in the description",
            )


def _needed_by(name: str) -> set[str]:
    """The distributions that are always installed with one, itself among them."""
    try:
        lines = distribution(name).requires or []
    except PackageNotFoundError:
        return set()
    always = [line for line in lines if "extra ==" not in line]
    return {_normal(re.split(r"[^\w.-]", line.strip(), maxsplit=1)[0]) for line in always} | {_normal(name)}


def _imports(module: str) -> Iterator[str]:
    """The top-level names that a module imports when it runs."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return
    with open(spec.origin, encoding="utf-8") as file:  # noqa: PTH123 - the origin is a text
        tree = ast.parse(file.read())
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]
        waiting += ast.iter_child_nodes(node)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
