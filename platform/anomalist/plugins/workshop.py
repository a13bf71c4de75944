"""Workshop: where what plugins describe is made, and where it then lives: here, or in other processes."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from anomalist.detector import CombinerSpec, DetectorSpec, FeatureSpec, ReaderSpec, StackerSpec
from anomalist.errors import ParameterError, PluginError, blaming
from anomalist.plugins.importing import held, imported
from anomalist.plugins.parameters import Parameter, check_parameters, describe_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.plugins.plugin import Trace

__all__ = ["Built", "ClassSpec", "Function", "FunctionSpec", "Here", "Workshop", "who"]

ClassSpec: TypeAlias = DetectorSpec | FeatureSpec | StackerSpec
"""Describes a dataclass whose fields are its parameters."""

FunctionSpec: TypeAlias = CombinerSpec | ReaderSpec
"""Describes a function."""

Function: TypeAlias = Callable[..., Any]

_WORDS = {
    DetectorSpec: "detector",
    FeatureSpec: "features",
    StackerSpec: "stacker",
    CombinerSpec: "combiner",
    ReaderSpec: "reader",
}


def who(spec: ClassSpec | FunctionSpec, package: str) -> str:
    """What errors call a thing: its kind, its name and the package that brings it."""
    return f"{_WORDS[type(spec)]} {spec.name!r} of {package}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """Something new, neither fitted nor taught, and all its parameters as plain values, those left at defaults too."""

    made: Any
    params: Mapping[str, Any]


class Workshop(Protocol):
    """Makes detectors, makers of features, stackers, combiners and readers; `package` names their distribution."""

    def expect(self, wanted: Sequence[tuple[DetectorSpec, str]], /) -> None:
        """Get ready for several detectors, each with its package, that will be asked for one by one.

        It raises nothing: what goes wrong does so again when the detector is asked for.
        """
        ...

    def parameters(self, spec: ClassSpec, package: str, /) -> list[Parameter]:
        """The parameters of what a class makes.

        Raises:
            PluginError: It cannot be imported or is no dataclass.
        """
        ...

    def build(self, spec: ClassSpec, package: str, params: Mapping[str, object], /) -> Built:
        """A new one with these parameters; text is read as the type of the parameter.

        Raises:
            ParameterError: A parameter is unknown, of the wrong type or out of its range.
            PluginError: It cannot be imported or built.
        """
        ...

    def function(self, spec: FunctionSpec, package: str, /) -> Function:
        """A combiner, which gives float64, or a reader, which gives a polars frame, with the signature that it has.

        Called, it raises a PluginError that names it where it fails, and the errors of anomalist as they are.

        Raises:
            PluginError: It cannot be imported.
        """
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """Makes everything in this process, in which it lives.

    Attributes:
        trace: Hears of each first import.
    """

    trace: Trace | None = None

    def expect(self, wanted: Sequence[tuple[DetectorSpec, str]], /) -> None:
        """Nothing: to import them side by side is no faster than one by one."""

    def parameters(self, spec: ClassSpec, package: str, /) -> list[Parameter]:
        """The parameters of what a class makes; imports it."""
        cls = self._class(spec, package)
        with held(f"{who(spec, package)} cannot be described", package):
            return describe_parameters(spec.name, cls)

    def build(self, spec: ClassSpec, package: str, params: Mapping[str, object], /) -> Built:
        """A new one with these parameters; imports it."""
        cls = self._class(spec, package)
        values = check_parameters(spec.name, cls, params)
        try:
            with held(f"{who(spec, package)} failed to build", package):
                made = cls(**values)
                names = [parameter.name for parameter in describe_parameters(spec.name, cls)]
                return Built(made=made, params={name: getattr(made, name) for name in names})
        except ParameterError as error:
            raise ParameterError(f"{spec.name}: {error}") from error

    def function(self, spec: FunctionSpec, package: str, /) -> Function:
        """A combiner or a reader; imports it."""
        function, name = self._imported(spec, package), who(spec, package)
        if not callable(function):
            raise PluginError(f"{name}: {function!r} is not a function")
        checked = _as_numbers if isinstance(spec, CombinerSpec) else _as_frame

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with blaming(name, PluginError):
                return checked(function(*args, **kwargs), name)

        return called

    def _class(self, spec: ClassSpec, package: str) -> type[Any]:
        cls = self._imported(spec, package)
        if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
            raise PluginError(f"{who(spec, package)}: {cls!r} is not a dataclass; its fields are its parameters")
        return cast("type[Any]", cls)

    def _imported(self, spec: ClassSpec | FunctionSpec, package: str) -> Any:
        return imported(spec.factory, f"{_WORDS[type(spec)]} {spec.name!r}", package, trace=self.trace)


def _as_numbers(found: Any, _: str) -> Any:
    """What a combiner gave, as numbers."""
    import numpy as np  # heavy; whoever combines has it

    return np.asarray(found, dtype=np.float64)


def _as_frame(found: Any, name: str) -> Any:
    """What a reader gave, which must be a frame."""
    import polars as pl  # heavy; whoever reads has it

    if not isinstance(found, pl.DataFrame):
        raise PluginError(f"{name} must return a polars DataFrame, got {type(found).__name__}")
    return found
