"""The networks of the adversarial detector: encoder, generator and discriminator, all members in one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from anomalist.deep.layers import MLP, add_noise
from anomalist.deep.typical import typical_distance, typical_errors

__all__ = ["Network"]

_CODE_BOUND = 3.0  # codes are drawn from a standard normal


class Network(nn.Module):
    """A bidirectional GAN: the discriminator sees pairs of a row and its code, real or generated.

    Discriminator and generator each minimise the logistic loss. The encoder and the generator also rebuild the rows,
    which keeps the two inverse to each other; without it they drift (Zenati et al. 2018).
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
        rebuild: float,
        seed: int,
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.encoder = MLP(members, (width, *hidden, latent), generator, activation=activation)
        self.generator = MLP(members, (latent, *hidden[::-1], width), generator, activation=activation)
        self.discriminator = MLP(
            members, (width + latent, *hidden, 1), generator, activation="leaky_relu", dropout=dropout
        )
        self.register_buffer("typical", torch.ones(members, 1, width))
        self.typical: Tensor
        self.register_buffer("distant", torch.ones(members, 1))
        self.distant: Tensor
        self.hidden, self.latent, self.members, self.noise, self.rebuild = hidden, latent, members, noise, rebuild

    @property
    def sizes(self) -> tuple[tuple[int, ...], int]:
        """Those of the hidden layers and of the code."""
        return self.hidden, self.latent

    @property
    def along(self) -> dict[str, int]:
        """The weights that have a place for each column, and in which dimension; some go on with the code."""
        makers = self.encoder.inputs("encoder") | self.generator.outputs("generator") | {"typical": 2}
        return makers | self.discriminator.inputs("discriminator")

    def discriminator_loss(self, rows: Tensor, generator: torch.Generator | None) -> Tensor:
        """Logistic loss of telling real pairs from generated ones, shape (members, rows)."""
        with torch.no_grad():
            code, made, drawn = self._pairs(rows, generator)
        real = self._judge(add_noise(rows, self.noise, generator), code, generator)
        fake = self._judge(add_noise(made, self.noise, generator), drawn, generator)
        return softplus(-real) + softplus(fake).mean(1, keepdim=True)

    def generator_loss(self, rows: Tensor, generator: torch.Generator | None) -> Tensor:
        """Logistic loss of passing for the other kind, plus the weighted squared error; shape (members, rows)."""
        code, made, drawn = self._pairs(rows, generator)
        fooled = softplus(self._judge(rows, code, generator))
        passed = softplus(-self._judge(made, drawn, generator)).mean(1, keepdim=True)
        errors: Tensor = (self.generator(code) - rows).square().mean(2)
        return fooled + passed + self.rebuild * errors

    def rebuild_loss(self, rows: Tensor, _generator: torch.Generator | None) -> Tensor:
        """Mean squared error of the rebuilt rows, shape (members, rows)."""
        return self.errors(rows).mean(2)

    def errors(self, rows: Tensor) -> Tensor:
        """Squared errors of the rebuilt rows, shape (members, rows, columns)."""
        rows = rows.expand(self.members, *rows.shape[-2:])
        rebuilt: Tensor = self.generator(self._code(rows))
        return (rebuilt - rows).square()

    def terms(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Squared errors, shape (members, rows, columns), and distance in the discriminator's eyes, (members, rows)."""
        rows = rows.expand(self.members, *rows.shape[-2:])
        code = self._code(rows)
        rebuilt = self.generator(code)
        seen = self.discriminator.hidden(torch.cat([rows, code], 2))
        expected = self.discriminator.hidden(torch.cat([rebuilt, code], 2))
        return (rebuilt - rows).square(), (seen - expected).square().mean(2)

    def learn_typical(self, rows: Tensor) -> None:
        """Take both distances that are typical from training rows, shape (rows, columns)."""
        errors, distance = self.terms(rows)
        self.typical.copy_(typical_errors(errors))
        self.distant.copy_(typical_distance(distance))

    def relative(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Both distances of `terms`, divided by what is typical in training."""
        errors, distance = self.terms(rows)
        return errors / self.typical, distance / self.distant

    def _code(self, rows: Tensor) -> Tensor:
        """The codes of rows, bounded: a row far out must not find a code that generation was never trained on."""
        return _CODE_BOUND * torch.tanh(self.encoder(rows) / _CODE_BOUND)

    def _pairs(self, rows: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor, Tensor]:
        """The codes of rows, and rows made from drawn codes."""
        shape = (*rows.shape[:2], self.latent)
        drawn = torch.randn(shape, generator=generator, device=rows.device, dtype=rows.dtype)
        return self._code(rows), self.generator(drawn), drawn

    def _judge(self, rows: Tensor, code: Tensor, generator: torch.Generator | None) -> Tensor:
        """The discriminator's log-odds that a pair is a real row with its code, shape (members, rows)."""
        odds: Tensor = self.discriminator(torch.cat([rows, code], 2), generator)
        return odds.squeeze(2)
