"""RNN: windows are anomalous where a recurrent network is surprised by their rows."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from anomalist.deep.layers import check_sizes
from anomalist.deep.rows import UPDATE_RATE, need_fitted, need_scale
from anomalist.deep.train import Schedule, Turn, train
from anomalist.deep.transfer import carry_over, positions
from anomalist.detector import check_deadline, check_parameter
from anomalist.errors import DataError, SchemaMismatchError
from anomalist_plugins.rnn.network import CELLS, MODES, Network

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State

__all__ = ["RNN"]

_DEVIATION = 1.4826  # a normal distribution's standard deviation in medians of its absolute values
_FLOOR = 0.1  # of a column's own scale: a better fit than this makes no residual larger
_BEND = 5.0  # beyond so many deviations a residual counts linearly, so that one row does not stand for its window
_SCALED_ON = 2048  # windows whose residuals give the scale
_BLOCK = 1 << 15  # steps scored at once
_KEPT = 50  # windows that the scale of before counts as in an update: that of a few new ones alone is noise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fitted:
    """A trained network, float64 on the CPU, and the scale of its residuals, shape (steps - 1, networks x columns).

    The scale of a new column is NaN until an update.
    """

    network: Network
    scale: Floats


@dataclass(kw_only=True, eq=False)
class RNN:
    """A recurrent network learns what usually follows; a window's score is the mean surprise of its steps.

    The `forecaster` expects each row from the rows of the window before it (Malhotra et al. 2015, "Long short term
    memory networks for anomaly detection in time series"); the `autoencoder` rebuilds the window from a narrow code
    (Malhotra et al. 2016, "LSTM-based encoder-decoder for multi-sensor anomaly detection"). The forecaster sees what
    is odd from one row to the next, the autoencoder what is odd in a window's shape; `both` takes the mean of the two
    and three times as long. The forecaster has no shortcut by which it could copy the row before: a level that was
    never seen then stays surprising for as long as it lasts.

    Residuals are divided by their median size in training, column by column and with more tolerance for the first steps
    of a window, of which little can be known; they count squared up to five deviations, linearly beyond (Huber 1964).

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
    learning_rate: float = 1e-2
    weight_decay: float = 1e-5
    patience: int = 10
    validation: float = 0.1
    trim: float = 0.05
    device: str = "auto"
    seed: int = 0
    notes: tuple[str, ...] = field(default=(), init=False, repr=False)
    _fitted: _Fitted | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        check_sizes(hidden=self.hidden, layers=self.layers)
        check_parameter(self.cell in CELLS, "cell", self.cell, " or ".join(CELLS))
        check_parameter(self.mode in MODES, "mode", self.mode, " or ".join(MODES))
        check_parameter(0 <= self.dropout < 1, "dropout", self.dropout, "a share from 0 to below 1")
        Schedule.of(self)

    def fit(self, data: Dataset, /) -> Self:
        """Train on windows, values of shape (windows, length, columns).

        Raises:
            DataError: There are no windows, or they are shorter than two steps.
            TrainingError: Training diverged.
        """
        self._learn(self._new_network(data.width), data, self.learning_rate)
        return self

    def update(self, data: Dataset, /) -> Self:
        """Go on training from the fitted weights on other windows, in smaller steps; their residuals move the scale.

        The windows may be longer or shorter than those fitted on: their residuals alone then set the scale, and later
        windows have to be of the new length.

        Raises:
            NotFittedError: There are no weights to go on from.
            SchemaMismatchError: The number of columns is not the one fitted on.
        """
        fitted = need_fitted(self._fitted, "rnn")
        _check_windows(data)
        data.check_width(self._width(fitted))
        scale = fitted.scale if len(fitted.scale) + 1 == data.values.shape[1] else None
        self._learn(copy.deepcopy(fitted.network).float(), data, self.learning_rate * UPDATE_RATE, scale)
        return self

    def transfer(self, sources: Sequence[int | None], /) -> Self:
        """Take weights and scale of shared columns along to other columns; `update` then trains on.

        Weights of new columns start fresh, their scale comes from the first update.

        Raises:
            NotFittedError: There is nothing to take along.
            ParameterError: The sources do not fit the columns.
        """
        fitted = need_fitted(self._fitted, "rnn")
        now, before = positions(sources, self._width(fitted))
        network = self._new_network(len(sources)).double()
        carry_over(fitted.network, network, sources, network.along)
        old = fitted.scale.reshape(len(fitted.scale), len(network.heads), -1)
        scale = np.full((*old.shape[:2], len(sources)), np.nan)
        scale[:, :, now] = old[:, :, before]
        self._fitted = _Fitted(network=network, scale=scale.reshape(len(scale), -1))
        return self

    def score(self, data: Dataset, /) -> Floats:
        """Score windows: the mean over steps and columns of the residuals' size, shape (windows,), never negative.

        Raises:
            NotFittedError: `fit` was not called.
            SchemaMismatchError: The number of columns or of steps is not the one fitted on.
        """
        scores: Floats = self.contributions(data).sum(axis=1)
        return scores

    def contributions(self, data: Dataset, /) -> Floats:
        """Split the score of each window over its columns, shape (windows, columns)."""
        fitted = self._needed(data)
        parts = np.empty((len(data), data.width))
        done = 0
        for residuals in _residuals(fitted.network, data.values):
            size = np.abs(residuals) / fitted.scale
            size = np.where(size < _BEND, size**2, _BEND * (2 * size - _BEND)).mean(axis=1)
            parts[done : done + len(size)] = size.reshape(len(size), -1, data.width).mean(axis=1) / data.width
            done += len(size)
        return parts

    def state(self) -> State:
        """The weights, float32, and the scale of the residuals."""
        fitted = need_fitted(self._fitted, "rnn")
        weights = {f"weight:{name}": value.float().numpy() for name, value in fitted.network.state_dict().items()}
        return {"scale": fitted.scale, **weights}

    def restore(self, state: State, /) -> Self:
        """Take over the weights and the scale that `state` gave."""
        scale = np.asarray(state["scale"])
        network = self._new_network(scale.shape[1] // len(MODES[self.mode]))
        network.load_state_dict({name: torch.tensor(state[f"weight:{name}"]) for name in network.state_dict()})
        self._fitted = _Fitted(network=network.double(), scale=scale)
        return self

    def _new_network(self, width: int) -> Network:
        generator = torch.Generator().manual_seed(self.seed)
        return Network(self.mode, self.cell, width, self.hidden, self.layers, self.dropout, generator)

    def _learn(self, network: Network, data: Dataset, learning_rate: float, before: Floats | None = None) -> None:
        """Train `network` in place, then keep it and scale its residuals, given the scale of before if there is one."""
        _check_windows(data)

        def loss(batch: Tensor, generator: torch.Generator | None) -> Tensor:
            residuals = network(batch.squeeze(0), generator)
            each = functional.smooth_l1_loss(residuals, torch.zeros_like(residuals), reduction="none")
            return each.mean((1, 2)).unsqueeze(0)

        turn = Turn(parameters=list(network.parameters()), loss=loss)
        schedule = Schedule.of(self, learning_rate=learning_rate, last=True)
        training = train(network, torch.tensor(data.values), [turn], schedule, name="rnn")
        network.double()
        some = data.values[:: -(-len(data) // _SCALED_ON)]
        size = np.abs(np.concatenate(list(_residuals(network, some))))
        typical = np.maximum(np.median(size, axis=(0, 1)), np.median(size, axis=0))
        scale = np.maximum(_DEVIATION * typical, _FLOOR)
        if before is not None:
            moved = (len(data) * scale + _KEPT * before) / (len(data) + _KEPT)
            scale = np.where(np.isnan(before), scale, moved)
        self._fitted = _Fitted(network=network, scale=scale)
        self.notes = training.notes

    def _width(self, fitted: _Fitted) -> int:
        """The number of columns fitted on."""
        return int(fitted.scale.shape[1]) // len(MODES[self.mode])

    def _needed(self, data: Dataset) -> _Fitted:
        """What was fitted, if it was and on windows of this shape."""
        fitted = need_fitted(self._fitted, "rnn")
        _check_windows(data)
        data.check_width(self._width(fitted))
        need_scale(fitted.scale)
        steps = len(fitted.scale) + 1
        if data.values.shape[1] != steps:
            raise SchemaMismatchError(f"rnn was fitted on windows of {steps} steps, got {data.values.shape[1]}")
        return fitted


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
            check_deadline()
            yield network(torch.tensor(windows[first : first + size], dtype=torch.float64)).numpy()
