"""Member: one fitted detector of a model, with its view of the data and its calibrator."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from anomalist.ensemble.calibrate import Calibrator
from anomalist.ensemble.sanity import checked_numbers
from anomalist.errors import DetectorError, ModelFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from anomalist.data.dataset import Dataset
    from anomalist.data.windows import Windower
    from anomalist.detector import Bools, Detector, Floats, State

__all__ = ["Member", "Units", "ViewName", "raw_scores", "reference_of", "training_view", "view_of", "votes_of"]

ViewName = Literal["rows", "windows", "statistics"]
"""Rows as they are; windows of ordered rows; or one row of statistics for each window of ordered rows."""

_TRAINING_WINDOWS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What a member scores (rows, windows, or the statistics of windows), and the way back to rows.

    Attributes:
        blocks: The units in order, in one block or, where they would be large, in several.
        to_rows: Takes numbers for each unit, shape (units,) or (units, columns), and returns them for each row.
        covering: Takes which rows, bool of shape (rows,), and returns which units they are in, shape (units,).
    """

    blocks: Callable[[], Iterable[Dataset]]
    to_rows: Callable[[Floats], Floats]
    covering: Callable[[Bools], Bools]


def view_of(name: ViewName, data: Dataset, windower: Windower | None) -> Units:
    """See encoded rows as a member sees them.

    Raises:
        DetectorError: The view is of windows and there is no windower.
    """
    if name == "rows":
        return Units(blocks=lambda: (data,), to_rows=lambda numbers: numbers, covering=lambda rows: rows)
    windower = _needed(windower)
    windows = windower.windows(data)
    blocks = windows.blocks if name == "windows" else lambda: (windower.statistics(windows),)
    return Units(blocks=blocks, to_rows=windows.to_rows, covering=windows.covering)


def training_view(
    name: ViewName, data: Dataset, windower: Windower | None, *, seed: int
) -> tuple[Dataset, tuple[str, ...]]:
    """See encoded rows as a detector is fitted on them: of very many windows, a sample of 20,000, and a note."""
    if name == "rows":
        return data, ()
    windower = _needed(windower)
    windows = windower.windows(data, limit=_TRAINING_WINDOWS, seed=seed)
    left_out = len(windows) < windows.available
    said = f"trained on {len(windows):,} of {windows.available:,} windows, drawn at random"
    return windows.dataset if name == "windows" else windower.statistics(windows), (said,) if left_out else ()


def _needed(windower: Windower | None) -> Windower:
    if windower is None:
        raise DetectorError("a view of windows needs rows in order; name the column of times with --time")
    return windower


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """A fitted detector that gives each row a surprise in bits.

    Attributes:
        name: Unique in the model: the detector's name, with `#2` and so on where it is in the panel more than once.
        detector_name: The name that the registry knows it by.
        params: Its parameters, plain values.
        detector: The fitted detector.
        calibrator: Its raw scores to surprise.
        view: What it sees of the rows.
        kin: What it shares with members that err alike; empty where nothing.
        notes: What it wants said about its fit, one line each.
        package: The distribution that brings the detector; empty where an earlier version saved the member.
        kept: The detector's state as it was after its fit, which is what is saved; None to ask the detector for it.
    """

    name: str
    detector_name: str
    params: Mapping[str, Any]
    detector: Detector
    calibrator: Calibrator
    view: ViewName
    kin: str = ""
    notes: tuple[str, ...] = ()
    package: str = ""
    kept: State | None = None

    @property
    def who(self) -> str:
        """Its name, and the package of its detector where that is somebody else's."""
        return f"{self.name} of {self.package}" if self.package not in ("", "anomalist") else self.name

    @property
    def reference(self) -> str:
        """What the registry finds its detector by, whatever else is called so by now."""
        return reference_of(self.detector_name, self.package)

    def raw(self, data: Dataset, windower: Windower | None) -> Floats:
        """Raw scores of encoded rows, shape (rows,), in the detector's unit.

        Raises:
            DetectorError: The detector did not give one finite number for each row.
        """
        return raw_scores(self.detector, view_of(self.view, data, windower))

    def surprise(self, data: Dataset, windower: Windower | None) -> Floats:
        """Surprise of encoded rows, shape (rows,), in bits."""
        return self.calibrator.surprise(self.raw(data, windower))

    def state(self) -> State:
        """Arrays and plain values that `from_state` needs."""
        return {
            "name": self.name,
            "detector": self.detector_name,
            "params": dict(self.params),
            "view": self.view,
            "kin": self.kin,
            "notes": list(self.notes),
            "calibrator": self.calibrator.state(),
            "package": self.package,
            "state": self.detector.state() if self.kept is None else self.kept,
        }

    @classmethod
    def from_state(cls, state: State, build: Callable[[str, Mapping[str, Any]], Detector]) -> Self:
        """The member that `state` was taken from; `build` makes an unfitted detector of a name and its parameters.

        Raises:
            ModelFileError: The detector does not take its own state back.
        """
        name, package = state["detector"], state.get("package", "")
        detector = build(reference_of(name, package), state["params"])
        try:
            detector = detector.restore(state["state"])
        except (Exception, SystemExit) as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())
            of = f" of {package}" if package else ""
            raise ModelFileError(f"detector {name!r}{of} does not take its own state back: {why}") from error
        return cls(
            name=state["name"],
            detector_name=state["detector"],
            params=state["params"],
            detector=detector,
            calibrator=Calibrator.from_state(state["calibrator"]),
            view=state["view"],
            kin=state["kin"],
            notes=tuple(state["notes"]),
            package=package,
            kept=state["state"],
        )


def reference_of(detector_name: str, package: str) -> str:
    """`package:name` of a detector, which finds it whatever else is called so; its name where no package is known.

    >>> reference_of("lof", "acme"), reference_of("acme:lof", "acme"), reference_of("lof", "")
    ('acme:lof', 'acme:lof', 'lof')
    """
    return f"{package}:{detector_name.removeprefix(f'{package}:')}" if package else detector_name


def votes_of(kins: Sequence[str]) -> Floats:
    """How much each member's voice counts, shape (members,): 1, or an equal share of 1 among those of one kin."""
    counts = Counter(kin for kin in kins if kin)
    return np.array([1.0 / counts[kin] if kin else 1.0 for kin in kins])


def raw_scores(detector: Detector, units: Units) -> Floats:
    """Score units with a detector, check what it returns, and give it back to the rows: shape (rows,), float64.

    Raises:
        DetectorError: It did not give one finite number for each unit.
    """
    return units.to_rows(np.concatenate([_scores(detector, block) for block in units.blocks()]))


def _scores(detector: Detector, block: Dataset) -> Floats:
    rows = len(block)
    return checked_numbers(detector.score(block), (rows,), "score", f"one number for each of {rows} rows")
