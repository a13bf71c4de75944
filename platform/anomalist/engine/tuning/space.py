"""Space: the axes that are searched, held to the parameters that they are of, and the points in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeAlias

from anomalist.errors import ParameterError
from anomalist.plugins.space import OneOf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np

    from anomalist.plugins.parameters import Parameter
    from anomalist.plugins.space import Axis

__all__ = ["Point", "Space", "Value", "short"]

Value: TypeAlias = str | int | float
Point: TypeAlias = "Mapping[str, Value]"
"""A value for each axis: a number in a range, or a choice as users type it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """What of a detector is searched.

    Attributes:
        axes: One for each parameter that is searched.
        whole: The axes whose numbers are whole.
        start: The defaults as a point of the space; None where they are outside of it.
    """

    axes: tuple[Axis, ...]
    whole: frozenset[str]
    start: Point | None

    @classmethod
    def of(cls, detector: str, axes: tuple[Axis, ...], parameters: Iterable[Parameter]) -> Self:
        """Hold axes to the parameters of a detector.

        Raises:
            ParameterError: An axis is of a parameter that the detector does not have, or goes where it cannot.
        """
        known = {parameter.name: parameter for parameter in parameters}
        for axis in axes:
            if axis.name not in known:
                names = ", ".join(known) or "none"
                raise ParameterError(f"{detector} has no parameter {axis.name!r} to search; it has {names}")
        whole = frozenset(axis.name for axis in axes if _is_whole(axis, known[axis.name]))
        return cls(axes=axes, whole=whole, start=_start(axes, known, whole))

    def corners(self) -> list[Point]:
        """A few points that have every end of a range and every choice among them."""
        count = max(len(axis.choices) if isinstance(axis, OneOf) else 2 for axis in self.axes)
        return [{axis.name: _corner(axis, i, axis.name in self.whole) for axis in self.axes} for i in range(count)]

    def drawn(self, rng: np.random.Generator) -> Point:
        """A point at random."""
        return {axis.name: _drawn(axis, rng, axis.name in self.whole) for axis in self.axes}


def short(value: Value, axis: Axis) -> Value:
    """A number with four digits that count: it has to be typed, and more make no difference.

    >>> from anomalist.plugins.space import Between
    >>> short(0.123456, Between(name="noise", low=0.0, high=1.0))
    0.1235
    """
    if not isinstance(value, float) or isinstance(axis, OneOf):
        return value
    return min(max(float(f"{value:.4g}"), axis.low), axis.high)


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
    """Whether a choice is the default, however a number, a truth value or none is written."""
    if default in ("true", "false", "none") and choice.lower() == default:
        return True
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


def _drawn(axis: Axis, rng: np.random.Generator, whole: bool) -> Value:
    if isinstance(axis, OneOf):
        return axis.choices[rng.integers(len(axis.choices))]
    if axis.log:
        number = math.exp(rng.uniform(math.log(axis.low), math.log(axis.high)))
    else:
        number = float(rng.uniform(axis.low, axis.high))
    return min(max(round(number), int(axis.low)), int(axis.high)) if whole else short(number, axis)
