"""Shared state: every change is seen, named with its cure, and put back; using it locally is no change."""

from __future__ import annotations

import gc
import locale
import os
import random
import signal
import sys
import time
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from anomalist.plugins.shared_state import changes, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable


def other_locale() -> None:
    other = "C" if locale.setlocale(locale.LC_ALL) != "C" else "C.UTF-8"
    locale.setlocale(locale.LC_ALL, other)


def narrow_types() -> None:
    torch.set_default_dtype(torch.float64)


CHANGES: dict[str, tuple[Callable[[], object], str]] = {
    "random": (lambda: random.seed(1), "use random.Random(seed)"),
    "numpy random": (lambda: np.random.seed(1), "use numpy.random.default_rng(seed)"),  # noqa: NPY002 - the very fault
    "numpy errors": (lambda: np.seterr(divide="raise"), "numpy.errstate"),
    "torch random": (lambda: torch.manual_seed(1), "torch.Generator()"),
    "torch threads": (lambda: torch.set_num_threads(torch.get_num_threads() + 1), "the number of threads of torch"),
    "torch defaults": (narrow_types, "give dtype= and device="),
    "torch modes": (lambda: torch.use_deterministic_algorithms(True), "a global mode of torch"),
    "warnings": (lambda: warnings.simplefilter("ignore"), "warnings.catch_warnings()"),
    "environment": (lambda: os.environ.update(A_B_C="1"), "pass values as arguments"),
    "folder": (lambda: os.chdir("/"), "use absolute paths"),
    "locale": (other_locale, "format and parse without it"),
    "streams": (lambda: setattr(sys, "stdout", sys.stderr), "belong to the program"),
    "last words": (lambda: setattr(sys, "excepthook", None), "raise them where they belong"),
    "signals": (lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN), "leave signals to anomalist"),
    "interpreter": (gc.disable, "leave them as they are"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_named_and_put_back(name: str) -> None:
    change, cure = CHANGES[name]
    random.random(), np.random.random(), torch.rand(1)  # noqa: NPY002 - no generator stands where the change puts it
    before = snapshot()
    change()
    found, *others = changes(before)
    assert all(other.by_import for other in others)  # torch imports parts of itself when they are first used
    try:
        assert found.name == name
        assert found.line.startswith("changed ")
        assert cure in found.line
        assert not found.by_import
    finally:
        found.put_back()
    assert all(other.by_import for other in changes(before))


def test_what_is_used_locally_is_no_change() -> None:
    before = snapshot()
    np.random.default_rng(0).normal(size=9)
    random.Random(0).random()
    torch.rand(3, generator=torch.Generator().manual_seed(0))
    with warnings.catch_warnings(), np.errstate(all="raise"), torch.no_grad():
        warnings.simplefilter("ignore")
    assert changes(before) == ()


def test_variables_that_come_with_an_import_are_nobodys_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    before = snapshot()
    monkeypatch.setitem(sys.modules, "a_module_that_was_not_there", sys)
    monkeypatch.setenv("A_B_C", "1")
    random.seed(1)
    changed = changes(before)
    next(change for change in changed if change.name == "random").put_back()
    found = {change.name: change.by_import for change in changed}
    assert found == {"environment": True, "random": False}


def test_what_was_not_loaded_before_has_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "torch")
        before = snapshot()
    state = torch.get_rng_state()
    torch.manual_seed(1)
    assert changes(before) == ()
    torch.set_rng_state(state)


def test_looking_costs_less_than_a_millisecond() -> None:
    before = snapshot()
    started = time.process_time()
    for _ in range(100):
        assert changes(before) == ()
    assert (time.process_time() - started) / 100 < 1e-3
