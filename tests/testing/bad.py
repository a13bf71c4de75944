"""A detector that keeps every promise, and others that each break one."""

from __future__ import annotations

import pickle
import threading
import time
import warnings
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from anomalist.detector import check_parameter, deadline
from anomalist.errors import NotFittedError, SchemaMismatchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State


@dataclass(eq=False)
class Good:
    """How far a row is from the mean.

    Attributes:
        power: The exponent.
        clip: Nothing at all.
    """

    power: float = 2.0
    clip: float = 0.0

    _learned: tuple[Floats, Floats] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        check_parameter(self.power > 0, "power", self.power, "above 0")

    def fit(self, data: Dataset, /) -> Self:
        values = data.values.astype(np.float64)
        spread = values.std(axis=0)
        self._learned = values.mean(axis=0), np.where(spread > 0, spread, 1.0)
        return self

    def score(self, data: Dataset, /) -> Floats:
        return self.parts(data).sum(axis=1)

    def contributions(self, data: Dataset, /) -> Floats:
        return self.parts(data)

    def parts(self, data: Dataset) -> Floats:
        centre, spread = self.learned()
        data.check_width(centre.size)
        return (np.abs(data.values - centre) / spread) ** self.power

    def learned(self) -> tuple[Floats, Floats]:
        if self._learned is None:
            raise NotFittedError("it is not fitted: call fit first")
        return self._learned

    def state(self) -> State:
        return dict(zip(("centre", "spread"), self.learned(), strict=True))

    def restore(self, state: State, /) -> Self:
        self._learned = state["centre"], state["spread"]
        return self

    def update(self, data: Dataset, /) -> Self:
        centre, spread = self.learned()
        data.check_width(centre.size)
        self._learned = 0.5 * centre + 0.5 * data.values.mean(axis=0), spread
        return self


class NoDefault(Good):
    def __init__(self, power: float) -> None:
        super().__init__(power)


@dataclass(eq=False)
class Undocumented(Good):
    """Says nothing of its parameters."""


@dataclass(eq=False)
class Unwritten(Good):
    """Has a default that is read as another value.

    Attributes:
        power: The exponent.
        clip: Nothing.
        method: Nothing.
    """

    method: str | None = "none"


class Refuses(Good):
    def __post_init__(self) -> None:
        if self.power <= 0:
            raise ValueError("power")


class Gapped(Good):
    def __post_init__(self) -> None:
        super().__post_init__()
        check_parameter(not 2.5 < self.power < 3.9, "power", self.power, "outside of 2.5 to 3.9")


class Rebuilt(Good):
    def __post_init__(self) -> None:
        self._real, self.power = self.power, 2.0

    def parts(self, data: Dataset) -> Floats:
        return super().parts(data) ** self._real

    def state(self) -> State:
        return {**super().state(), "power": self._real}

    def restore(self, state: State, /) -> Self:
        self._real = state["power"]
        return super().restore(state)


class Changes(Good):
    def fit(self, data: Dataset, /) -> Self:
        self.clip = float(data.values.max())
        return super().fit(data)


class ReturnsNothing(Good):
    def fit(self, data: Dataset, /) -> Self:
        super().fit(data)
        return None  # type: ignore[return-value]


class Fails(Good):
    def fit(self, data: Dataset, /) -> Self:
        raise ZeroDivisionError("by zero")


class Mute(Good):
    def score(self, data: Dataset, /) -> Floats:
        super().score(data)
        raise ZeroDivisionError("by zero")


class Tall(Good):
    def score(self, data: Dataset, /) -> Floats:
        return super().score(data)[:, None]


class Whole(Good):
    def score(self, data: Dataset, /) -> Any:
        return (1000 * super().score(data)).astype(np.int64)


class Infinite(Good):
    def score(self, data: Dataset, /) -> Floats:
        scores = super().score(data)
        return np.where(scores > 200, np.inf, scores)


class UpsideDown(Good):
    def score(self, data: Dataset, /) -> Floats:
        return -super().score(data)


class Classifies(Good):
    def score(self, data: Dataset, /) -> Floats:
        return (super().score(data) > 60).astype(np.float64)


class Small(Good):
    def score(self, data: Dataset, /) -> Floats:
        scores = super().score(data)
        return scores if np.abs(data.values).max() < 1e5 else np.full_like(scores, np.nan)


class Lonely(Good):
    def score(self, data: Dataset, /) -> Floats:
        return super().score(data) + (len(data) == 1)


class Ordered(Good):
    def score(self, data: Dataset, /) -> Floats:
        scores = super().score(data)
        scores[10:11] += 5.0  # of a batch; no row alone stands there
        return scores


class Forgetful(Good):
    def score(self, data: Dataset, /) -> Floats:
        if len(data) == 80:
            self._calls = getattr(self, "_calls", 0) + 1
        return super().score(data) + (getattr(self, "_calls", 0) == 3)  # shuffled was the second


class Random(Good):
    def fit(self, data: Dataset, /) -> Self:
        centre, spread = super().fit(data).learned()
        self._learned = centre + 1e-3 * np.random.default_rng().normal(size=centre.size), spread
        return self


class Shares(Good):
    offset: ClassVar[float] = 0.0

    def fit(self, data: Dataset, /) -> Self:
        type(self).offset = 100.0 if data.values.mean() > 3 else 0.0
        return super().fit(data)

    def score(self, data: Dataset, /) -> Floats:
        return super().score(data) + self.offset


class Drifts(Good):
    def fit(self, data: Dataset, /) -> Self:
        seen, self._seen = getattr(self, "_seen", None), data.values.tobytes()
        centre, spread = super().fit(data).learned()
        self._learned = centre + (seen == self._seen), spread
        return self


class Remembers(Good):
    def fit(self, data: Dataset, /) -> Self:
        before = self._learned
        centre, spread = super().fit(data).learned()
        if before is not None and before[1].size == spread.size:
            self._learned = centre, np.maximum(before[1], spread)
        return self


class OneAtATime(Good):
    busy: ClassVar[threading.Lock] = threading.Lock()

    def fit(self, data: Dataset, /) -> Self:
        super().fit(data)
        centre, spread = self.learned()
        if self.busy.acquire(blocking=False):
            time.sleep(0.05)
            self.busy.release()
        else:
            self._learned = centre + 1.0, spread
        return self


class Writes(Good):
    def score(self, data: Dataset, /) -> Floats:
        scores = super().score(data)
        if data.values.flags.writeable:
            data.values[0] = 0.0
        return scores


class Seeds(Good):
    def fit(self, data: Dataset, /) -> Self:
        np.random.seed(0)  # noqa: NPY002 - what the check is there to see
        return super().fit(data)


class Prints(Good):
    def fit(self, data: Dataset, /) -> Self:
        print("fitting")  # noqa: T201 - what the check is there to see
        return super().fit(data)


class Warns(Good):
    def fit(self, data: Dataset, /) -> Self:
        warnings.warn("not converged", stacklevel=1)
        return super().fit(data)


class Slow(Good):
    def fit(self, data: Dataset, /) -> Self:
        if deadline.get() is not None:
            started = time.thread_time()
            while time.thread_time() - started < 1.05:
                pass
        return super().fit(data)


class Divides(Good):
    def fit(self, data: Dataset, /) -> Self:
        values = data.values.astype(np.float64)
        self._learned = values.mean(axis=0), values.std(axis=0)
        return self

    def parts(self, data: Dataset) -> Floats:
        with np.errstate(all="ignore"):
            return super().parts(data)


class Unique(Good):
    def fit(self, data: Dataset, /) -> Self:
        if len(np.unique(data.values, axis=0)) < len(data):
            raise ValueError("rows must be unique")
        return super().fit(data)


class Pairs(Good):
    def fit(self, data: Dataset, /) -> Self:
        np.corrcoef(data.values.T)[0, 1]
        return super().fit(data)


class Greedy(Good):
    def fit(self, data: Dataset, /) -> Self:
        np.random.default_rng(0).choice(len(data), 15, replace=False)
        return super().fit(data)


class Square(Good):
    def fit(self, data: Dataset, /) -> Self:
        if data.width > len(data):
            raise np.linalg.LinAlgError("singular matrix")
        return super().fit(data)


class AnyWidth(Good):
    def parts(self, data: Dataset) -> Floats:
        centre, spread = self.learned()
        return (np.abs(data.values - centre) / spread) ** self.power


class Unfitted(Good):
    def learned(self) -> tuple[Floats, Floats]:
        return self._learned  # type: ignore[return-value]  # that is the slip


class Objects(Good):
    def state(self) -> State:
        return {"learned": OrderedDict, **super().state()}


class RestoresNothing(Good):
    def restore(self, state: State, /) -> Self:
        super().restore(state)
        return None  # type: ignore[return-value]


class Ages(Good):
    _age: int = 0

    def state(self) -> State:
        return {**super().state(), "age": self._age}

    def restore(self, state: State, /) -> Self:
        self._age = state["age"] + 1
        return super().restore(state)


_KEPT: list[int] = []


class Keeps(Good):
    def fit(self, data: Dataset, /) -> Self:
        _KEPT.append(len(data))
        return super().fit(data)

    def restore(self, state: State, /) -> Self:
        if not _KEPT:
            raise RuntimeError("nothing was fitted here")
        return super().restore(state)


class Pickles(Good):
    def state(self) -> State:
        return {"pickle": np.frombuffer(pickle.dumps(OrderedDict(super().state())), dtype=np.uint8)}

    def restore(self, state: State, /) -> Self:
        return super().restore(pickle.loads(state["pickle"].tobytes()))


class NoRestore(Good):
    restore = None  # type: ignore[assignment]


class Silent(Good):
    contributions = None  # type: ignore[assignment]  # a role that it does not have


class Negative(Good):
    def contributions(self, data: Dataset, /) -> Floats:
        return self.parts(data) - 1.0


class Mistaken(Good):
    def contributions(self, data: Dataset, /) -> Floats:
        return self.parts(data)[:, ::-1]


class Turns(Good):
    def update(self, data: Dataset, /) -> Self:
        super().update(data)
        self._turned = True
        return self

    def score(self, data: Dataset, /) -> Floats:
        return super().score(data) * (-1 if hasattr(self, "_turned") else 1)


class UpdatesAnything(Good):
    def update(self, data: Dataset, /) -> Self:
        self.learned()
        return self.fit(data)


class Moves(Good):
    def transfer(self, sources: Sequence[int | None], /) -> Self:
        centre, _ = self.learned()
        if max(source or 0 for source in sources) >= centre.size:
            raise SchemaMismatchError("no such column")
        return self
