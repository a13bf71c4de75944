"""What the training loop is told and what it answers: schedule, turns and training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self, TypeAlias

import torch
from torch import Tensor, nn

from anomalist.detector import check_parameter

__all__ = ["Loss", "Schedule", "Training", "Turn"]

Loss: TypeAlias = Callable[[Tensor, torch.Generator | None], Tensor]
"""A batch, shape (members, rows, ...), to the loss of each row, shape (members, rows).

The generator is the only source of randomness (dropout, noise, draws); None asks for the loss without any, as for
held-out rows.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long, how fast and on what to train.

    Attributes:
        epochs: At most so many passes over the rows; where a pass takes more than 100 steps, 100 steps are an epoch.
        batch_size: Rows a step; fewer where there are few rows, so that an epoch has about eight steps.
        learning_rate: The largest step of Adam for batches of 256 rows; scaled by the root of the batch's size.
        weight_decay: Decoupled weight decay.
        patience: Epochs without improvement on the held-out rows before training stops.
        validation: Share of the rows held out; 0 trains on all rows to the end. Fewer than 20 rows are never split.
        last: Hold out the last rows instead of random ones: for windows, whose neighbours overlap.
        trim: Share of each batch, the rows with the worst loss, left out of the gradient, against contamination.
        rise: Epochs in which the share that is left out rises from none to `trim`, at most 0.3 of the steps. A network
            that knows nothing yet is worst at what lies far out, and would never get to learn a cluster there.
        max_steps: The budget: at most so many steps, however many rows there are.
        clip: Largest norm of the gradient.
        device: `auto` (cuda, then mps, then cpu) or any name that torch knows.
        seed: Of batches, held-out rows and all that the loss draws.
    """

    epochs: int = 60
    batch_size: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 1e-5
    patience: int = 10
    validation: float = 0.1
    last: bool = False
    trim: float = 0.0
    rise: float = 0.0
    max_steps: int = 1000
    clip: float = 10.0
    device: str = "auto"
    seed: int = 0

    @classmethod
    def of(cls, parameters: object, **changes: Any) -> Self:
        """Take every field that a detector has a parameter of the same name for, and the changes."""
        given = {f.name: getattr(parameters, f.name) for f in fields(cls) if hasattr(parameters, f.name)}
        return cls(**(given | changes))

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience", "max_steps"):
            value = getattr(self, name)
            check_parameter(isinstance(value, int) and value >= 1, name, value, "a whole number of at least 1")
        for name in ("learning_rate", "clip"):
            value = getattr(self, name)
            check_parameter(math.isfinite(value) and value > 0, name, value, "a number above 0")
        for name in ("weight_decay", "rise"):
            value = getattr(self, name)
            check_parameter(0 <= value < math.inf, name, value, "a number of at least 0")
        for name in ("validation", "trim"):
            value = getattr(self, name)
            check_parameter(0 <= value <= 0.5, name, value, "a share from 0 to 0.5")
        check_parameter(
            isinstance(self.seed, int) and self.seed >= 0, "seed", self.seed, "a whole number of at least 0"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Parameters with a loss of their own: one for most networks, two that alternate for adversarial ones.

    Attributes:
        parameters: What this turn moves.
        loss: What it moves them against.
        trims: Whether `Schedule.trim` applies to this loss.
        rate: Multiplies the learning rate.
        betas: Of Adam.
    """

    parameters: Sequence[nn.Parameter]
    loss: Loss
    trims: bool = True
    rate: float = 1.0
    betas: tuple[float, float] = (0.9, 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What happened.

    Attributes:
        epochs: Epochs done.
        steps: Steps done.
        device: Where the last of them was done.
        history: Held-out loss after each epoch, mean over members; training loss where no rows were held out.
        notes: What the user should know, one line each.
    """

    epochs: int
    steps: int
    device: str
    history: tuple[float, ...]
    notes: tuple[str, ...]
