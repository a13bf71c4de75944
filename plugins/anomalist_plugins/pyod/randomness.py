"""Random numbers of its own for whoever draws from numpy's, torch's or Python's global generators.

PyOD seeds and uses the global generators. Here its modules see stand-ins (`anomalist_plugins.pyod.library`), and what
they draw comes from the `Generators` of the call that they run in: the global ones are neither read nor moved, and
threads do not disturb each other.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Generators", "current", "drawing"]


class Generators:
    """One generator of each library, all started by the same seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.numpy = np.random.RandomState(seed)
        self.python = random.Random(seed)  # noqa: S311 - for algorithms, not for secrets
        self._torch: dict[str, Any] = {}

    def torch(self, device: Any = "cpu") -> Any:
        """The torch generator that belongs to a device."""
        import torch

        kind = torch.device(device).type
        if kind not in self._torch:
            self._torch[kind] = torch.Generator(device=device).manual_seed(self.seed)
        return self._torch[kind]

    def start_torch(self, seed: int) -> Any:
        """Start the torch generators anew, as `torch.manual_seed` would; returns that of the CPU."""
        self.seed = seed
        self._torch.clear()
        return self.torch()


_current: ContextVar[Generators | None] = ContextVar("generators", default=None)


def current() -> Generators:
    """The generators of the call that runs; outside of any, fresh ones, so that nothing is shared."""
    return _current.get() or Generators(0)


@contextmanager
def drawing(seed: int, *, torch: bool) -> Iterator[None]:
    """Let the body draw from generators of its own; `torch` where it calls torch, too."""
    token = _current.set(Generators(seed))
    try:
        if torch:
            from anomalist_plugins.pyod.torch_draws import LocalDraws

            with LocalDraws():
                yield
        else:
            yield
    finally:
        _current.reset(token)
