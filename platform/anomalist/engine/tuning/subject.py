"""Subject: one detector, what of it is searched and what stays; checked before anything is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from anomalist.detector import DetectorSpec
from anomalist.errors import ParameterError, UsageError
from anomalist.plugins.parameters import as_typed
from anomalist.plugins.space import OneOf, parse_space

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.plugins.parameters import Parameter
    from anomalist.plugins.registry import Registry
    from anomalist.plugins.space import Axis

__all__ = ["Point", "Subject", "Value"]

Value: TypeAlias = str | int | float
Point: TypeAlias = "Mapping[str, Value]"
"""A value for each axis: a number in a range, or a choice as users type it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One detector to be tuned.

    Attributes:
        name: What to call it: with its package, where that is somebody else's.
        detector: What the user called it.
        version: Of the distribution that brings it.
        fixed: Parameters that the user gave, as texts.
        axes: What is searched.
        whole: The axes whose numbers are whole.
        start: The defaults as a point of the space; None where they are outside of it.
    """

    name: str
    detector: str
    version: str
    fixed: Mapping[str, str]
    axes: tuple[Axis, ...]
    whole: frozenset[str]
    start: Point | None

    @classmethod
    def of(cls, registry: Registry, text: str, space: str | None) -> Subject:
        """Take a detector as a user typed it.

        Raises:
            UsageError: There is no such detector, or nothing of it to search.
            ParameterError: An axis is of a parameter that the detector does not have, or goes where it cannot.
            PluginError: The detector cannot be used here.
        """
        typed, fixed = registry.parse(text)
        spec = registry.spec(typed)
        parameters = {parameter.name: parameter for parameter in registry.parameters(typed)}
        axes = parse_space(spec.search if space is None else [space])
        if space is None:
            axes = tuple(axis for axis in axes if axis.name not in fixed)
        if not axes:
            raise UsageError(_nothing(typed, parameters, declared=bool(spec.search)))
        for axis in axes:
            if axis.name not in parameters:
                known = ", ".join(parameters) or "none"
                raise ParameterError(f"{typed} has no parameter {axis.name!r} to search; it has {known}")
            if axis.name in fixed:
                raise ParameterError(f"{typed}: {axis.name} is given with --detector and searched with --space")
        whole = frozenset(axis.name for axis in axes if _is_whole(axis, parameters[axis.name]))
        start = _start(axes, parameters, whole)
        name = registry.lasting(DetectorSpec, typed)
        version = registry.manager.version_of(registry.package(typed))
        found = cls(name=name, detector=typed, version=version, fixed=fixed, axes=axes, whole=whole, start=start)
        for point in found._corners():
            registry.build(typed, {**fixed, **point})
        return found

    def line(self, point: Point | None) -> str:
        """The detector with these values, as `--detector` takes it; with None, as it is without a search.

        >>> fixed = {"rows": "500"}
        >>> knn = Subject(
        ...     name="knn", detector="knn", version="1", fixed=fixed, axes=(), whole=frozenset(), start=None
        ... )
        >>> knn.line({"neighbours": 5}), knn.line(None)
        ('knn:rows=500,neighbours=5', 'knn:rows=500')
        """
        values = {**self.fixed, **(point or {})}
        return f"{self.name}:{','.join(f'{name}={_typed(value)}' for name, value in values.items())}".removesuffix(":")

    def _corners(self) -> list[dict[str, Value]]:
        """A few points that have every end of a range and every choice among them."""
        count = max(len(axis.choices) if isinstance(axis, OneOf) else 2 for axis in self.axes)
        return [{axis.name: _corner(axis, i, axis.name in self.whole) for axis in self.axes} for i in range(count)]


def _nothing(name: str, parameters: Mapping[str, Parameter], *, declared: bool) -> str:
    if declared:
        return f"nothing is left to search of {name}: leave a parameter out of --detector"
    known = ", ".join(f"{p.name} ({p.type})" for p in parameters.values() if p.name not in ("seed", "device"))
    if not known:
        return f"{name} has no parameter to search"
    return f"{name} does not say what of it to search: say it with --space 'NAME=LOW..HIGH,NAME=A|B'; it has {known}"


def _is_whole(axis: Axis, parameter: Parameter) -> bool:
    """Whether a range is of whole numbers, by the type of the parameter, or by its default where that says nothing."""
    if isinstance(axis, OneOf):
        return False
    kinds = parameter.type.split(" or ")
    if "float" not in kinds and "int" not in kinds and parameter.type not in ("Any", "object"):
        raise ParameterError(f"{parameter.name} is {parameter.type}, no number: give choices, {parameter.name}=A|B|C")
    whole = "float" not in kinds and ("int" in kinds or _number(parameter.default, whole=True) is not None)
    if whole and not (axis.low.is_integer() and axis.high.is_integer()):
        raise ParameterError(f"{parameter.name} is a whole number, and so must be the ends of its range: {axis.text}")
    return whole


def _start(axes: tuple[Axis, ...], parameters: Mapping[str, Parameter], whole: frozenset[str]) -> Point | None:
    found: dict[str, Value] = {}
    for axis in axes:
        default = parameters[axis.name].default
        chosen: Value | None
        if isinstance(axis, OneOf):
            chosen = next((choice for choice in axis.choices if _same(choice, default)), None)
        else:
            number = _number(default, whole=axis.name in whole)
            chosen = number if number is not None and axis.low <= number <= axis.high else None
        if chosen is None:
            return None
        found[axis.name] = chosen
    return found


def _same(choice: str, default: str) -> bool:
    """Whether a choice is the default, however a number is written."""
    number = _number(choice, whole=False)
    return choice.replace(" ", "") == default or (number is not None and number == _number(default, whole=False))


def _number(text: str, *, whole: bool) -> int | float | None:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        return None


def _corner(axis: Axis, i: int, whole: bool) -> Value:
    if isinstance(axis, OneOf):
        return axis.choices[i % len(axis.choices)]
    end = (axis.low, axis.high)[i % 2]
    return int(end) if whole else end


def _typed(value: Value) -> str:
    text = as_typed(value)
    return f'"{text}"' if "," in text and not text.startswith(("[", "(")) else text
