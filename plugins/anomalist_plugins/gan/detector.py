"""Bidirectional GAN: rows that a generator cannot make look like themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from anomalist.deep.layers import Activation, check_network, check_sizes, default_sizes
from anomalist.deep.recipe import Recipe
from anomalist.deep.rows import Fitted, need_fitted, saved_widths
from anomalist.deep.schedule import Schedule, Turn
from anomalist.detector import check_parameter
from anomalist_plugins.gan.network import Network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from anomalist.data.dataset import Dataset
    from anomalist.detector import Floats, State

__all__ = ["GAN"]

_BETAS = (0.5, 0.99)  # less momentum than usual: each side's loss moves with the other side


@dataclass(kw_only=True, eq=False)
class GAN:
    """Encoder, generator and discriminator trained against each other; the score is how badly a row is remade.

    A generator makes rows from codes, an encoder makes codes from rows, and a discriminator tells real pairs of row and
    code from generated ones (BiGAN: Donahue et al. 2017; for anomalies: Zenati et al. 2018, "Adversarially learned
    anomaly detection"). Training also rebuilds the rows, which keeps it stable. The score mixes two distances between
    a row and its rebuilt self: the squared error over the columns, and the distance in the discriminator's last hidden
    layer. Each is divided by what is typical in training, so that both count. The discriminator's own verdict is not
    used: it is worse than chance on real tables. Nothing is drawn or dropped at scoring.

    Attributes:
        hidden: Sizes of the hidden layers of all three networks; None: two, 64 to 128 and half of it.
        latent: Size of the code; None: the root of the number of columns, at most 32.
        activation: Of the encoder's and the generator's hidden layers.
        dropout: Share of the discriminator's hidden units dropped while training.
        noise: Standard deviation of the noise on what the discriminator sees while training, in spreads of a column.
        rebuild: Weight of the squared error beside the adversarial loss.
        mix: Weight in the score of the distance in the discriminator's eyes, 0 to 1; the squared error has the rest.
        trim: Share of each batch, the worst rows, that the networks do not learn from.
        epochs: At most so many passes.
        batch_size: Rows a step.
        learning_rate: Largest step of Adam, for batches of 256 rows.
        discriminator_rate: Multiplies the discriminator's learning rate.
        weight_decay: Decoupled weight decay.
        patience: Epochs without better rebuilt held-out rows before it stops.
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
    >>> detector = GAN(latent=1).fit(data)
    >>> int(detector.score(data).argmax())
    7
    """

    hidden: tuple[int, ...] | None = None
    latent: int | None = None
    activation: Activation = "relu"
    dropout: float = 0.1
    noise: float = 0.1
    rebuild: float = 10.0
    mix: float = 0.3
    trim: float = 0.25
    epochs: int = 60
    batch_size: int = 256
    learning_rate: float = 2e-3
    discriminator_rate: float = 1.0
    weight_decay: float = 1e-5
    patience: int = 10
    validation: float = 0.1
    members: int = 2
    max_steps: int = 200
    max_rows: int = 100_000
    device: str = "auto"
    seed: int = 0
    notes: tuple[str, ...] = field(default=(), init=False, repr=False)
    _fitted: Fitted[Network] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        check_sizes(hidden=self.hidden, latent=self.latent, members=self.members, max_rows=self.max_rows)
        check_network(activation=self.activation, dropout=self.dropout)
        for name in ("noise", "rebuild"):
            value = getattr(self, name)
            check_parameter(0 <= value < math.inf, name, value, "a number of at least 0")
        check_parameter(0 <= self.mix <= 1, "mix", self.mix, "a share from 0 to 1")
        rate = self.discriminator_rate
        check_parameter(0 < rate < math.inf, "discriminator_rate", rate, "a number above 0")
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
        """Weighted mean of both distances, each 1 for a typical row of training; shape (rows,)."""
        network = need_fitted(self._fitted, "gan").network

        def mixed(rows: Tensor) -> Tensor:
            errors, distance = network.relative(rows)
            return ((1 - self.mix) * errors.mean(2) + self.mix * distance).mean(0)

        return need_fitted(self._fitted, "gan").over(data, mixed)

    def contributions(self, data: Dataset, /) -> Floats:
        """Each column's part of the score's squared error, shape (rows, columns).

        What the discriminator sees belongs to the row as a whole and is in no column's part, so with a `mix` of 1 the
        squared errors are a hint of where to look, not a part of the score.
        """
        network = need_fitted(self._fitted, "gan").network
        share = 1 - self.mix if self.mix < 1 else 1.0
        return need_fitted(self._fitted, "gan").over(
            data, lambda rows: share * network.relative(rows)[0].mean(0) / rows.shape[1]
        )

    def state(self) -> State:
        """Return the weights, the scale of the columns and what is typical."""
        return need_fitted(self._fitted, "gan").state()

    def restore(self, state: State, /) -> Self:
        """Take up the weights of a detector with the same parameters."""
        width, *hidden, last = saved_widths(state, "encoder")
        network = self._network(width, learned=(tuple(hidden), last))
        self._fitted = Fitted.from_state(state, network)
        return self

    def _recipe(self) -> Recipe[Network]:
        return Recipe(
            name="gan",
            parameters=self,
            make=lambda width, other: self._network(width, other.sizes if other else None),
            turns=self._turns,
            validate=lambda network: network.rebuild_loss,
            finish=lambda network, rows: network.learn_typical(rows),
            along=lambda network: network.along,
            rise=0.0,  # the discriminator brings clusters back by itself; a slow start lets it learn those of anomalies
        )

    def _network(self, width: int, learned: tuple[tuple[int, ...], int] | None = None) -> Network:
        """Make the networks for a number of columns, with fresh weights; `learned` sizes stand where none are set."""
        hidden, latent = learned or default_sizes(width)
        return Network(
            width,
            hidden if self.hidden is None else tuple(self.hidden),
            self.latent or latent,
            members=self.members,
            activation=self.activation,
            dropout=self.dropout,
            noise=self.noise,
            rebuild=self.rebuild,
            seed=self.seed,
        )

    def _turns(self, network: Network) -> list[Turn]:
        judge = list(network.discriminator.parameters())
        make = [*network.encoder.parameters(), *network.generator.parameters()]
        return [
            Turn(parameters=judge, loss=network.discriminator_loss, rate=self.discriminator_rate, betas=_BETAS),
            Turn(parameters=make, loss=network.generator_loss, betas=_BETAS),
        ]
