"""Variational autoencoder: rows that are improbable under a latent variable model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from anomalist.deep.layers import Activation, check_network, check_sizes, default_sizes
from anomalist.deep.recipe import Recipe
from anomalist.deep.rows import Fitted, need_fitted, saved_widths
from anomalist.deep.schedule import Schedule, Turn
from anomalist.detector import check_parameter
from anomalist_plugins.vae.network import Network, fixed_draws

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State

__all__ = ["VAE"]


@dataclass(kw_only=True, eq=False)
class VAE:
    """Learns a distribution over codes and over rows given a code; the score is minus the evidence lower bound.

    The score has two parts: how improbable the row is around what its code rebuilds, expected over the code (An & Cho
    2015), and how far the code is from where codes usually are (Kingma & Welling 2014). The expectation uses a fixed
    set of draws, so that scoring twice gives the same numbers. The variance around the rebuilt row is learned for
    each column, which keeps the KL term alive: the code is used, and the prior counts. The score takes it anew from
    the median error of the training rows, which anomalies among them do not widen.

    Like any density model it is blind to anomalies that are probable under the bulk's shape.

    Attributes:
        hidden: Sizes of the encoder's hidden layers, mirrored in the decoder; None: two, 64 to 128 and half of it.
        latent: Size of the code; None: the root of the number of columns, at most 32.
        activation: Of the hidden layers.
        dropout: Share of hidden units dropped while training.
        beta: Weight of the KL term in training and in the score; 1 is the evidence lower bound.
        floor: Smallest variance of a column around its rebuilt value in training, in squared spreads of the column.
        draws: Codes drawn for each row at scoring; the same for every row.
        trim: Share of each batch, the least probable rows, that the network does not learn from; it rises over the
            first epochs, so that clusters of normal rows can be learned first.
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
    >>> detector = VAE(latent=1).fit(data)
    >>> int(detector.score(data).argmax())
    7
    """

    hidden: tuple[int, ...] | None = None
    latent: int | None = None
    activation: Activation = "relu"
    dropout: float = 0.0
    beta: float = 1.0
    floor: float = 0.05
    draws: int = 4
    trim: float = 0.25
    epochs: int = 60
    batch_size: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 1e-5
    patience: int = 10
    validation: float = 0.1
    members: int = 2
    max_steps: int = 400
    max_rows: int = 100_000
    device: str = "auto"
    seed: int = 0
    notes: tuple[str, ...] = field(default=(), init=False, repr=False)
    _fitted: Fitted[Network] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        check_sizes(
            hidden=self.hidden, latent=self.latent, members=self.members, max_rows=self.max_rows, draws=self.draws
        )
        check_network(activation=self.activation, dropout=self.dropout)
        check_parameter(0 <= self.beta <= 100, "beta", self.beta, "a number from 0 to 100")
        check_parameter(1e-6 <= self.floor <= 1, "floor", self.floor, "a number from 1e-6 to 1")
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
        """Expected negative log-likelihood less its constant, plus KL divergence, in nats; shape (rows,)."""
        fitted = need_fitted(self._fitted, "vae")
        draws = self._draws(fitted.network)

        def total(rows: Tensor) -> Tensor:
            rebuilding, divergence = fitted.network.terms(rows, draws)
            return rebuilding.sum(1) + self.beta * divergence

        return fitted.over(data, total)

    def contributions(self, data: Dataset, /) -> Floats:
        """Each column's part of the expected negative log-likelihood, in nats, shape (rows, columns).

        The KL divergence belongs to the row as a whole and is in no column's part.
        """
        fitted = need_fitted(self._fitted, "vae")
        draws = self._draws(fitted.network)
        return fitted.over(data, lambda rows: fitted.network.terms(rows, draws)[0])

    def state(self) -> State:
        """Return the weights and the scale of the columns."""
        return need_fitted(self._fitted, "vae").state()

    def restore(self, state: State, /) -> Self:
        """Take up the weights of a detector with the same parameters."""
        width, *hidden, last = saved_widths(state, "encoder")
        network = self._network(width, learned=(tuple(hidden), last // 2))
        self._fitted = Fitted.from_state(state, network)
        return self

    def _draws(self, network: Network) -> Tensor:
        return fixed_draws(self.draws, network.latent, self.seed)

    def _recipe(self) -> Recipe[Network]:
        return Recipe(
            name="vae",
            parameters=self,
            make=lambda width, other: self._network(width, other.sizes if other else None),
            turns=lambda network: [Turn(parameters=list(network.parameters()), loss=network.loss)],
            finish=lambda network, rows: network.learn_typical(rows, self._draws(network)),
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
            beta=self.beta,
            floor=self.floor,
            seed=self.seed,
        )
