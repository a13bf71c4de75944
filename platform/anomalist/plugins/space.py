"""Search spaces: which values of a detector's parameters `anomalist tune` may try, as people write them.

A plugin declares its own in `DetectorSpec.search`, and `--space` takes the same words. An axis is one parameter: a
range `0.0..0.5`, one by its logarithm `5..100:log`, or choices `relu|gelu|[64,32]`.

>>> for axis in parse_space(["neighbours=5..100:log", "metric=euclidean|manhattan"]):
...     axis
Between(name='neighbours', low=5.0, high=100.0, log=True)
OneOf(name='metric', choices=('euclidean', 'manhattan'))
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from anomalist.errors import ParameterError
from anomalist.plugins.parameters import parse_values

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Axis", "Between", "OneOf", "parse_space"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """Every number from `low` to `high`, both included; only the whole ones where the parameter is a whole number.

    Attributes:
        name: The parameter.
        low: The smallest.
        high: The largest.
        log: Each power of ten is as likely as the next.
    """

    name: str
    low: float
    high: float
    log: bool = False

    @property
    def text(self) -> str:
        """The axis as people write it."""
        return f"{self.name}={self.low:.12g}..{self.high:.12g}{':log' if self.log else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """A few values.

    Attributes:
        name: The parameter.
        choices: The values as users type them.
    """

    name: str
    choices: tuple[str, ...]

    @property
    def text(self) -> str:
        """The axis as people write it."""
        return f"{self.name}={'|'.join(self.choices)}"


Axis: TypeAlias = Between | OneOf


def parse_space(texts: Iterable[str]) -> tuple[Axis, ...]:
    """Read axes, one or several to a text, these with commas between them.

    Raises:
        ParameterError: One is not of a form above, or a parameter is there twice.
    """
    axes: dict[str, Axis] = {}
    for text in texts:
        for name, values in parse_values(text, text).items():
            if name in axes:
                raise ParameterError(f"parameter {name!r} is given twice in the search space")
            axes[name] = _axis(name, values)
    return tuple(axes.values())


def _axis(name: str, text: str) -> Axis:
    if ".." not in text:
        choices = tuple(choice.strip() for choice in text.split("|"))
        if len(choices) < 2 or not all(choices) or len(set(choices)) < len(choices):
            raise ParameterError(f"{name} is searched between LOW..HIGH or among A|B|C, got {text!r}")
        return OneOf(name=name, choices=choices)
    ends, log, rest = text.strip().partition(":log")
    first, _, last = ends.partition("..")
    try:
        low, high = float(first), float(last)
    except ValueError:
        low = high = math.nan
    if rest or not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ParameterError(f"{name} is searched between two numbers such as 5..100 or 0.001..1:log, got {text!r}")
    if log and low <= 0:
        raise ParameterError(f"{name} can be searched by its logarithm only above 0, got {text!r}")
    return Between(name=name, low=low, high=high, log=bool(log))
