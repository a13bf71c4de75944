"""Members trained side by side in one batched network: one `baddbmm` a layer for all of them.

Every layer takes and returns shape (members, rows, width). Initial weights, dropout and noise are drawn from the
generator that is handed in, never from torch's global one: the constructors of `torch.nn` would draw from that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["ACTIVATIONS", "MLP", "MemberLinear", "add_noise", "drop"]

ACTIVATIONS: MappingProxyType[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "relu": torch.relu,
        "leaky_relu": F.leaky_relu,
        "elu": F.elu,
        "gelu": F.gelu,
        "silu": F.silu,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "linear": lambda x: x,
    }
)
"""Activations by the name that users type."""


def drop(x: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """Dropout from a local generator; without a generator, or with a share of 0, nothing is dropped."""
    if generator is None or share == 0.0:
        return x
    mask = torch.empty_like(x).bernoulli_(1.0 - share, generator=generator)
    return x * mask.div_(1.0 - share)


def add_noise(x: Tensor, scale: float, generator: torch.Generator | None) -> Tensor:
    """Add Gaussian noise from a local generator; without a generator, or with a scale of 0, none."""
    if generator is None or scale == 0.0:
        return x
    return x + scale * torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)


class MemberLinear(nn.Module):
    """One linear layer of each member: weight (members, inputs, outputs), bias (members, 1, outputs).

    Weights are uniform with variance gain^2 / inputs, orthogonal ones cost more to draw than they are worth here.
    """

    def __init__(
        self, members: int, inputs: int, outputs: int, generator: torch.Generator, *, gain: float = math.sqrt(2.0)
    ) -> None:
        super().__init__()
        bound = gain * math.sqrt(3.0 / inputs)
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound, generator=generator))
        self.bias = nn.Parameter(torch.zeros(members, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (members, rows, inputs) to (members, rows, outputs)."""
        return torch.baddbmm(self.bias, x, self.weight)


class MLP(nn.Module):
    """Linear layers with an activation and dropout between them; the last layer is linear.

    Args:
        members: Networks side by side.
        widths: Of the input, the hidden layers and the output.
        activation: A name in `ACTIVATIONS`.
        dropout: Share dropped after each hidden layer while training.
        generator: Draws the initial weights.
    """

    def __init__(
        self, members: int, widths: Sequence[int], generator: torch.Generator, *, activation: str, dropout: float = 0.0
    ) -> None:
        super().__init__()
        gains = [math.sqrt(2.0)] * (len(widths) - 2) + [1.0]
        self.layers = nn.ModuleList(
            MemberLinear(members, inputs, outputs, generator, gain=gain)
            for inputs, outputs, gain in zip(widths[:-1], widths[1:], gains, strict=True)
        )
        self.activation, self.dropout = ACTIVATIONS[activation], dropout

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Map (members, rows, inputs) to (members, rows, outputs); the generator turns dropout on."""
        *hidden, last = self.layers
        for layer in hidden:
            x = drop(self.activation(layer(x)), self.dropout, generator)
        return torch.as_tensor(last(x))

    def hidden(self, x: Tensor) -> Tensor:
        """Return what the last layer sees, shape (members, rows, width of the last hidden layer), without dropout."""
        for layer in list(self.layers)[:-1]:
            x = self.activation(layer(x))
        return x
