"""Bench: what the checks of a kind work on, and which checks a kind has."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from anomalist.plugins.parameters import check_parameters
from anomalist.testing.promise import NotApplicable, told

if TYPE_CHECKING:
    from anomalist.plugins.plugin import Kind
    from anomalist.testing.promise import Checks, Promise
    from anomalist.testing.subject import Subject

__all__ = ["Bench", "bench_of", "checks_for"]


class Bench:
    """What is checked, imported when it is first asked for.

    Attributes:
        subject: What is checked.
        sample: What was given to check it with.
    """

    def __init__(self, subject: Subject, sample: Any = None) -> None:
        self.subject = subject
        self.sample = sample
        self._loaded: Any = None

    def load(self) -> Any:
        """The class or function; whatever importing it raises goes on."""
        if self._loaded is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what a library warns of when it is imported is not of its making
                self._loaded = self.subject.load()
        return self._loaded

    @property
    def loaded(self) -> Any:
        """The class or function.

        Raises:
            NotApplicable: It cannot be imported, which a check of its own says.
        """
        try:
            found = self.load()
        except (Exception, SystemExit) as error:
            raise NotApplicable(f"it cannot be imported: {told(error)}") from error
        if not callable(found):
            raise NotApplicable("it is neither a class nor a function, which another check says")
        return found

    def new(self, params: Mapping[str, Any]) -> Any:
        """One of its class, with these parameters; texts are read as the types of the fields."""
        return self.loaded(**check_parameters(self.subject.name, self.loaded, params))

    def declared(self) -> Mapping[str, str]:
        """The failures that the class or function declares itself, in its attribute `expected_failures`."""
        try:
            declared = getattr(self.load(), "expected_failures", {})
        except (Exception, SystemExit):  # noqa: BLE001 - that it cannot be imported is what a check says
            return {}
        return declared if isinstance(declared, Mapping) else {}


class _Kit(Protocol):
    """The module of a kind."""

    CHECKS: Checks
    BENCH: type[Bench]


def checks_for(kind: Kind) -> tuple[Promise, ...]:
    """The checks of a kind, in the order in which they are done."""
    return _kit(kind).CHECKS.all()


def bench_of(subject: Subject, sample: Any = None) -> Bench:
    """The bench for a subject."""
    return _kit(subject.kind).BENCH(subject, sample)


def _kit(kind: Kind) -> _Kit:
    """The checks of a kind, imported when they are needed, as importing them imports what they check with."""
    return cast("_Kit", importlib.import_module(f"anomalist.testing.{kind}"))
