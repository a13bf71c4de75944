"""The network of the autoencoder: all members in one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from anomalist.deep.layers import MLP, add_noise
from anomalist.deep.typical import typical_errors

__all__ = ["Network"]


class Network(nn.Module):
    """Encoder and decoder of all members; the decoder mirrors the encoder.

    The code is bounded, so that the network cannot follow a row out of the range that it has learned.
    """

    def __init__(
        self,
        width: int,
        hidden: tuple[int, ...],
        latent: int,
        *,
        members: int,
        activation: str,
        dropout: float,
        noise: float,
        seed: int,
    ) -> None:
        super().__init__()
        generator, sizes = torch.Generator().manual_seed(seed), (width, *hidden, latent)
        self.encoder = MLP(members, sizes, generator, activation=activation, dropout=dropout)
        self.decoder = MLP(members, sizes[::-1], generator, activation=activation, dropout=dropout)
        self.register_buffer("typical", torch.ones(members, 1, width))
        self.typical: Tensor
        self.hidden, self.latent, self.members, self.noise = hidden, latent, members, noise

    @property
    def sizes(self) -> tuple[tuple[int, ...], int]:
        """Those of the hidden layers and of the code."""
        return self.hidden, self.latent

    @property
    def along(self) -> dict[str, int]:
        """The weights that have a place for each column, and in which dimension."""
        return self.encoder.inputs("encoder") | self.decoder.outputs("decoder") | {"typical": 2}

    def errors(self, rows: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Squared errors of the rebuilt rows, shape (members, rows, columns)."""
        rows = rows.expand(self.members, *rows.shape[-2:])
        code = torch.tanh(self.encoder(add_noise(rows, self.noise, generator), generator))
        rebuilt: Tensor = self.decoder(code, generator)
        return (rebuilt - rows).square()

    def relative(self, rows: Tensor) -> Tensor:
        """Squared errors over those that are typical of each column in training, shape (members, rows, columns)."""
        return self.errors(rows) / self.typical

    def learn_typical(self, rows: Tensor) -> None:
        """Take the errors that are typical of each column from training rows, shape (rows, columns)."""
        self.typical.copy_(typical_errors(self.errors(rows)))

    def loss(self, rows: Tensor, generator: torch.Generator | None) -> Tensor:
        """Mean squared error of each row, shape (members, rows)."""
        return self.errors(rows, generator).mean(2)
