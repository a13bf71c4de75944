"""Bridge: what every detector of PyOD gets to be one of anomalist's."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from anomalist.data.sampling import drawn
from anomalist.detector import check_deadline, check_parameter
from anomalist.errors import (
    AnomalistError,
    DataError,
    DetectorError,
    NotFittedError,
    ParameterError,
    SchemaMismatchError,
)
from anomalist_plugins.pyod.codec import decode, encode
from anomalist_plugins.pyod.parameters import fixed_arguments
from anomalist_plugins.pyod.randomness import drawing
from anomalist_plugins.pyod.scoring import BLOCK, asked
from anomalist_plugins.pyod.settling import settle
from anomalist_plugins.pyod.versions import check_versions, versions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State
    from anomalist_plugins.pyod.catalogue import Entry

__all__ = ["Bridge"]


@dataclass(kw_only=True, eq=False)
class Bridge:
    """Fits and scores by a class of PyOD; a subclass has the parameters of that class as fields.

    Rows, or windows, go to PyOD as float64, writable and finite. A score that PyOD cannot compute (NaN) counts as the
    median score of the training rows, an infinite one as the highest or lowest finite one among them.
    """

    entry: ClassVar[Entry]
    pyod: ClassVar[type]
    pyod_parameters: ClassVar[tuple[str, ...]]

    _models: list[Any] = field(default_factory=list, init=False, repr=False)
    _reference: Floats | None = field(default=None, init=False, repr=False)
    _bounds: tuple[float, float, float] = field(default=(0.0, 0.0, 0.0), init=False, repr=False)
    _shape: tuple[int, ...] = field(default=(), init=False, repr=False)
    _notes: tuple[str, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        check_parameter(self._seed() >= 0, "seed", self._seed(), "a whole number of at least 0")
        check_parameter(self._seed() < 2**32, "seed", self._seed(), "below 2^32, as numpy's generators take it")
        check_parameter(self._kept() >= 2, "reference", self._kept(), "a whole number of at least 2")
        for name in ("batch_size", "epochs", "epoch_num", "n_epochs", "score_window"):
            value = getattr(self, name, 1)
            check_parameter(value >= 1, name, value, "a whole number of at least 1")
        joined = getattr(self, "channel_aggregation", "max")
        check_parameter(joined in ("max", "mean"), "channel_aggregation", joined, "max or mean")
        try:
            with drawing(self._seed(), torch=self.entry.torch):
                self._make((1,), None)
        except AnomalistError:
            raise
        except Exception as error:  # whatever it says is about what the user gave
            raise ParameterError(f"PyOD refuses the parameters: {_line(error)}") from error

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the record of the run."""
        return self._notes

    def fit(self, data: Dataset, /) -> Self:
        """Fit PyOD's class.

        Raises:
            DataError: Rows where windows are needed, or the other way round.
            DetectorError: PyOD cannot be fitted on these rows.
        """
        check_deadline()
        self._check_kind(data)
        values: Floats = data.values.astype(np.float64)
        notes: list[str] = []
        reference = None
        if self.entry.distinct:
            values = np.unique(values, axis=0)
        if self.entry.scoring == "beside":
            values, reference = self._sample(values, notes)
        parts = [values] if self.entry.scoring != "columns" else [column[:, None] for column in values.T]
        models, known = [], []
        with self._calling("fitted on"):
            for part in parts:
                check_deadline()
                model = self._make(part.shape[1:], len(part), notes if part is parts[0] else None)
                model.fit(part.copy())
                known.append(np.asarray(model.decision_scores_, dtype=np.float64).ravel())
                models.append(settle(model, BLOCK))
        scores = known[0] if len(known) == 1 else np.max(known, axis=0)
        scores = scores[np.isfinite(scores)]
        if not scores.size:
            raise DetectorError(f"PyOD's {self.entry.name} gives no training row a finite score")
        self._models, self._reference, self._notes = models, reference, tuple(notes)
        self._shape = data.values.shape[1:]
        self._bounds = (float(scores.min()), float(np.median(scores)), float(scores.max()))
        return self

    def score(self, data: Dataset, /) -> Floats:
        """PyOD's decision function, float64, shape (rows,).

        Raises:
            NotFittedError: `fit` has not been called.
            SchemaMismatchError: Another number of columns, or of steps of a window, than fitted on.
            DetectorError: PyOD cannot score these rows.
        """
        if not self._models:
            raise NotFittedError(f"pyod:{self.entry.name} is not fitted: call fit first")
        self._check_kind(data)
        data.check_width(self._shape[-1])
        if data.values.shape[1:] != self._shape:
            raise SchemaMismatchError(f"fitted on windows of {self._shape[0]} steps, got {data.values.shape[1]}")
        scores = np.empty(len(data))
        for rows, ask in asked(self.entry.scoring, self._models, data.values, self._reference):
            check_deadline()
            with self._calling("asked about"):
                scores[rows] = ask()
        low, middle, high = self._bounds
        return np.nan_to_num(scores, copy=False, nan=middle, posinf=high, neginf=low)

    def state(self) -> State:
        """PyOD's fitted objects as arrays and plain values, and what is known of the training rows.

        Raises:
            NotFittedError: `fit` has not been called.
            DetectorError: They hold something that cannot be saved.
        """
        if not self._models:
            raise NotFittedError(f"pyod:{self.entry.name} is not fitted: call fit before state")
        models = encode(self._models)
        return {
            "models": models,
            "versions": versions_of(models),
            "reference": self._reference,
            "bounds": list(self._bounds),
            "shape": list(self._shape),
            "notes": list(self._notes),
        }

    def restore(self, state: State, /) -> Self:
        """Take the saved objects.

        Raises:
            ModelFileError: The state is damaged, or of other versions of the libraries that it holds objects of.
        """
        check_versions(state["versions"])
        self._models = decode(state["models"])
        self._reference = state["reference"]
        self._bounds = tuple(state["bounds"])
        self._shape = tuple(state["shape"])
        self._notes = tuple(state["notes"])
        return self

    def _check_kind(self, data: Dataset) -> None:
        if data.values.ndim != (3 if self.entry.eats == "windows" else 2):
            wanted = "(windows, length, columns)" if self.entry.eats == "windows" else "(rows, columns)"
            raise DataError(f"pyod:{self.entry.name} needs values of shape {wanted}, got {data.values.shape}")

    def _seed(self) -> int:
        return int(getattr(self, "seed", 0))

    def _kept(self) -> int:
        return int(getattr(self, "reference", 2))

    def _sample(self, values: Floats, notes: list[str]) -> tuple[Floats, Floats]:
        """The rows that others are scored beside, float64 to fit and float32 to keep."""
        if len(values) > self._kept():
            rng = np.random.default_rng(self._seed())
            notes.append(drawn(self._kept(), len(values), "reference"))
            values = values[np.sort(rng.choice(len(values), self._kept(), replace=False))]
        return values, values.astype(np.float32)

    def _make(self, shape: tuple[int, ...], rows: int | None, notes: list[str] | None = None) -> Any:
        """A new object of PyOD's class, for so many rows, or windows, of this shape."""
        arguments = {name: _copied(getattr(self, name)) for name in self.pyod_parameters}
        if rows is not None:
            for name, lowered in self._lowered(arguments, rows).items():
                if notes is not None and name != "batch_size":
                    notes.append(f"{name} is {lowered} instead of {arguments[name]}: there are only {rows} rows")
                arguments[name] = lowered
        taken = _accepted(self.pyod)
        given = {"random_state": self._seed(), "n_features": shape[-1], "device": self._device()}
        given |= {"window_size": shape[0]} if len(shape) > 1 else {}
        arguments |= {name: value for name, value in given.items() if name in taken}
        return self.pyod(**arguments, **fixed_arguments(self.pyod))

    def _lowered(self, arguments: dict[str, Any], rows: int) -> dict[str, int]:
        """The parameters that are too large for so few rows."""
        found = {}
        for name, less in self.entry.limits.items():
            most = max(1, rows - less)
            if type(arguments.get(name)) is int and arguments[name] > most:
                found[name] = most
        if "batch_size" in arguments and self.entry.torch:
            size = min(arguments["batch_size"], rows)
            while rows > size > 1 and rows % size == 1:
                size += 1  # a last batch of one row has no spread to be normalised by
            if size != arguments["batch_size"]:
                found["batch_size"] = size
        return found

    def _device(self) -> str:
        wanted = str(getattr(self, "device", "cpu"))
        if not self.entry.torch or wanted == "cpu":
            return "cpu"
        from anomalist.deep.train import resolve_device

        return str(resolve_device(wanted))

    @contextmanager
    def _calling(self, what: str) -> Iterator[None]:
        """Run PyOD's code with generators of its own, and say in one line what it cannot do."""
        try:
            with drawing(self._seed(), torch=self.entry.torch), np.errstate(all="ignore"):
                yield
        except AnomalistError:
            raise
        except Exception as error:
            check_deadline()  # a library in between may have wrapped the error that the deadline raised
            raise DetectorError(f"PyOD's {self.entry.name} cannot be {what} these rows: {_line(error)}") from error


def _accepted(cls: type) -> frozenset[str]:
    return frozenset(cls.__init__.__code__.co_varnames[: cls.__init__.__code__.co_argcount])  # type: ignore[misc]  # of a class of theirs


def _copied(value: Any) -> Any:
    return list(value) if isinstance(value, list) else value


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}"
