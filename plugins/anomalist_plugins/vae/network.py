"""The network of the variational autoencoder: all members in one."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from anomalist.deep.layers import MLP
from anomalist.deep.typical import typical_errors

__all__ = ["Network", "fixed_draws"]

_LOG_RANGE = 6.0  # the logarithms of the variances stay between -6 and 6


class Network(nn.Module):
    """Encoder to a Gaussian over codes; decoder to a mean for each column; one learned variance for each column.

    The learned variance weighs rebuilding against the KL term by itself (Rybkin et al. 2021), which keeps the code in
    use without a weight to tune; its floor keeps a column that never varies from ruling the likelihood.
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
        beta: float,
        floor: float,
        seed: int,
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.encoder = MLP(members, (width, *hidden, 2 * latent), generator, activation=activation, dropout=dropout)
        self.decoder = MLP(members, (latent, *hidden[::-1], width), generator, activation=activation, dropout=dropout)
        self.log_variance = nn.Parameter(torch.zeros(members, 1, width))
        self.register_buffer("typical", torch.ones(members, 1, width))
        self.typical: Tensor
        self.hidden, self.latent, self.members, self.beta, self.floor = hidden, latent, members, beta, floor

    @property
    def sizes(self) -> tuple[tuple[int, ...], int]:
        """Those of the hidden layers and of the code."""
        return self.hidden, self.latent

    @property
    def along(self) -> dict[str, int]:
        """The weights that have a place for each column, and in which dimension."""
        return self.encoder.inputs("encoder") | self.decoder.outputs("decoder") | {"log_variance": 2, "typical": 2}

    def loss(self, rows: Tensor, generator: torch.Generator | None) -> Tensor:
        """Negative evidence lower bound by one draw, over the number of columns; shape (members, rows).

        Without a generator the code's mean stands for the draw.
        """
        mean, log_variance = self._encode(rows, generator)
        code = mean
        if generator is not None:
            draw = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
            code = mean + draw * (0.5 * log_variance).exp()
        surprise = self._surprise(rows, code, generator) + 0.5 * self._variance().log()
        bound: Tensor = (surprise.sum(2) + self.beta * _divergence(mean, log_variance)) / rows.shape[2]
        return bound

    def terms(self, rows: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        """Return the two parts of the score: rebuilding by column and divergence of the code.

        Args:
            rows: Shape (rows, columns).
            draws: Standard normal, shape (draws, latent); the same for every row.

        Returns:
            The expected negative log-likelihood of each column less its constant, shape (rows, columns), and the KL
            divergence, shape (rows,); means over members.
        """
        mean, log_variance = self._encode(rows, None)
        rebuilding = self._expected(rows, mean, log_variance, draws).div_(2 * self.typical)
        return rebuilding.mean(0), _divergence(mean, log_variance).mean(0)

    def errors(self, rows: Tensor, draws: Tensor) -> Tensor:
        """Squared errors of the rebuilt rows, expected over the code; shape (members, rows, columns)."""
        return self._expected(rows, *self._encode(rows, None), draws)

    def learn_typical(self, rows: Tensor, draws: Tensor) -> None:
        """Take the variance of each column around what is made of it from training rows, shape (rows, columns)."""
        self.typical.copy_(typical_errors(self.errors(rows, draws)))

    def _expected(self, rows: Tensor, mean: Tensor, log_variance: Tensor, draws: Tensor) -> Tensor:
        deviation = (0.5 * log_variance).exp()
        total = torch.zeros(self.members, *rows.shape, dtype=rows.dtype)
        for draw in draws:
            apart = self.decoder(mean + draw * deviation) - rows
            total.addcmul_(apart, apart)
        return total.div_(len(draws))

    def _encode(self, rows: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of the code, shape (members, rows, latent) each."""
        mean, raw = self.encoder(rows.expand(self.members, *rows.shape[-2:]), generator).chunk(2, dim=2)
        return mean, _LOG_RANGE * torch.tanh(raw / _LOG_RANGE)

    def _variance(self) -> Tensor:
        """The variance of each column around its rebuilt mean, shape (members, 1, columns)."""
        return self.floor + self.log_variance.exp()

    def _surprise(self, rows: Tensor, code: Tensor, generator: torch.Generator | None) -> Tensor:
        """Half the squared error over the variance, shape (members, rows, columns)."""
        rebuilt: Tensor = self.decoder(code, generator)
        return 0.5 * (rows - rebuilt).square() / self._variance()


def _divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence of the code from the standard normal, summed over the code; shape (members, rows)."""
    return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1.0).sum(2)


def fixed_draws(count: int, latent: int, seed: int) -> Tensor:
    """Standard normal draws in pairs of opposite sign, whose mean is exactly zero; shape (count, latent)."""
    generator = torch.Generator().manual_seed(seed)
    half = torch.randn(math.ceil(count / 2), latent, generator=generator, dtype=torch.float64)
    return torch.cat([half, -half])[:count]
