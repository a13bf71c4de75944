"""Adam with decoupled weight decay, on all parameters of one turn as one flat vector.

Small networks spend their time in the overhead of calls, not in arithmetic: a step here is a dozen calls whatever the
number of layers. The optimisers of `torch.optim` are as fast, but making the first one in a process imports torch's
compiler, which takes longer than such a network takes to train.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Adam"]

_SMALLEST = 1e-8
_NOTHING = 2.0**-25  # less than half the distance from 1 to the float32 below it


class Adam:
    """Adam with decoupled weight decay and a clipped gradient (Kingma & Ba 2015; Loshchilov & Hutter 2019).

    The gradient is clipped to `clip` times the root of the number of members, since the losses of members are summed.
    """

    def __init__(
        self, parameters: Sequence[nn.Parameter], *, weight_decay: float, clip: float, betas: tuple[float, float]
    ) -> None:
        self._parameters: list[Tensor] = [p for p in parameters if p.requires_grad]
        sizes = [p.numel() for p in self._parameters]
        self._mean, self._square, self._spread, self._step = (
            torch.zeros(sum(sizes), device=self._parameters[0].device) for _ in range(4)
        )
        parts = zip(torch.split(self._step, sizes), self._parameters, strict=True)
        self._parts = [part.view_as(parameter) for part, parameter in parts]
        self._decay, self._clip, self._betas, self._count = weight_decay, clip, betas, 0

    def step(self, loss: Tensor, rate: float) -> None:
        """Move the parameters one step down the gradient of `loss`; `rate` is the learning rate of this step."""
        gradients = torch.autograd.grad(loss, self._parameters)
        with torch.no_grad():
            gradient = torch.cat([g.reshape(-1) for g in gradients])
            gradient.mul_((self._clip / torch.linalg.vector_norm(gradient).add_(1e-12)).clamp_(max=1.0))
            first, second = self._betas
            self._count += 1
            self._mean.lerp_(gradient, 1.0 - first)
            self._square.mul_(second).addcmul_(gradient, gradient, value=1.0 - second)
            # both are too small in the first steps, by these factors
            mean, root = 1.0 - first**self._count, (1.0 - second**self._count) ** 0.5
            torch.sqrt(self._square, out=self._spread).add_(_SMALLEST * root)
            torch.div(self._mean, self._spread, out=self._step)
            if rate * self._decay >= _NOTHING:
                torch._foreach_mul_(self._parameters, 1.0 - rate * self._decay)
            torch._foreach_sub_(self._parameters, self._parts, alpha=rate * root / mean)
