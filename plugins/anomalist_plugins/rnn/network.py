"""The recurrent networks: one forecasts the next row, one squeezes a window and unfolds it again."""

from __future__ import annotations

import math
from types import MappingProxyType

import torch
from torch import Tensor, nn

from anomalist.deep.layers import drop

__all__ = ["CELLS", "MODES", "Network"]

CELLS: MappingProxyType[str, type[nn.LSTM] | type[nn.GRU]] = MappingProxyType({"lstm": nn.LSTM, "gru": nn.GRU})
"""Recurrent layers by the name that users type."""

MODES: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {"forecaster": ("forecaster",), "autoencoder": ("autoencoder",), "both": ("forecaster", "autoencoder")}
)
"""The networks that each mode trains."""


_WAVES = 4  # of the decoder's clock; the slowest takes two windows a turn, each other half as long


def _ends(recurrent: str) -> dict[str, int]:
    """The weights of a head that have a place for each column, and in which dimension; by its first recurrent layer."""
    return {f"{recurrent}.layers.0.weight_ih_l0": 1, "readout.weight": 0, "readout.bias": 0}


class _Recurrent(nn.Module):
    """Recurrent layers of one width, with dropout after each.

    Each layer is a torch module of its own, because a stack inside one module would draw its dropout from torch's
    global generator. For the same reason they are made on the meta device, where their constructors draw nothing.
    """

    def __init__(
        self, cell: str, inputs: int, hidden: int, layers: int, dropout: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        widths = [inputs] + [hidden] * (layers - 1)
        self.layers = nn.ModuleList(
            CELLS[cell](width, hidden, batch_first=True, device="meta").to_empty(device="cpu") for width in widths
        )
        self.dropout = dropout
        bound = 1.0 / math.sqrt(hidden)
        with torch.no_grad():
            for name, parameter in self.layers.named_parameters():
                if "bias" in name:
                    parameter.zero_()
                    if cell == "lstm" and "bias_ih" in name:
                        parameter[hidden : 2 * hidden] = 1.0  # remember at first (Jozefowicz et al. 2015)
                else:
                    parameter.uniform_(-bound, bound, generator=generator)

    def forward(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Map (windows, steps, inputs) to (windows, steps, hidden)."""
        for layer in self.layers:
            x = drop(layer(x)[0], self.dropout, generator)
        return x


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """A linear layer that starts small, from a local generator."""
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")
    with torch.no_grad():
        layer.weight.uniform_(-1.0, 1.0, generator=generator).mul_(1.0 / math.sqrt(inputs))
        layer.bias.zero_()
    return layer


class _Forecaster(nn.Module):
    """Says at each step what the next row will be."""

    along = MappingProxyType(_ends("recurrent"))

    def __init__(
        self, cell: str, width: int, hidden: int, layers: int, dropout: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.recurrent = _Recurrent(cell, width, hidden, layers, dropout, generator)
        self.readout = _linear(hidden, width, generator)

    def forward(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Forecast steps 1 to the last of windows of shape (windows, steps, width), each from those before it."""
        return torch.as_tensor(self.readout(self.recurrent(x[:, :-1], generator)))


class _Autoencoder(nn.Module):
    """Squeezes a window into one code of half the hidden width, and unfolds the window from it."""

    along = MappingProxyType(_ends("encoder"))

    def __init__(
        self, cell: str, width: int, hidden: int, layers: int, dropout: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        code = max(1, hidden // 2)
        self.encoder = _Recurrent(cell, width, hidden, layers, dropout, generator)
        self.squeeze = _linear(hidden, code, generator)
        self.decoder = _Recurrent(cell, code + 2 * _WAVES, hidden, layers, dropout, generator)
        self.readout = _linear(hidden, width, generator)

    def forward(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Rebuild steps 1 to the last of windows of shape (windows, steps, width), each from the code of them all."""
        windows, steps = len(x), x.shape[1] - 1
        code = self.squeeze(self.encoder(x, generator)[:, -1]).unsqueeze(1).expand(-1, steps, -1)
        clock = _clock(steps).to(x).expand(windows, -1, -1)
        return torch.as_tensor(self.readout(self.decoder(torch.cat([code, clock], dim=2), generator)))


def _clock(steps: int) -> Tensor:
    """Where in a window each step is, as sines and cosines, shape (steps, 2 x waves).

    A decoder that is told the time trains in a fraction of the steps of one that has to count.
    """
    angle = torch.arange(steps).div(steps).mul(math.pi).unsqueeze(1) * 2.0 ** torch.arange(_WAVES)
    return torch.cat([angle.sin(), angle.cos()], dim=1)


class Network(nn.Module):
    """The networks of one mode; each expects every row of a window but the first, and is judged by how far it is off.

    Args:
        mode: A name in `MODES`.
        cell: A name in `CELLS`.
        width: Columns.
        hidden: Numbers that a layer remembers.
        layers: Recurrent layers, one above the other.
        dropout: Share dropped after each recurrent layer while training.
        generator: Draws the initial weights.
    """

    def __init__(
        self, mode: str, cell: str, width: int, hidden: int, layers: int, dropout: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        kinds: dict[str, type[_Forecaster | _Autoencoder]] = {"forecaster": _Forecaster, "autoencoder": _Autoencoder}
        self.heads = nn.ModuleList(kinds[name](cell, width, hidden, layers, dropout, generator) for name in MODES[mode])
        self.along = {
            f"heads.{number}.{name}": dim
            for number, head in enumerate(MODES[mode])
            for name, dim in kinds[head].along.items()
        }

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The residuals of windows of shape (windows, steps, width): (windows, steps - 1, networks x width).

        The generator turns dropout on.
        """
        return torch.cat([x[:, 1:] - head(x, generator) for head in self.heads], dim=2)
