"""Workshop: where detectors are made from their descriptions, and where they then live: here, or in other processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from anomalist.errors import ParameterError
from anomalist.plugins.importing import held, imported
from anomalist.plugins.parameters import Parameter, check_parameters, describe_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.detector import Detector, DetectorSpec
    from anomalist.plugins.plugin import Trace

__all__ = ["Built", "Here", "Workshop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A new detector, not fitted, and all its parameters as plain values, those left at their defaults too."""

    detector: Detector
    params: Mapping[str, Any]


class Workshop(Protocol):
    """Makes detectors; `package` names the distribution of a description in errors."""

    def expect(self, wanted: Sequence[tuple[DetectorSpec, str]], /) -> None:
        """Get ready for several detectors, each with its package, that will be asked for one by one.

        It raises nothing: what goes wrong does so again when the detector is asked for.
        """
        ...

    def parameters(self, spec: DetectorSpec, package: str, /) -> list[Parameter]:
        """The parameters of a detector.

        Raises:
            PluginError: It cannot be imported or is no dataclass.
        """
        ...

    def build(self, spec: DetectorSpec, package: str, params: Mapping[str, object], /) -> Built:
        """A new detector, not fitted, with these parameters; text is read as the type of the parameter.

        Raises:
            ParameterError: A parameter is unknown, of the wrong type or out of its range.
            PluginError: The detector cannot be imported or built.
        """
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """Makes detectors in this process, in which they live.

    Attributes:
        trace: Hears of each first import.
    """

    trace: Trace | None = None

    def expect(self, wanted: Sequence[tuple[DetectorSpec, str]], /) -> None:
        """Nothing: to import them side by side is no faster than one by one."""

    def parameters(self, spec: DetectorSpec, package: str, /) -> list[Parameter]:
        """The parameters of a detector; imports it."""
        cls = self._class(spec, package)
        with held(f"detector {spec.name!r} of {package} cannot be described", package):
            return describe_parameters(spec.name, cls)

    def build(self, spec: DetectorSpec, package: str, params: Mapping[str, object], /) -> Built:
        """A new detector, not fitted, with these parameters; imports it."""
        cls = self._class(spec, package)
        values = check_parameters(spec.name, cls, params)
        try:
            with held(f"detector {spec.name!r} of {package} failed to build", package):
                detector = cls(**values)
                names = [parameter.name for parameter in describe_parameters(spec.name, cls)]
                return Built(detector=detector, params={name: getattr(detector, name) for name in names})
        except ParameterError as error:
            raise ParameterError(f"{spec.name}: {error}") from error

    def _class(self, spec: DetectorSpec, package: str) -> type[Detector]:
        return cast("type[Detector]", imported(spec.factory, f"detector {spec.name!r}", package, trace=self.trace))
