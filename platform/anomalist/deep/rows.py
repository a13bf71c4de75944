"""What goes into a network and comes out of it: bounded rows on one scale, scores in blocks, weights as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from anomalist.data.sampling import draw
from anomalist.deep.transfer import positions
from anomalist.detector import check_deadline
from anomalist.errors import DataError, ModelFileError, NotFittedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State

__all__ = ["UPDATE_RATE", "Fitted", "Scaler", "need_fitted", "need_scale", "sample", "saved_widths"]

UPDATE_RATE = 0.3
"""Share of the learning rate for going on from fitted weights: larger steps would forget what was learned."""

_BLOCK_NUMBERS = 1 << 20
_WEIGHT = "weight:"
_QUANTILE_ROWS = 10_000
_EXCESS = 0.1

Network = TypeVar("Network", bound=nn.Module)
Thing = TypeVar("Thing")


def sample(data: Dataset, limit: int, *, seed: int, name: str) -> tuple[Floats, tuple[str, ...]]:
    """Return the values to train on, at most `limit` rows drawn at random, and a note where rows are left out.

    Raises:
        DataError: There are no rows.
    """
    if len(data) == 0:
        raise DataError(f"{name} needs at least one row to learn from, got none")
    return draw(data, limit, np.random.default_rng(seed), parameter="max_rows")


def need_fitted(fitted: Thing | None, name: str) -> Thing:
    """Return what was fitted.

    Raises:
        NotFittedError: There is nothing.
    """
    if fitted is None:
        raise NotFittedError(f"{name} is not fitted yet; call fit or restore first")
    return fitted


def need_scale(scale: Floats) -> None:
    """Refuse to go on where a new column has no scale yet.

    Raises:
        NotFittedError: There is a NaN.
    """
    if np.isnan(scale).any():
        raise NotFittedError("new columns have no scale yet after transfer; call update on rows that have them")


def saved_widths(state: State, name: str) -> tuple[int, ...]:
    """The widths of the saved `MLP` of that name, from its input to its output.

    Raises:
        ModelFileError: There is none.
    """
    shapes: list[tuple[int, ...]] = []
    while (key := f"{_WEIGHT}{name}.layers.{len(shapes)}.weight") in state:
        shapes.append(state[key].shape)
    if not shapes:
        raise ModelFileError(f"the saved weights do not fit the network: there is no {name}")
    return (*(shape[1] for shape in shapes), shapes[-1][2])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaler:
    """Centre and spread of each column, so that no column rules a loss whatever its unit; shape (columns,) each.

    Both are NaN for a new column that no rows were seen of yet.

    Beyond `bound` spreads only the logarithm of the excess counts: one gross value does not rule a network, and a
    larger one still scores higher.
    """

    centre: Floats
    spread: Floats
    bound: float = 6.0

    @classmethod
    def fit(cls, values: Floats) -> Self:
        """Take mean and standard deviation of values of shape (rows, columns); a constant column gets a spread of 1.

        Values further from the quartiles than 20 times their distance do not count, where that distance is not zero.
        """
        few = values[:: max(1, len(values) // _QUANTILE_ROWS)]
        low, high = np.quantile(few.astype(np.float64), [0.25, 0.75], axis=0)
        reach = np.where(high > low, 20.0 * (high - low), np.inf)
        inside = np.clip(values, low - reach, high + reach)
        centre, spread = inside.mean(axis=0), inside.std(axis=0)
        return cls(centre=centre, spread=np.where(spread > 1e-7 * np.abs(centre), spread, 1.0))

    def carried(self, sources: Sequence[int | None]) -> Self:
        """The scale of other columns: a shared column keeps its own, so that the weights behind it mean the same.

        Raises:
            ParameterError: The sources do not fit the columns.
        """
        now, before = positions(sources, len(self.centre))
        centre, spread = np.full((2, len(sources)), np.nan)
        centre[now], spread[now] = self.centre[before], self.spread[before]
        return replace(self, centre=centre, spread=spread)

    def completed(self, values: Floats) -> Self:
        """The same with a scale for each new column, from values of shape (rows, columns)."""
        new = np.isnan(self.centre)
        if not new.any():
            return self
        found = self.fit(values)
        return replace(
            self,
            centre=np.where(new, found.centre, self.centre),
            spread=np.where(new, found.spread, self.spread),
        )

    def apply(self, values: Floats) -> Floats:
        """Scale values of shape (rows, columns); the result is float64."""
        scaled = (values - self.centre) / self.spread
        inside = np.clip(scaled, -self.bound, self.bound)
        excess = scaled - inside
        return np.asarray(inside + _EXCESS * np.sign(excess) * np.log1p(np.abs(excess)))

    def training_rows(self, values: Floats) -> Floats:
        """Scale values of shape (rows, columns) to train on: float32, in blocks, with no other copy of them all."""
        rows = np.empty(values.shape, dtype=np.float32)
        size = max(1, _BLOCK_NUMBERS // max(1, values.shape[1]))
        for start in range(0, len(values), size):
            rows[start : start + size] = self.apply(values[start : start + size])
        return rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted(Generic[Network]):
    """A trained network with the scale of its columns: scores rows, and is saved and loaded as arrays.

    The network is kept in float64 on the CPU, so that a row alone gets the same numbers as in a batch.
    """

    network: Network
    scaler: Scaler

    @classmethod
    def of(cls, network: Network, scaler: Scaler) -> Self:
        """Take a trained network; it is changed to float64 in place."""
        return cls(network=network.cpu().double(), scaler=scaler)

    def over(self, data: Dataset, function: Callable[[Tensor], Tensor]) -> Floats:
        """Apply a function of scaled rows, float64 of shape (rows, columns), to all rows in blocks.

        Returns:
            float64, one result for each row.

        Raises:
            SchemaMismatchError: The number of columns is not the one fitted on.
            NotFittedError: A new column has no scale yet.
            DetectorTimeoutError: The deadline of this thread has passed.
        """
        data.check_width(len(self.scaler.centre))
        need_scale(self.scaler.centre)
        per_row = sum(p.shape[0] * p.shape[-1] for p in self.network.parameters())
        size = max(1, _BLOCK_NUMBERS // per_row)
        parts = []
        with torch.inference_mode():
            for start in range(0, max(1, len(data)), size):
                check_deadline()
                rows = torch.from_numpy(self.scaler.apply(data.values[start : start + size]))
                parts.append(function(rows).numpy())
        return np.concatenate(parts)

    def state(self) -> dict[str, Any]:
        """Return scale and weights as arrays; weights as float32, which is what they were trained in."""
        saved = {f"{_WEIGHT}{key}": value.float().numpy() for key, value in self.network.state_dict().items()}
        return {"centre": self.scaler.centre, "spread": self.scaler.spread, "bound": self.scaler.bound, **saved}

    @classmethod
    def from_state(cls, state: State, network: Network) -> Self:
        """Put saved weights into a network of the same shape.

        Raises:
            ModelFileError: The state has other weights than the network.
        """
        saved = {key.removeprefix(_WEIGHT): value for key, value in state.items() if key.startswith(_WEIGHT)}
        try:
            network.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in saved.items()})
        except RuntimeError as error:
            raise ModelFileError(f"the saved weights do not fit the network: {' '.join(str(error).split())}") from None
        scaler = Scaler(
            centre=np.asarray(state["centre"]), spread=np.asarray(state["spread"]), bound=float(state["bound"])
        )
        return cls.of(network, scaler)
