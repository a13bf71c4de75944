"""A network that guesses each column from the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor, nn

from anomalist.deep.layers import MLP, check_sizes
from anomalist.deep.rows import Fitted, Scaler, need_fitted, sample, saved_widths
from anomalist.deep.train import Schedule, Turn, train
from anomalist.detector import check_deadline, check_parameter

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State


class Guesser(nn.Module):
    """Guesses hidden columns: sees a row with zeros where columns are hidden, and which these are."""

    def __init__(self, widths: tuple[int, ...], *, members: int, share: float, seed: int) -> None:
        super().__init__()
        self.guess = MLP(members, widths, torch.Generator().manual_seed(seed))
        self.members, self.width, self.share = members, widths[-1], share

    def errors(self, rows: Tensor, hidden: Tensor) -> Tensor:
        """Squared errors of the hidden columns, 0 for the others; all of shape (members, rows, columns)."""
        guessed: Tensor = self.guess(torch.cat([rows * (1.0 - hidden), hidden], dim=2))
        return (guessed - rows).square() * hidden

    def loss(self, rows: Tensor, generator: torch.Generator | None) -> Tensor:
        """Mean squared error of the hidden columns of each row, shape (members, rows); at least one is hidden."""
        hidden = torch.zeros_like(rows)
        if generator is None:  # of held-out rows, one column each in turn
            turn = torch.arange(rows.shape[1], device=rows.device) % self.width
            hidden[:, torch.arange(rows.shape[1], device=rows.device), turn] = 1.0
        else:
            hidden.bernoulli_(self.share, generator=generator)
            one = torch.randint(self.width, (*rows.shape[:2], 1), generator=generator, device=rows.device)
            hidden.scatter_(2, one, 1.0)
        return self.errors(rows, hidden).sum(2) / hidden.sum(2)

    def surprise(self, rows: Tensor) -> Tensor:
        """Squared error of each column guessed from all others, shape (rows, columns), mean over the members."""
        rows = rows.expand(self.members, *rows.shape)
        columns = []
        for column in range(self.width):
            check_deadline()
            hidden = torch.zeros_like(rows)
            hidden[:, :, column] = 1.0
            columns.append(self.errors(rows, hidden)[:, :, column].mean(0))
        return torch.stack(columns, dim=1)


@dataclass(kw_only=True, eq=False)
class Masked:
    """Scores a row by how far its columns are from what a network guesses of them, each from all others.

    While training, a share of the columns of each row is hidden and has to be guessed from the rest, as words are in
    masked language models (Devlin et al. 2019); here for columns of a table. It sees broken relations and names the
    column. A column that no other tells anything about is compared with its mean, and a row that is odd in all columns
    at once, each in line with the others, is missed. Scoring takes one pass for each column.

    Attributes:
        hidden: Sizes of the hidden layers.
        share: Share of columns that is hidden while training.
        members: Networks trained side by side.
        epochs: At most so many passes.
        batch_size: Rows a step.
        learning_rate: Largest step.
        patience: Epochs without improvement on held-out rows before training stops.
        max_steps: The budget of steps.
        max_rows: Rows kept for training; more are sampled down, and `notes` says so.
        device: `auto`, `cpu`, `cuda`, ...; scoring is always on the CPU.
        seed: Same seed, same machine, same numbers.
        notes: What the last fit wants said.
    """

    hidden: tuple[int, ...] = (64, 64)
    share: float = 0.3
    members: int = 2
    epochs: int = 60
    batch_size: int = 256
    learning_rate: float = 3e-3
    patience: int = 10
    max_steps: int = 300
    max_rows: int = 100_000
    device: str = "auto"
    seed: int = 0

    notes: tuple[str, ...] = field(default=(), init=False, repr=False)
    _fitted: Fitted[Guesser] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        check_sizes(hidden=self.hidden, members=self.members, max_rows=self.max_rows)
        check_parameter(0 <= self.share < 1, "share", self.share, "a share from 0 to below 1")
        Schedule.of(self)

    def fit(self, data: Dataset, /) -> Self:
        """Train on rows of shape (rows, columns); errors are those of `anomalist.deep.train`."""
        values, notes = sample(data, self.max_rows, seed=self.seed, name="masked")
        scaler, network = Scaler.fit(values), self._network((2 * data.width, *self.hidden, data.width))
        turn = Turn(parameters=list(network.parameters()), loss=network.loss)
        rows = scaler.training_rows(values)
        done = train(network, rows, [turn], Schedule.of(self), name="masked", members=self.members)
        self.notes = notes + done.notes
        self._fitted = Fitted.of(network, scaler)
        return self

    def score(self, data: Dataset, /) -> Floats:
        """Return the mean squared error of the guesses, in squared spreads of the columns, shape (rows,)."""
        fitted = need_fitted(self._fitted, "masked")
        return fitted.over(data, lambda rows: fitted.network.surprise(rows).mean(1))

    def contributions(self, data: Dataset, /) -> Floats:
        """Return each column's part of the score, shape (rows, columns); those of a row add up to it."""
        fitted = need_fitted(self._fitted, "masked")
        return fitted.over(data, lambda rows: fitted.network.surprise(rows) / rows.shape[1])

    def state(self) -> State:
        """Return the weights and the scale of the columns."""
        return need_fitted(self._fitted, "masked").state()

    def restore(self, state: State, /) -> Self:
        """Take up the weights of a detector with the same parameters."""
        self._fitted = Fitted.from_state(state, self._network(saved_widths(state, "guess")))
        return self

    def _network(self, widths: tuple[int, ...]) -> Guesser:
        return Guesser(widths, members=self.members, share=self.share, seed=self.seed)
