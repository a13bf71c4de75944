"""Torch functions that draw random numbers, made to draw from the generators of the call that they run in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from anomalist_plugins.pyod.randomness import current

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["LocalDraws"]

_TAKE_GENERATOR = frozenset(
    {
        *("rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial"),
        *("uniform_", "normal_", "random_", "bernoulli_", "exponential_", "trunc_normal_"),
        *("kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_"),
    }
)
_LIKE = {"rand_like": "uniform_", "randn_like": "normal_"}


class LocalDraws(TorchFunctionMode):
    """Gives a local generator to every function that would take the global one; holds in its own thread only."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call `func`, its draws replaced."""
        given = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if name in _TAKE_GENERATOR and given.get("generator") is None:
            device = next((arg.device for arg in args if isinstance(arg, torch.Tensor)), given.get("device") or "cpu")
            given["generator"] = current().torch(device)
        elif name in _LIKE:
            empty = torch.empty_like(*args, **given)
            return getattr(empty, _LIKE[name])(generator=current().torch(empty.device))
        elif name == "dropout":
            return _dropout(*args, **given)
        return func(*args, **given)


def _dropout(x: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> torch.Tensor:
    """What `torch.nn.functional.dropout` does, which takes no generator."""
    if not training or p == 0:
        return x
    if p == 1:
        return x * 0
    kept = torch.empty_like(x).bernoulli_(1 - p, generator=current().torch(x.device)).div_(1 - p)
    return x.mul_(kept) if inplace else x * kept
