"""The network of LSTMAD; PyOD makes its class anew for each object, so that no saved state can name it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from anomalist.detector import check_deadline

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Forecaster"]


class Forecaster(torch.nn.Module):
    """Says what the row after those of a context will be.

    Args:
        width: Columns.
        hidden: Numbers that a layer remembers.
        layers: Recurrent layers, one above the other.
    """

    def __init__(self, width: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(width, hidden, layers, batch_first=True)
        self.linear = torch.nn.Linear(hidden, width)

    def forward(self, rows: Tensor) -> Tensor:
        """Map (contexts, steps, width) to (contexts, width)."""
        check_deadline()
        found: Tensor = self.linear(self.lstm(rows)[0][:, -1])
        return found
