"""Members trained side by side in one batched network: one `baddbmm` a layer for all of them.

Every layer takes and returns shape (members, rows, width). Initial weights, dropout and noise are drawn from the
generator that is handed in, never from torch's global one: the constructors of `torch.nn` would draw from that.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from anomalist.detector import check_parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "Activation",
    "MemberLinear",
    "add_noise",
    "check_network",
    "check_sizes",
    "default_sizes",
    "drop",
]

Activation: TypeAlias = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid", "linear"]

ACTIVATIONS: MappingProxyType[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "relu": torch.relu,
        "leaky_relu": functional.leaky_relu,
        "elu": functional.elu,
        "gelu": functional.gelu,
        "silu": functional.silu,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "linear": lambda x: x,
    }
)
"""Activations by the name that users type."""


def check_sizes(**sizes: int | tuple[int, ...] | None) -> None:
    """Refuse sizes, or tuples of sizes, that are not whole numbers of at least 1; None stands for a choice by width.

    Raises:
        ParameterError: A size is wrong; the message names it.
    """
    for name, value in sizes.items():
        several = isinstance(value, list | tuple)
        items = [] if value is None else list(value) if isinstance(value, list | tuple) else [value]
        ok = all(isinstance(item, int) and not isinstance(item, bool) and item >= 1 for item in items)
        check_parameter(ok, name, value, "whole numbers of at least 1" if several else "a whole number of at least 1")


def default_sizes(width: int) -> tuple[tuple[int, ...], int]:
    """Choose hidden sizes and the size of the code for a number of columns: what did best over many real tables.

    >>> default_sizes(6), default_sizes(1500)
    (((64, 32), 2), ((128, 64), 32))
    """
    first = min(128, max(64, 2 * width))
    return (first, first // 2), min(32, max(1, round(width**0.5)))


def check_network(*, activation: str, dropout: float) -> None:
    """Refuse an activation that is not known or a dropout that is no share.

    Raises:
        ParameterError: One of them is wrong; the message names it.
    """
    check_parameter(activation in ACTIVATIONS, "activation", activation, f"one of {', '.join(ACTIVATIONS)}")
    check_parameter(0 <= dropout < 1, "dropout", dropout, "a share from 0 to below 1")


def drop(x: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """Dropout from a local generator; without a generator, or with a share of 0, nothing is dropped."""
    if generator is None or share == 0.0:
        return x
    # half the time of bernoulli_
    mask = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device).lt_(1.0 - share)
    return x * mask.div_(1.0 - share)


def add_noise(x: Tensor, scale: float, generator: torch.Generator | None) -> Tensor:
    """Add Gaussian noise from a local generator; without a generator, or with a scale of 0, none."""
    if generator is None or scale == 0.0:
        return x
    return x.add(torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device), alpha=scale)


class MemberLinear(nn.Module):
    """One linear layer of each member: weight (members, inputs, outputs), bias (members, 1, outputs).

    Initial weights are uniform with variance gain^2 / inputs (He et al. 2015), biases zero.
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
        self,
        members: int,
        widths: Sequence[int],
        generator: torch.Generator,
        *,
        activation: str = "relu",
        dropout: float = 0.0,
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

    def inputs(self, name: str) -> dict[str, int]:
        """The weights that have a place for each input, and in which dimension, where this is `name` in a module."""
        return {f"{name}.layers.0.weight": 1}

    def outputs(self, name: str) -> dict[str, int]:
        """The weights that have a place for each output, and in which dimension, where this is `name` in a module."""
        last = f"{name}.layers.{len(self.layers) - 1}"
        return {f"{last}.weight": 2, f"{last}.bias": 2}
