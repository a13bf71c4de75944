"""Features by name: the makers that plugins bring, with the parameters that users type."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from anomalist.data.maker import Maker
from anomalist.detector import FeatureMaker
from anomalist.errors import (
    AnomalistError,
    DataError,
    PluginError,
    SchemaMismatchError,
    UnknownNameError,
    UsageError,
    one_line,
)
from anomalist.store.state import split_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from anomalist.data.encode import Encoder
    from anomalist.data.maker import Run
    from anomalist.data.table import Table
    from anomalist.engine.execution.executor import Executor
    from anomalist.engine.workspace import Workspace
    from anomalist.plugins.registry import Registry
    from anomalist.store.rows import RunRow

__all__ = [
    "build_maker",
    "check_can_be_saved",
    "described",
    "makers_from_text",
    "rebuild_maker",
    "with_features",
]


_TO_THE_USER: tuple[type[AnomalistError], ...] = (SchemaMismatchError, DataError, UsageError)
"""Errors by which a maker blames the data or the command."""


@dataclass(frozen=True, slots=True)
class _Work:
    """Something that a maker does, as an executor takes it: `detector` says whose code it is."""

    name: str
    detector: FeatureMaker
    work: Callable[[], Any]


def build_maker(registry: Registry, name: str, params: Mapping[str, Any], *, executor: Executor | None = None) -> Maker:
    """A maker of features that is not fitted yet; texts are read as the type of the parameter.

    It does its work in the executor, as a detector does: over its time it is abandoned, and it fails where it prints
    without end or changes what all code of the process shares.

    Raises:
        UnknownNameError: There is no such maker.
        ParameterError: A parameter is unknown, of the wrong type or out of its range.
        PluginError: It cannot be imported or built.
    """
    package = registry.feature_package(name)
    built = registry.feature(name, params)
    if not isinstance(built.made, FeatureMaker):
        raise PluginError(f"features {name!r} of {package} needs fit, transform, state and restore")
    return Maker(
        name=name.removeprefix(f"{package}:"),
        params=built.params,
        package=package,
        version=registry.manager.version_of(package),
        plugin=built.made,
        **({} if executor is None else {"run": _run_by(executor)}),
    )


def makers_from_text(registry: Registry, texts: Iterable[str], *, executor: Executor | None = None) -> list[Maker]:
    """The makers that a user typed, such as `velocity` or `velocity:window=1h`; raises as `build_maker` does."""
    return [build_maker(registry, *registry.parse(text), executor=executor) for text in texts]


def rebuild_maker(
    registry: Registry,
    name: str,
    params: Mapping[str, Any],
    package: str,
    version: str,
    *,
    executor: Executor | None = None,
) -> Maker:
    """The maker of a stored model, not restored yet; found by its package, whatever else has the same name by now.

    Raises:
        PluginError: It is not installed, blocked or broken; the message says what to do.
    """
    try:
        maker = build_maker(registry, f"{package}:{name.removeprefix(f'{package}:')}", params, executor=executor)
    except UnknownNameError:
        raise PluginError(
            f"the model needs features {name!r} of {package} {version}, and {_why_missing(registry, package)}"
        ) from None
    return replace(maker, name=name)


def check_can_be_saved(encoder: Encoder) -> None:
    """Refuse features that could not be stored with their model, before anything is fitted on them.

    Raises:
        PluginError: The state of a maker is none; the message names its package.
    """
    for maker in encoder.features.makers:
        try:
            split_state(maker.state(), "its state")
        except AnomalistError as error:
            raise error if isinstance(error, PluginError) else PluginError(f"{maker}: {error}") from error


def described(encoder: Encoder) -> list[dict[str, Any]]:
    """The features of a model, plain values: what each maker is, and which columns it makes."""
    made = encoder.features
    return [
        {
            "name": maker.name,
            "package": maker.package,
            "version": maker.version,
            "params": dict(maker.params),
            "columns": list(columns),
        }
        for maker, columns in zip(made.makers, made.columns, strict=True)
    ]


def with_features(workspace: Workspace, run: RunRow, table: Table) -> Table:
    """The rows of a run with what the features of its model make of them, as they are stored with a verdict.

    Where these cannot be made now the rows are given as they are: what is said of a row must not be lost for it.
    """
    if run.model is None:
        return table
    reference = "{}:{}".format(*run.model)
    try:
        if not workspace.find(reference).details.get("features"):
            return table
        return workspace.load(reference)[0].encoder.widened(table)
    except AnomalistError:
        return table


def _run_by(executor: Executor) -> Run:
    def run(maker: Maker, work: Callable[[], Any]) -> Any:
        task = _Work(maker.name, maker.plugin, work)
        (outcome,) = executor.outcomes(lambda one: one.work(), [task])
        error = outcome.error
        if error is None:
            return outcome.result
        kind = next((kind for kind in _TO_THE_USER if isinstance(error, kind)), PluginError)
        raise kind(one_line(error)) from error  # of our own make: the message of the plugin's may be anything

    return run


def _why_missing(registry: Registry, package: str) -> str:
    """Why a package does not bring what it brought, and what to do."""
    plugins = [plugin for plugin in registry.manager.plugins if plugin.distribution == package]
    if not plugins:
        return f"it is not installed: pip install {package}"
    bad = next((plugin for plugin in plugins if plugin.state != "active"), None)
    if bad is None:
        return f"version {plugins[0].version}, which is installed, brings none of that name"
    return f"plugin {bad.name!r} is {bad.state}{f': {bad.error}' if bad.error else ''}"
