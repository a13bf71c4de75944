"""Panel: which detectors a run fits, each built and with its place in the run decided, before anything is fitted."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anomalist.detector import Trait
from anomalist.errors import AnomalistError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anomalist.data.series import SeriesCheck
    from anomalist.detector import Detector
    from anomalist.ensemble.member import ViewName
    from anomalist.plugins.registry import Registry

__all__ = ["Seat", "arranged", "seats"]

_NEEDS_TIME = "needs rows in order: name the column of times with --time"
_NEEDS_CLEAN = "needs rows that are known to be normal: say so with --clean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One detector's place in a panel.

    Attributes:
        name: Unique in the panel.
        detector_name: The name in the registry.
        package: The distribution that brings it.
        params: All its parameters, plain values.
        view: What it will see of the rows.
        kin: What it shares with detectors that err alike; empty where nothing.
        chosen: The user named it.
        detector: The unfitted detector; None where it cannot take part.
        obstacle: Why it cannot take part.
        skipped: The panel can do without it: not a failure.
    """

    name: str
    detector_name: str
    package: str
    params: Mapping[str, Any] = field(default_factory=dict)
    view: ViewName = "rows"
    kin: str = ""
    chosen: bool = False
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
    clean: bool = False,
    timed: bool = False,
) -> list[Seat]:
    """Build the detectors of a panel, or those chosen by name and parameters such as `knn:neighbours=5`.

    Args:
        registry: Knows the detectors.
        panel: The name of a panel; used where none are chosen.
        chosen: Detectors as the user typed them.
        seed: Given to each detector that has a parameter of that name, unless the user set it.
        device: Likewise.
        clean: The rows are known to be normal: a detector that has a parameter `trim` leaves no row out.
        timed: The rows have a time.

    Raises:
        UsageError: A chosen detector or parameter is unknown, or needs ordered rows where the rows have no time.
    """
    if chosen:
        wanted = [registry.parse(text) for text in chosen]
    else:
        wanted = [(spec.name, {}) for spec in registry.panel(panel)]
    registry.expect(detector_name for detector_name, _ in wanted)
    given_to_all = {"device": device, **({"trim": 0.0} if clean else {})}
    counts: Counter[str] = Counter()
    found = []
    for detector_name, given in wanted:
        seat = _seat(registry, detector_name)
        if not chosen and not clean:
            seat = _without_novelty(seat, registry)
        if chosen and seat.view == "windows" and not timed:
            raise UsageError(f"detector {seat.name} {_NEEDS_TIME}")
        counts[seat.name] += 1
        repeat = counts[seat.name]
        name = seat.name if repeat == 1 else f"{seat.name}#{repeat}"
        seat = dataclasses.replace(seat, name=name, chosen=bool(chosen))
        found.append(_filled(seat, registry, given, {"seed": seed + repeat - 1, **given_to_all}))
    return found


def _seat(registry: Registry, detector_name: str) -> Seat:
    """An empty seat for a detector; what it was to be is its obstacle where the plugin that has the name is broken.

    Raises:
        UnknownNameError: There is no such detector, or the user blocked the plugin that has the name.
    """
    try:
        spec = registry.spec(detector_name)
    except UnknownNameError:
        missing = registry.manager.missing(detector_name)
        if missing is None or missing.state == "blocked":
            raise
        return Seat(
            name=detector_name,
            detector_name=detector_name,
            package=missing.distribution,
            obstacle=missing.standing,
        )
    return Seat(
        name=spec.name,
        detector_name=detector_name,
        package=registry.package(detector_name),
        view="windows" if spec.eats == "windows" else "rows",
        kin=spec.kin,
    )


def _without_novelty(seat: Seat, registry: Registry) -> Seat:
    """A seat of a panel, which stays empty where its detector would trust rows that nobody vouched for."""
    if seat.obstacle is not None or Trait.NOVELTY not in registry.spec(seat.detector_name).handles:
        return seat
    return dataclasses.replace(seat, obstacle=_NEEDS_CLEAN, skipped=True)


def arranged(seat: Seat, series: SeriesCheck | None) -> Seat:
    """A seat with what its detector will see of these rows, or why it is skipped.

    Where the rows are a series, detectors of rows see statistics of its windows. A detector of windows that nobody
    chose by name is skipped where the rows are no series. `series` is None where the rows have no time.
    """
    if seat.view != "windows":
        return dataclasses.replace(seat, view="statistics") if series is not None and series.is_series else seat
    if series is None:
        return dataclasses.replace(seat, detector=None, obstacle=_NEEDS_TIME, skipped=True)
    if series.is_series or seat.chosen:
        return seat
    return dataclasses.replace(seat, detector=None, obstacle=f"needs a series: {series.reason}", skipped=True)


def _filled(seat: Seat, registry: Registry, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Seat:
    """Put a new detector into a seat; what a plugin gets wrong is the obstacle, what the user does is raised."""
    if seat.obstacle is not None:
        return seat
    try:
        detector, params = _build(registry, seat.detector_name, given, defaults)
    except UsageError:
        raise
    except AnomalistError as error:
        return dataclasses.replace(seat, obstacle=str(error))
    return dataclasses.replace(seat, params=params, detector=detector)


def _build(
    registry: Registry, detector_name: str, given: Mapping[str, Any], defaults: Mapping[str, Any]
) -> tuple[Detector, Mapping[str, Any]]:
    """Build a detector with what the user gave and, where it takes them, what the run gives to all of them."""
    takes = [parameter.name for parameter in registry.parameters(detector_name)]
    built = registry.built(detector_name, {key: value for key, value in defaults.items() if key in takes} | dict(given))
    return built.made, built.params
