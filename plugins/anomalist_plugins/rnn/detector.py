"""RNN: windows are anomalous where a recurrent network is surprised by their rows."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import torch
from torch import Tensor

from anomalist.deep.train import Schedule, Turn, train
from anomalist.detector import check_parameter
from anomalist.errors import DataError, NotFittedError
from anomalist_plugins.rnn.network import CELLS, MODES, Network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State

__all__ = ["RNN"]

_FLOOR = 0.1  # of a column's own scale: a better fit than this makes no residual larger
_BEND = 3.0  # beyond so many deviations a residual counts linearly, so that one row does not stand for its window
_SCALED_ON = 2048  # windows whose residuals give the scale
_BLOCK = 1 << 15  # steps scored at once


@dataclass(eq=False)
class RNN:
    """A recurrent network learns what usually follows; a window's score is the mean surprise of its steps.

    The `forecaster` expects each row from the rows of the window before it (Malhotra et al. 2015, "Long short term
    memory networks for anomaly detection in time series"); the `autoencoder` rebuilds the window from a narrow code
    (Malhotra et al. 2016, "LSTM-based encoder-decoder for multi-sensor anomaly detection"). The forecaster sees what
    is odd from one row to the next, the autoencoder what is odd in a window's shape; `both` takes the mean of the two
    and three times as long. The forecaster has no shortcut by which it could copy the row before: a level that was
    never seen then stays surprising for as long as it lasts.

    Residuals are divided by their median size in training, column by column, and enter squared up to three deviations
    and linearly beyond (Huber 1964).

    Limits: what makes a window normal must be in the window. Values should be normalised, as `Windower` does. A single
    odd row of a calm series is found more sharply by detectors of rows.

    Attributes:
        hidden: Numbers that each recurrent layer remembers.
        layers: Recurrent layers, one above the other.
        cell: The kind of recurrent layer; on a CPU torch trains `lstm` two to four times faster than `gru`.
        mode: What the network learns.
        dropout: Share of a layer's output that is dropped while training.
        epochs: Passes over the windows, at most.
        max_steps: Training steps, at most: the budget, however many windows there are.
        batch_size: Windows a step.
        learning_rate: The largest step of Adam for batches of 256 windows; scaled by the root of the batch's size.
        weight_decay: Decoupled weight decay.
        patience: Epochs without improvement on the held-out windows before training stops.
        validation: Share of the windows, the last ones, that are held out to decide when to stop; 0 for none.
        trim: Share of each batch, the windows it fits worst, that it does not learn from, against contamination.
        device: `auto`, `cpu`, `cuda` or any name that torch knows; for training, scores always come from the CPU.
        seed: Of initial weights, batches and dropout.
    """

    hidden: int = 32
    layers: int = 1
    cell: Literal["lstm", "gru"] = "lstm"
    mode: Literal["forecaster", "autoencoder", "both"] = "forecaster"
    dropout: float = 0.0
    epochs: int = 100
    max_steps: int = 150
    batch_size: int = 64
    learning_rate: float = 5e-3
    weight_decay: float = 1e-5
    patience: int = 10
    validation: float = 0.1
    trim: float = 0.05
    device: str = "auto"
    seed: int = 0
    notes: tuple[str, ...] = field(default=(), init=False, repr=False)
    _network: Network | None = field(default=None, init=False, repr=False)
    _scale: Floats | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse parameters out of their range."""
        for name in ("hidden", "layers"):
            value = getattr(self, name)
            check_parameter(isinstance(value, int) and value >= 1, name, value, "a whole number of at least 1")
        check_parameter(self.cell in CELLS, "cell", self.cell, " or ".join(CELLS))
        check_parameter(self.mode in MODES, "mode", self.mode, " or ".join(MODES))
        check_parameter(0 <= self.dropout < 1, "dropout", self.dropout, "a share of at least 0 and below 1")
        self._schedule()

    def fit(self, data: Dataset, /) -> Self:
        """Train on windows, values of shape (windows, length, columns).

        Raises:
            DataError: There are no windows, or they are shorter than two steps.
            TrainingError: Training diverged.
        """
        self._learn(self._new_network(data.width), data)
        return self

    def update(self, data: Dataset, /) -> Self:
        """Go on training from the fitted weights on other windows; the residuals are scaled anew on these.

        Raises:
            NotFittedError: There are no weights to go on from.
            SchemaMismatchError: The number of columns is not the one fitted on.
        """
        network, _ = self._fitted(data)
        self._learn(copy.deepcopy(network).float(), data)
        return self

    def score(self, data: Dataset, /) -> Floats:
        """Score windows: the mean over steps and columns of the residuals' size, shape (windows,), never negative.

        Raises:
            NotFittedError: `fit` was not called.
            SchemaMismatchError: The number of columns is not the one fitted on.
        """
        scores: Floats = self.contributions(data).sum(axis=1)
        return scores

    def contributions(self, data: Dataset, /) -> Floats:
        """Split the score of each window over its columns, shape (windows, columns)."""
        network, scale = self._fitted(data)
        _check_windows(data)
        parts = np.empty((len(data), data.width))
        done = 0
        for residuals in _residuals(network, data.values):
            size = np.abs(residuals) / scale
            size = np.where(size < _BEND, size**2, _BEND * (2 * size - _BEND)).mean(axis=1)
            parts[done : done + len(size)] = size.reshape(len(size), -1, data.width).mean(axis=1) / data.width
            done += len(size)
        return parts

    def state(self) -> State:
        """The weights, float32, and the scale of the residuals."""
        if self._network is None or self._scale is None:
            raise _not_fitted()
        weights = {f"network.{name}": value.float().numpy() for name, value in self._network.state_dict().items()}
        return {"scale": self._scale, **weights}

    def restore(self, state: State, /) -> Self:
        """Take over the weights and the scale that `state` gave."""
        scale = np.asarray(state["scale"])
        network = self._new_network(len(scale) // len(MODES[self.mode]))
        network.load_state_dict({name: torch.tensor(state[f"network.{name}"]) for name in network.state_dict()})
        self._network, self._scale = network.double(), scale
        return self

    def _schedule(self) -> Schedule:
        return Schedule(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            patience=self.patience,
            validation=self.validation,
            last=True,
            trim=self.trim,
            max_steps=self.max_steps,
            device=self.device,
            seed=self.seed,
        )

    def _new_network(self, width: int) -> Network:
        generator = torch.Generator().manual_seed(self.seed)
        return Network(self.mode, self.cell, width, self.hidden, self.layers, self.dropout, generator)

    def _learn(self, network: Network, data: Dataset) -> None:
        """Train `network` in place, then keep it and scale its residuals."""
        _check_windows(data)

        def loss(batch: Tensor, generator: torch.Generator | None) -> Tensor:
            residuals = network(batch.squeeze(0), generator)
            return (
                torch.nn.functional.smooth_l1_loss(residuals, torch.zeros_like(residuals), reduction="none")
                .mean((1, 2))
                .unsqueeze(0)
            )

        turn = Turn(parameters=list(network.parameters()), loss=loss)
        training = train(network, torch.tensor(data.values), [turn], self._schedule(), name="rnn")
        network.double()
        some = data.values[:: -(-len(data) // _SCALED_ON)]
        size = np.abs(np.concatenate(list(_residuals(network, some))))
        self._scale = np.maximum(1.4826 * np.median(size, axis=(0, 1)), _FLOOR)
        self._network, self.notes = network, training.notes

    def _fitted(self, data: Dataset) -> tuple[Network, Floats]:
        if self._network is None or self._scale is None:
            raise _not_fitted()
        data.check_width(len(self._scale) // len(MODES[self.mode]))
        return self._network, self._scale


def _not_fitted() -> NotFittedError:
    return NotFittedError("rnn is not fitted yet: call fit first")


def _check_windows(data: Dataset) -> None:
    if data.values.ndim != 3 or data.values.shape[1] < 2:
        raise DataError(
            "rnn needs windows of at least 2 steps, values of shape (windows, length, columns), "
            f"got {data.values.shape}"
        )


def _residuals(network: Network, windows: Floats) -> Iterator[Floats]:
    """The residuals of windows in blocks, float64, each of shape (block, steps - 1, networks x columns)."""
    size = max(1, _BLOCK // windows.shape[1])
    with torch.inference_mode():
        for first in range(0, len(windows), size):
            yield network(torch.tensor(windows[first : first + size], dtype=torch.float64)).numpy()
