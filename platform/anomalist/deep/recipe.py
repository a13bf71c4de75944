"""What a detector of rows does with its network: fits it, goes on with new rows, takes it along to other columns.

A detector says once how its network is made and what it is trained on, and gets `fit`, `update` and `transfer` of it:

    def update(self, data, /):
        self._fitted, self.notes = self._recipe().update(self._fitted, data)
        return self
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol

import torch

from anomalist.deep.rows import UPDATE_RATE, Fitted, Network, Scaler, need_fitted, sample
from anomalist.deep.schedule import Schedule
from anomalist.deep.train import train
from anomalist.deep.transfer import carry_over
from anomalist.deep.typical import some_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from anomalist.data.dataset import Dataset
    from anomalist.deep.schedule import Loss, Turn
    from anomalist.detector import Floats

__all__ = ["Parameters", "Recipe"]


class Parameters(Protocol):
    """What a recipe reads of a detector; fields of `Schedule` that the detector has as well are read, too."""

    @property
    def members(self) -> int:
        """Networks trained together."""

    @property
    def learning_rate(self) -> float:
        """The largest step."""

    @property
    def max_rows(self) -> int:
        """Rows kept for training."""

    @property
    def seed(self) -> int:
        """Of all that is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(Generic[Network]):
    """How the network of one detector is made, trained and finished.

    Attributes:
        name: The detector, for messages.
        parameters: The detector itself, whose parameters are read.
        make: A network for a number of columns with fresh weights; its inner sizes are those of the other network where
            one is given, so that weights can be taken over. Where they do not depend on the columns it is of no use.
        turns: What of the network is trained, and against which loss, see `Turn`.
        validate: The loss on held-out rows; that of the first turn unless given.
        finish: Sets what the trained network, in float64, has to know of the rows that it was trained on: it gets some
            of them, scaled, shape (rows, columns).
        along: The weights of a network that have a place for each column, and in which dimension, see `carry_over`;
            of an `MLP`, `inputs` and `outputs` say it.
        rise: Epochs in which trimming rises when a fit begins, see `Schedule`; an update trims from its first step on,
            since its network knows the bulk of the rows.
    """

    name: str
    parameters: Parameters
    make: Callable[[int, Network | None], Network]
    turns: Callable[[Network], Sequence[Turn]]
    validate: Callable[[Network], Loss] | None = None
    finish: Callable[[Network, Tensor], None] | None = None
    along: Callable[[Network], Mapping[str, int]]
    rise: float = 5.0

    def fit(self, data: Dataset) -> tuple[Fitted[Network], tuple[str, ...]]:
        """Train a new network on rows of shape (rows, columns); return it with notes for the user.

        Raises:
            TrainingError: Training diverged.
            DataError: There are no rows.
        """
        values, notes = self._sample(data)
        network = self.make(data.width, None)
        schedule = Schedule.of(self.parameters, rise=self.rise)
        return self._trained(network, Scaler.fit(values), values, notes, schedule)

    def update(self, fitted: Fitted[Network] | None, data: Dataset) -> tuple[Fitted[Network], tuple[str, ...]]:
        """Go on from fitted weights on new rows, in smaller steps; what was fitted stays as it is.

        The scale of the columns stays, so that the weights go on meaning the same; columns that are new after
        `transfer` take theirs from these rows.

        Raises:
            NotFittedError: There is nothing to go on from.
            SchemaMismatchError: The number of columns is not the one fitted on.
            TrainingError: Training diverged.
            DataError: There are no rows.
        """
        fitted = need_fitted(fitted, self.name)
        data.check_width(len(fitted.scaler.centre))
        values, notes = self._sample(data)
        scaler, network = fitted.scaler.completed(values), copy.deepcopy(fitted.network).float()
        rate = self.parameters.learning_rate * UPDATE_RATE
        schedule = Schedule.of(self.parameters, learning_rate=rate, rise=0.0)
        return self._trained(network, scaler, values, notes, schedule)

    def transfer(self, fitted: Fitted[Network] | None, sources: Sequence[int | None]) -> Fitted[Network]:
        """Take weights and scale of shared columns along to other columns; `update` then trains on.

        Inner layers keep their sizes. Weights of new columns start fresh, their scale comes from the first update.

        Args:
            fitted: What was learned on the columns so far.
            sources: For each column from now on the number of the column that it was so far, or None for a new one.

        Raises:
            NotFittedError: There is nothing to take along.
            ParameterError: The sources do not fit the columns.
        """
        fitted = need_fitted(fitted, self.name)
        scaler = fitted.scaler.carried(sources)
        network = self.make(len(sources), fitted.network)
        carry_over(fitted.network, network, sources, self.along(network))
        return Fitted.of(network, scaler)

    def _sample(self, data: Dataset) -> tuple[Floats, tuple[str, ...]]:
        return sample(data, self.parameters.max_rows, seed=self.parameters.seed, name=self.name)

    def _trained(
        self, network: Network, scaler: Scaler, values: Floats, notes: tuple[str, ...], schedule: Schedule
    ) -> tuple[Fitted[Network], tuple[str, ...]]:
        rows, validate = scaler.training_rows(values), self.validate and self.validate(network)
        turns, members = self.turns(network), self.parameters.members
        done = train(network, rows, turns, schedule, name=self.name, members=members, validate=validate)
        fitted = Fitted.of(network, scaler)
        if self.finish is not None:
            with torch.inference_mode():
                self.finish(network, some_rows(fitted, values, seed=self.parameters.seed))
        return fitted, notes + done.notes
