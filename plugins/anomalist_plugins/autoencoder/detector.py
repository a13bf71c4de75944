"""Autoencoder: rows that a narrow network cannot rebuild."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from anomalist.deep.layers import Activation, check_network, check_sizes, default_sizes
from anomalist.deep.recipe import Recipe
from anomalist.deep.rows import Fitted, need_fitted, saved_widths
from anomalist.deep.schedule import Schedule, Turn
from anomalist.detector import check_parameter
from anomalist_plugins.autoencoder.network import Network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State

__all__ = ["Autoencoder"]


@dataclass(kw_only=True, eq=False)
class Autoencoder:
    """Rebuilds each row through a narrow middle; the score is the mean over the columns of the squared error.

    Each column's error is divided by what is typical of it: one that cannot be foretold does not drown out the others.
    A network that sees anomalies in training learns to rebuild them too. Three things prevent that: the worst share of
    each batch is left out of the gradient (`trim`), the input is noisy while the target is not (`noise`, Vincent et al.
    2008), and training is short and stops early. Columns are brought to one spread and bounded, so that neither a unit
    nor one gross value rules the score. Several members, each with its own weights and order of rows, are trained as
    one batched network, and their errors are averaged (Chen et al. 2017).

    It is blind to anomalies that lie on the surface of normal rows: those are for neighbour methods.

    Attributes:
        hidden: Sizes of the encoder's hidden layers, mirrored in the decoder; None: two, 64 to 128 and half of it.
        latent: Size of the narrow middle; None: the root of the number of columns, at most 32.
        activation: Of the hidden layers.
        dropout: Share of hidden units dropped while training.
        noise: Standard deviation of the noise on the input while training, in spreads of a column.
        trim: Share of each batch, the worst rebuilt rows, that the network does not learn from; it rises over the first
            epochs, so that clusters of normal rows can be learned first.
        epochs: At most so many passes.
        batch_size: Rows a step.
        learning_rate: Largest step of Adam, for batches of 256 rows.
        weight_decay: Decoupled weight decay.
        patience: Epochs without improvement on held-out rows before it stops.
        validation: Share of rows held out.
        members: Networks trained together.
        max_steps: The budget of steps.
        max_rows: Rows kept for training; more are sampled down, and `notes` says so.
        device: `auto`, `cpu`, `cuda`, ...; scoring is always on the CPU in float64.
        seed: Same seed, same machine, same numbers.
        notes: What the last fit or update wants said.

    >>> import numpy as np
    >>> from anomalist.data.dataset import Dataset
    >>> line = np.linspace(-1, 1, 200)
    >>> rows = np.column_stack([line, line, -line])
    >>> rows[7] = [0.9, -0.9, 0.9]
    >>> data = Dataset.from_array(rows)
    >>> detector = Autoencoder(latent=1).fit(data)
    >>> int(detector.score(data).argmax())
    7
    """

    hidden: tuple[int, ...] | None = None
    latent: int | None = None
    activation: Activation = "relu"
    dropout: float = 0.0
    noise: float = 0.3
    trim: float = 0.25
    epochs: int = 60
    batch_size: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 1e-5
    patience: int = 10
    validation: float = 0.1
    members: int = 2
    max_steps: int = 300
    max_rows: int = 100_000
    device: str = "auto"
    seed: int = 0
    notes: tuple[str, ...] = field(default=(), init=False, repr=False)
    _fitted: Fitted[Network] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        check_sizes(hidden=self.hidden, latent=self.latent, members=self.members, max_rows=self.max_rows)
        check_network(activation=self.activation, dropout=self.dropout)
        check_parameter(0 <= self.noise < math.inf, "noise", self.noise, "a number of at least 0")
        Schedule.of(self)

    def fit(self, data: Dataset, /) -> Self:
        """Train on rows of shape (rows, columns).

        Raises:
            TrainingError: Training diverged.
            DataError: There are no rows.
        """
        self._fitted, self.notes = self._recipe().fit(data)
        return self

    def update(self, data: Dataset, /) -> Self:
        """Go on from the fitted weights on new rows, in smaller steps; see `Recipe.update`."""
        self._fitted, self.notes = self._recipe().update(self._fitted, data)
        return self

    def transfer(self, sources: Sequence[int | None], /) -> Self:
        """Take weights and scale of shared columns along to other columns; see `Recipe.transfer`."""
        self._fitted = self._recipe().transfer(self._fitted, sources)
        return self

    def score(self, data: Dataset, /) -> Floats:
        """Mean squared error over the columns, each 1 where it is typical, mean over the members; shape (rows,)."""
        fitted = need_fitted(self._fitted, "autoencoder")
        return fitted.over(data, lambda rows: fitted.network.relative(rows).mean((0, 2)))

    def contributions(self, data: Dataset, /) -> Floats:
        """Each column's part of the score, shape (rows, columns); the parts of a row add up to its score."""
        fitted = need_fitted(self._fitted, "autoencoder")
        return fitted.over(data, lambda rows: fitted.network.relative(rows).mean(0) / rows.shape[1])

    def state(self) -> State:
        """Return the weights and the scale of the columns."""
        return need_fitted(self._fitted, "autoencoder").state()

    def restore(self, state: State, /) -> Self:
        """Take up the weights of a detector with the same parameters."""
        width, *hidden, last = saved_widths(state, "encoder")
        network = self._network(width, learned=(tuple(hidden), last))
        self._fitted = Fitted.from_state(state, network)
        return self

    def _recipe(self) -> Recipe[Network]:
        return Recipe(
            name="autoencoder",
            parameters=self,
            make=lambda width, other: self._network(width, other.sizes if other else None),
            turns=lambda network: [Turn(parameters=list(network.parameters()), loss=network.loss)],
            finish=lambda network, rows: network.learn_typical(rows),
            along=lambda network: network.along,
        )

    def _network(self, width: int, learned: tuple[tuple[int, ...], int] | None = None) -> Network:
        """Make the network for a number of columns, with fresh weights; `learned` sizes stand where none are set."""
        hidden, latent = learned or default_sizes(width)
        return Network(
            width,
            hidden if self.hidden is None else tuple(self.hidden),
            self.latent or latent,
            members=self.members,
            activation=self.activation,
            dropout=self.dropout,
            noise=self.noise,
            seed=self.seed,
        )
