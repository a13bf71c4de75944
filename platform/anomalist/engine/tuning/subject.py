"""Subject: one detector, what of it is searched and what stays; checked before anything is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anomalist.detector import DetectorSpec
from anomalist.engine.tuning.space import Space
from anomalist.errors import ParameterError, UsageError
from anomalist.plugins.parameters import as_typed
from anomalist.plugins.space import parse_space

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.engine.tuning.space import Point, Value
    from anomalist.plugins.parameters import Parameter
    from anomalist.plugins.registry import Registry

__all__ = ["Subject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One detector to be tuned.

    Attributes:
        name: What to call it: with its package, where that is somebody else's.
        detector: What the user called it.
        version: Of the distribution that brings it.
        fixed: Parameters that the user gave, as texts.
        space: What is searched.
    """

    name: str
    detector: str
    version: str
    fixed: Mapping[str, str]
    space: Space

    @classmethod
    def of(cls, registry: Registry, text: str, space: str | None) -> Subject:
        """Take a detector as a user typed it.

        Raises:
            UsageError: There is no such detector, or nothing of it to search.
            ParameterError: An axis is of a parameter that the detector does not have, or goes where it cannot.
            PluginError: The detector cannot be used here.
        """
        typed, fixed = registry.parse(text)
        spec, parameters = registry.spec(typed), registry.parameters(typed)
        axes = parse_space(spec.search if space is None else [space])
        if space is None:
            axes = tuple(axis for axis in axes if axis.name not in fixed)
        if space is not None and not axes:
            raise ParameterError("the space names nothing to search; write it as 'NAME=LOW..HIGH,NAME=A|B'")
        if not axes:
            raise UsageError(_nothing(typed, parameters, declared=bool(spec.search)))
        searched = Space.of(typed, axes, parameters)
        for axis in axes:
            if axis.name in fixed:
                raise ParameterError(
                    f"{typed}: {axis.name} is given with the detector and searched by the space: leave it out of one"
                )
        for point in searched.corners():
            registry.build(typed, {**fixed, **point})
        name = registry.lasting(DetectorSpec, typed)
        version = registry.manager.version_of(registry.package(typed))
        return cls(name=name, detector=typed, version=version, fixed=fixed, space=searched)

    def line(self, point: Point | None) -> str:
        """The detector with these values, as `--detector` takes it; with None, as it is without a search.

        >>> space = Space(axes=(), whole=frozenset(), start=None)
        >>> knn = Subject(name="knn", detector="knn", version="1", fixed={"rows": "500"}, space=space)
        >>> knn.line({"neighbours": 5}), knn.line(None)
        ('knn:rows=500,neighbours=5', 'knn:rows=500')
        """
        values = {**self.fixed, **(point or {})}
        return f"{self.name}:{','.join(f'{name}={_typed(value)}' for name, value in values.items())}".removesuffix(":")


def _nothing(name: str, parameters: Sequence[Parameter], *, declared: bool) -> str:
    if declared:
        return f"nothing is left to search of {name}: give fewer parameters with the detector"
    known = ", ".join(f"{p.name} ({p.type})" for p in parameters if p.name not in ("seed", "device"))
    if not known:
        return f"{name} has no parameter to search"
    return f"{name} does not say what of it to search: name a space such as 'NAME=LOW..HIGH,NAME=A|B'; it has {known}"


def _typed(value: Value) -> str:
    text = as_typed(value)
    return f'"{text}"' if "," in text and not text.startswith(("[", "(")) else text
