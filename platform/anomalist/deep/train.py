"""The one training loop of all torch detectors.

The rows live on the device, a batch is one `index_select`, and the loss is a function that gives one number for each
row of each member. The loop adds what every detector needs: held-out rows and early stopping, trimming the worst rows
of each batch, a budget of steps, a learning rate that warms up and falls, a limit on time, a check that the loss is
finite, and smaller batches and then the CPU when the device runs out of memory. It draws nothing from torch's global
generator and changes no global setting, so fits may run in several threads.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from anomalist.deep.adam import Adam
from anomalist.deep.schedule import Loss, Schedule, Training, Turn
from anomalist.detector import check_deadline
from anomalist.errors import DataError, ParameterError, TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from anomalist.detector import Floats

__all__ = ["Loss", "Schedule", "Training", "Turn", "resolve_device", "train"]

_EPOCH_STEPS = 100
_SMALLEST_BATCH = 32
_EVALUATION_ROWS = 4096
_WARM_UP = 0.05
_FINAL_RATE = 0.05
_LONGEST_RISE = 0.3  # of the steps


def train(
    module: nn.Module,
    rows: Floats | Tensor,
    turns: Sequence[Turn],
    schedule: Schedule,
    *,
    name: str,
    members: int = 1,
    validate: Loss | None = None,
) -> Training:
    """Train `module` in place and leave it on the CPU, in float32, with the best weights that were seen.

    Args:
        module: Holds every parameter of the turns. With several members, each parameter and buffer has shape
            (members, ...), so that the best weights are kept for each member.
        rows: float32, finite, shape (rows, ...): one row or window each, already scaled.
        turns: What is minimised, in this order at each step; the losses of the members are added.
        schedule: How long, how fast, on which device.
        name: The detector, for messages.
        members: Networks trained side by side; each has its own order of rows.
        validate: The loss on held-out rows that decides when to stop; the first turn's loss unless given.

    Raises:
        TrainingError: The loss is no longer finite, or memory ran out on the CPU.
        DataError: There are no rows.
        DetectorTimeoutError: The deadline of this thread has passed.
        ParameterError: The device is unknown.
    """
    data = torch.as_tensor(rows, dtype=torch.float32)
    if len(data) == 0:
        raise DataError(f"{name} needs at least one row to be fitted, got none")
    device, batch = resolve_device(schedule.device), schedule.batch_size
    initial = {key: value.clone() for key, value in module.state_dict().items()}
    notes: list[str] = []
    while True:
        try:
            # not kept under a name: what a failed attempt holds on the device must be free before the next one
            epochs, steps, history = _Run(
                module.to(device), data.to(device), turns, schedule, name, members, validate or turns[0].loss, batch
            ).go()
            module.to("cpu")
            return Training(epochs=epochs, steps=steps, device=str(device), history=history, notes=tuple(notes))
        except RuntimeError as error:
            if not _out_of_memory(error):
                raise
            if batch > _SMALLEST_BATCH:
                batch = max(_SMALLEST_BATCH, batch // 2)
                notes.append(f"{name}: {device} ran out of memory; trained again in batches of {batch} rows")
            elif device.type != "cpu":
                device, batch = torch.device("cpu"), schedule.batch_size
                notes.append(f"{name}: out of memory in the smallest batches; trained on the CPU instead")
            else:
                raise TrainingError(
                    f"{name} ran out of memory in batches of {batch} rows; use a smaller network"
                ) from None
        module.to("cpu").load_state_dict(initial)


def resolve_device(device: str) -> torch.device:
    """Choose the device: `auto` is cuda where there is one, then mps, then the CPU.

    Raises:
        ParameterError: torch does not know the device, or it is not there.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise ParameterError(f"device must be auto, cpu or a device that is there, got {device!r}") from None
    return chosen


def _out_of_memory(error: RuntimeError) -> bool:
    """Tell running out of memory from other errors: only CUDA has a type for it."""
    return (
        isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error) or "not enough memory" in str(error)
    )


class _Run:
    """One attempt, on one device and with one size of batch."""

    def __init__(
        self,
        module: nn.Module,
        data: Tensor,
        turns: Sequence[Turn],
        schedule: Schedule,
        name: str,
        members: int,
        validate: Loss,
        batch: int,
    ) -> None:
        self.name, self.turns, self.schedule, self.members, self.validate = name, turns, schedule, members, validate
        self.shuffle = torch.Generator().manual_seed(schedule.seed)
        self.noise = torch.Generator(data.device).manual_seed(schedule.seed + 1)
        self.kept = [*module.parameters(), *module.buffers()]
        self.best = [value.detach().clone() for value in self.kept]
        held = int(len(data) * schedule.validation) if len(data) >= 20 else 0
        order = torch.arange(len(data)) if schedule.last else torch.randperm(len(data), generator=self.shuffle)
        split = len(data) - held
        self.data, self.pool = data, order[:split]
        self.held = data.index_select(0, order[split:].to(data.device))
        self.batch = min(batch, split, max(_SMALLEST_BATCH // 2, math.ceil(split / 8)))
        self.per_epoch = min(math.ceil(split / self.batch), _EPOCH_STEPS)
        self.steps = min(schedule.epochs * self.per_epoch, schedule.max_steps)
        self.peak = schedule.learning_rate * math.sqrt(self.batch / 256)
        clip = schedule.clip * math.sqrt(members)
        self.adams = [
            Adam(turn.parameters, weight_decay=schedule.weight_decay, clip=clip, betas=turn.betas) for turn in turns
        ]

    def go(self) -> tuple[int, int, tuple[float, ...]]:
        """Train; return epochs, steps and the loss after each epoch."""
        lowest = torch.full((self.members,), math.inf, device=self.data.device)
        if len(self.held):  # weights that were trained before are kept where nothing better comes
            lowest = self._held_out().nan_to_num(nan=math.inf, posinf=math.inf)
        history: list[Tensor] = []
        batches, done, stale = self._batches(), 0, 0
        while done < self.steps and stale < self.schedule.patience:
            check_deadline()
            total = torch.zeros(self.members, device=self.data.device)
            count = min(self.per_epoch, self.steps - done)
            for step in range(done, done + count):
                total += self._step(next(batches), self._rate(step), self._trim(step))
            done += count
            losses = self._held_out() if len(self.held) else total / count
            if not torch.isfinite(total + losses).all():
                raise TrainingError(
                    f"{self.name}: the loss is no longer finite after {len(history) + 1} epochs; "
                    f"use a smaller learning_rate, got {self.schedule.learning_rate:g}"
                )
            history.append(losses.mean())
            stale = self._keep(losses, lowest, stale) if len(self.held) else 0
        if len(self.held):
            with torch.no_grad():
                for value, best in zip(self.kept, self.best, strict=True):
                    value.copy_(best)
        return len(history), done, tuple(torch.stack(history).tolist())

    def _batches(self) -> Iterator[Tensor]:
        """Draw batches without end, shape (members, batch, ...): each member goes through all rows in its own order."""
        shape = (self.members, self.batch, *self.data.shape[1:])
        while True:
            orders = [self.pool[torch.randperm(len(self.pool), generator=self.shuffle)] for _ in range(self.members)]
            order = torch.stack(orders).to(self.data.device)
            for start in range(0, len(self.pool) - self.batch + 1, self.batch):
                index = order[:, start : start + self.batch].reshape(-1)
                yield self.data.index_select(0, index).view(shape)

    def _step(self, batch: Tensor, rate: float, trim: float) -> Tensor:
        """Take all turns on one batch; return the loss of each member in the first turn."""
        first: Tensor | None = None
        for turn, adam in zip(self.turns, self.adams, strict=True):
            losses = self._mean(turn.loss(batch, self.noise), trim if turn.trims else 0.0)
            first = losses.detach() if first is None else first
            adam.step(losses.sum(), rate * turn.rate)
        assert first is not None
        return first

    def _rate(self, step: int) -> float:
        """Rise to the peak over the first steps, then fall along a cosine."""
        warm = max(1.0, _WARM_UP * self.steps)
        if step < warm:
            return self.peak * (step + 1) / (warm + 1)
        progress = (step - warm) / max(1.0, self.steps - warm)
        return self.peak * (_FINAL_RATE + (1 - _FINAL_RATE) * 0.5 * (1 + math.cos(math.pi * progress)))

    def _trim(self, step: int) -> float:
        """The share that is left out at this step: it rises while the network gets to know all clusters of the rows."""
        rise = min(self.schedule.rise * self.per_epoch, _LONGEST_RISE * self.steps)
        return self.schedule.trim if step >= rise else self.schedule.trim * step / rise

    def _mean(self, losses: Tensor, trim: float) -> Tensor:
        """Mean over the rows of each member without the worst share: shape (members, rows) to (members,)."""
        keep = max(1, math.ceil(losses.shape[1] * (1.0 - trim)))
        if keep < losses.shape[1]:
            losses = losses.topk(keep, dim=1, largest=False, sorted=False).values
        return losses.mean(1)

    def _held_out(self) -> Tensor:
        """The trimmed loss on the held-out rows, shape (members,)."""
        with torch.no_grad():
            blocks = [
                self.validate(block.unsqueeze(0).expand(self.members, *block.shape), None)
                for block in torch.split(self.held, _EVALUATION_ROWS)
            ]
            return self._mean(torch.cat(blocks, 1), self.schedule.trim)

    def _keep(self, losses: Tensor, lowest: Tensor, stale: int) -> int:
        """Keep the weights of the members that improved; return epochs since any did."""
        better = losses < lowest - 1e-4 * lowest.abs().nan_to_num(posinf=0.0)
        if not better.any():
            return stale + 1
        with torch.no_grad():
            lowest.copy_(torch.where(better, losses, lowest))
            for value, best in zip(self.kept, self.best, strict=True):
                if self.members == 1:
                    best.copy_(value)
                else:  # by a mask as an index, a GPU would have to tell the program how many there are
                    best.copy_(torch.where(better.view(-1, *[1] * (value.dim() - 1)), value, best))
        return 0
