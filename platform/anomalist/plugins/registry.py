"""Registry: the detectors, combiners, features, readers and commands of all active plugins, by name."""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from anomalist.detector import CombinerSpec, CommandSpec, DetectorSpec, FeatureSpec, ReaderSpec, StackerSpec
from anomalist.errors import AnomalistError, PluginError, UnknownNameError
from anomalist.plugins.importing import imported
from anomalist.plugins.manager import BUNDLED, PluginManager
from anomalist.plugins.names import Names
from anomalist.plugins.parameters import Parameter, parse_detector
from anomalist.plugins.workshop import Here

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from anomalist.detector import Detector
    from anomalist.plugins.plugin import Spec
    from anomalist.plugins.workshop import Built, Function, Workshop

__all__ = ["DEFAULT_PANEL", "Registry"]

DEFAULT_PANEL = "default"


class Registry:
    """What the active plugins bring. Nothing heavy is imported before a detector is built or its parameters are asked.

    Attributes:
        manager: The plugins, for their states and their observers.
        workshop: Makes the detectors, and whatever else packages of third parties bring, but commands.
    """

    def __init__(self, manager: PluginManager, workshop: Workshop | None = None) -> None:
        self.manager = manager
        self._here = Here(manager.trace)
        self.workshop: Workshop = workshop or self._here
        self._detectors = Names.collect("detector", DetectorSpec, manager)
        self._combiners = Names.collect("combiner", CombinerSpec, manager)
        self._stackers = Names.collect("stacker", StackerSpec, manager)
        self._features = Names.collect("maker of features", FeatureSpec, manager)
        self._readers = Names.collect("reader", ReaderSpec, manager)
        self._commands = Names.collect("command", CommandSpec, manager)
        self._kinds = (
            self._detectors,
            self._combiners,
            self._stackers,
            self._features,
            self._readers,
            self._commands,
        )

    @classmethod
    def load(cls, blocked: Collection[str] = ()) -> Self:
        """Load the installed plugins, except the blocked ones; broken ones are in `manager.failures()`."""
        return cls(PluginManager.load(blocked))

    def specs(self) -> list[DetectorSpec]:
        """Every detector, by name."""
        return sorted(self._detectors.specs.values(), key=lambda spec: spec.name)

    def called(self, spec: Spec, package: str) -> str:
        """The name that users type for what a plugin of a package describes."""
        return next(names.aliases[f"{package}:{spec.name}"] for names in self._kinds if isinstance(spec, names.of))

    def lasting(self, kind: type[Spec], name: str) -> str:
        """A name with its package, where that is somebody else's: another package may bring the same one later.

        Raises:
            UnknownNameError: Nothing of the kind, that of its description, has the name.
        """
        return next(names.lasting(name) for names in self._kinds if names.of is kind)

    def spec(self, name: str) -> DetectorSpec:
        """The detector of that name.

        Raises:
            UnknownNameError: There is none, or several packages bring it; the message suggests one.
        """
        return self._detectors.get(name)

    def package(self, name: str) -> str:
        """The distribution that brings a detector.

        Raises:
            UnknownNameError: There is no such detector.
        """
        return self._detectors.homes[self.spec(name).name]

    def panels(self) -> list[str]:
        """The names of all panels."""
        return sorted({panel for spec in self.specs() for panel in spec.panels})

    def panel(self, name: str) -> list[DetectorSpec]:
        """The detectors of a panel, by name, whether or not they can be used here.

        The default panel holds bundled detectors only, so that installing a plugin does not change earlier results.

        Raises:
            UnknownNameError: There is no such panel; the message lists them.
        """
        members = [spec for spec in self.specs() if name in spec.panels]
        if name == DEFAULT_PANEL:
            members = [spec for spec in members if self.package(spec.name) == BUNDLED]
        if not members:
            raise UnknownNameError(f"no panel is called {name!r}; there are {', '.join(self.panels()) or 'none'}")
        return members

    def available(self, spec: DetectorSpec) -> tuple[bool, str]:
        """Whether a detector can be used here, and if not, why and what to install; imports nothing."""
        missing = [name for name in spec.requires if importlib.util.find_spec(name.partition(".")[0]) is None]
        if not missing:
            return True, ""
        return False, f"needs {', '.join(missing)}: pip install '{spec.extra or ' '.join(missing)}'"

    def expect(self, names: Iterable[str]) -> None:
        """Let the workshop get ready for detectors of these names, which will be asked for one by one.

        A name that cannot be used is passed over: it is refused when it is asked for.
        """
        wanted = []
        for name in names:
            with suppress(AnomalistError):
                spec = self._usable(name)
                wanted.append((spec, self.package(spec.name)))
        self.workshop.expect(wanted)

    def parameters(self, name: str) -> list[Parameter]:
        """The parameters of a detector; imports it.

        Raises:
            UnknownNameError: There is no such detector.
            PluginError: What it needs is not installed, it cannot be imported, or it is no dataclass.
        """
        spec = self._usable(name)
        return self.workshop.parameters(spec, self.package(spec.name))

    def build(self, name: str, params: Mapping[str, object] | None = None) -> Detector:
        """A new detector, not fitted, with these parameters; text is read as the type of the parameter.

        Raises:
            UnknownNameError: There is no such detector.
            ParameterError: A parameter is unknown, of the wrong type or out of its range.
            PluginError: What it needs is not installed, or it cannot be imported or built.
        """
        detector: Detector = self.built(name, params).made
        return detector

    def built(self, name: str, params: Mapping[str, object] | None = None) -> Built:
        """The same, with the values of all its parameters."""
        spec = self._usable(name)
        return self.workshop.build(spec, self.package(spec.name), params or {})

    def _usable(self, name: str) -> DetectorSpec:
        """The detector of that name, unless something that it needs is not installed."""
        spec = self.spec(name)
        usable, why = self.available(spec)
        if not usable:
            raise PluginError(f"detector {spec.name!r} {why}")
        return spec

    @staticmethod
    def parse(text: str) -> tuple[str, dict[str, str]]:
        """Split `knn:neighbours=5,metric=l1` into `knn` and `{"neighbours": "5", "metric": "l1"}`, texts for `build`.

        Raises:
            ParameterError: The text is not of that form.
        """
        return parse_detector(text)

    def combiners(self) -> list[CombinerSpec]:
        """Every combiner that plugins bring, by name; those of anomalist itself are not plugins."""
        return sorted(self._combiners.specs.values(), key=lambda spec: spec.name)

    def combiner(self, name: str) -> Function:
        """The function of a combiner, imported on first use.

        Raises:
            UnknownNameError: There is no such combiner.
            PluginError: It cannot be imported.
        """
        spec = self._combiners.get(name)
        package = self._combiners.homes[spec.name]
        return self._place(package).function(spec, package)

    def stackers(self) -> list[StackerSpec]:
        """Every stacker that plugins bring, by name; those of anomalist itself are not plugins."""
        return sorted(self._stackers.specs.values(), key=lambda spec: spec.name)

    def stacker(self, name: str, params: Mapping[str, object]) -> Built:
        """A new stacker that has not learned yet, with these parameters; text is read as the type of the parameter.

        Raises:
            UnknownNameError: There is no such stacker.
            ParameterError: A parameter is unknown, of the wrong type or out of its range.
            PluginError: It cannot be imported or built.
        """
        spec = self._stackers.get(name)
        package = self._stackers.homes[spec.name]
        return self._place(package).build(spec, package, params)

    def features(self) -> list[FeatureSpec]:
        """Every maker of features, by name."""
        return sorted(self._features.specs.values(), key=lambda spec: spec.name)

    def feature_spec(self, name: str) -> FeatureSpec:
        """The maker of features of that name.

        Raises:
            UnknownNameError: There is none, or several packages bring it; the message suggests one.
        """
        return self._features.get(name)

    def feature(self, name: str, params: Mapping[str, object]) -> Built:
        """A new maker of features, not fitted, with these parameters; text is read as the type of the parameter.

        Raises:
            UnknownNameError: There is no such maker.
            ParameterError: A parameter is unknown, of the wrong type or out of its range.
            PluginError: It cannot be imported or built.
        """
        package = self.feature_package(name)
        return self._place(package).build(self._features.get(name), package, params)

    def feature_parameters(self, name: str) -> list[Parameter]:
        """The parameters of a maker of features; imports it.

        Raises:
            UnknownNameError: There is no such maker.
            PluginError: It cannot be imported or is no dataclass.
        """
        package = self.feature_package(name)
        return self._place(package).parameters(self._features.get(name), package)

    def feature_package(self, name: str) -> str:
        """The distribution that brings a maker of features.

        Raises:
            UnknownNameError: There is no such maker.
        """
        return self._features.homes[self._features.get(name).name]

    def readers(self) -> list[ReaderSpec]:
        """Every reader of files that plugins bring, by name."""
        return sorted(self._readers.specs.values(), key=lambda spec: spec.name)

    def reader_functions(self) -> dict[str, Function]:
        """The functions of the readers, each imported when it is called, as `read_table` takes them.

        They are given by the endings that they read (`.xlsx`), and by their names with a dot, for `--format`. The first
        reader by name has an ending that several read.
        """
        functions: dict[str, Function] = {}
        for spec in self.readers():
            for ending in (f".{spec.name}", *spec.suffixes):
                functions.setdefault(ending, partial(self._read_file, spec))
        return functions

    def _read_file(self, spec: ReaderSpec, *args: Any) -> Any:
        package = self._readers.homes[spec.name]
        return self._place(package).function(spec, package)(*args)

    def commands(self) -> list[CommandSpec]:
        """Every command that plugins bring, by name."""
        return sorted(self._commands.specs.values(), key=lambda spec: spec.name)

    def has_command(self, name: str) -> bool:
        """Whether any plugin brings a command of that name, bare or with its distribution."""
        return any(name in (alias, alias.partition(":")[2]) for alias in self._commands.aliases)

    def command_package(self, name: str) -> str:
        """The distribution that brings a command.

        Raises:
            UnknownNameError: There is no such command.
        """
        return self._commands.homes[self._commands.get(name).name]

    def command(self, name: str) -> Any:
        """The `click.Command` of a plugin's command.

        Raises:
            UnknownNameError: There is no such command.
            PluginError: It cannot be imported.
        """
        spec = self._commands.get(name)
        package = self._commands.homes[spec.name]
        return imported(spec.factory, f"command {spec.name!r}", package, trace=self.manager.trace)

    def _place(self, package: str) -> Workshop:
        """Where that is made which is no detector: what comes with anomalist is made here, whatever the workshop."""
        return self._here if package == BUNDLED else self.workshop
