"""Panel: which detectors a run fits, each built and with its place in the run decided, before anything is fitted."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anomalist.errors import AnomalistError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.detector import Detector
    from anomalist.ensemble.member import ViewName
    from anomalist.plugins.registry import Registry

__all__ = ["Seat", "seats"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One detector's place in a panel.

    Attributes:
        name: Unique in the panel.
        detector_name: The name in the registry.
        package: The distribution that brings it.
        params: All its parameters, plain values.
        view: What it will see of the rows.
        detector: The unfitted detector; None where it cannot take part.
        obstacle: Why it cannot take part.
        skipped: The panel can do without it: not a failure.
    """

    name: str
    detector_name: str
    package: str
    params: Mapping[str, Any] = field(default_factory=dict)
    view: ViewName = "rows"
    detector: Detector | None = None
    obstacle: str | None = None
    skipped: bool = False


def seats(
    registry: Registry,
    *,
    panel: str,
    chosen: Sequence[str] = (),
    seed: int = 0,
    device: str = "auto",
    timed: bool = False,
    series: bool = False,
) -> list[Seat]:
    """Build the detectors of a panel, or those chosen by name and parameters such as `knn:k=5`.

    Args:
        registry: Knows the detectors.
        panel: The name of a panel; used where none are chosen.
        chosen: Detectors as the user typed them.
        seed: Given to each detector that has a parameter of that name, unless the user set it.
        device: Likewise.
        timed: The rows have a time.
        series: The rows are a series: detectors of rows see statistics of its windows.

    Raises:
        UsageError: A chosen detector or parameter is unknown, or needs ordered rows where the rows have no time.
    """
    if chosen:
        wanted = [registry.parse(text) for text in chosen]
    else:
        wanted = [(spec.name, {}) for spec in registry.panel(panel)]
    counts: Counter[str] = Counter()
    found = []
    for detector_name, given in wanted:
        spec = registry.spec(detector_name)
        counts[spec.name] += 1
        repeat = counts[spec.name]
        name = spec.name if repeat == 1 else f"{spec.name}#{repeat}"
        seat = Seat(name=name, detector_name=detector_name, package=registry.package(detector_name))
        if spec.eats == "windows" and not timed:
            if chosen:
                raise UsageError(f"detector {spec.name} needs rows in order; name the column of times with --time")
            seat = dataclasses.replace(
                seat, obstacle="needs rows in order: name the column of times with --time", skipped=True
            )
            found.append(seat)
            continue
        defaults = {"seed": seed + repeat - 1, "device": device}
        try:
            detector, params = _build(registry, detector_name, given, defaults)
        except UsageError:
            raise
        except AnomalistError as error:
            found.append(dataclasses.replace(seat, obstacle=str(error)))
            continue
        view: ViewName = "windows" if spec.eats == "windows" else "statistics" if series else "rows"
        found.append(dataclasses.replace(seat, params=params, view=view, detector=detector))
    return found


def _build(
    registry: Registry, detector_name: str, given: Mapping[str, Any], defaults: Mapping[str, Any]
) -> tuple[Detector, dict[str, Any]]:
    """Build a detector with what the user gave and, where it takes them, the run's seed and device."""
    takes = [parameter.name for parameter in registry.parameters(detector_name)]
    params = {key: value for key, value in defaults.items() if key in takes} | dict(given)
    detector = registry.build(detector_name, params)
    return detector, {name: getattr(detector, name) for name in takes}
