"""What all tests run in, and that each leaves it as it found it.

One thread for the numeric libraries: small networks on many threads spend their time waiting for each other.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.fresh import Fresh

SETTINGS = frozenset(os.environ)

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell starts background jobs so, and some tests press Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _as_found(pytestconfig: pytest.Config) -> None:
    """A fixture of a longer life that leaves its folder or its settings behind shows here, not in some later test."""
    assert Path.cwd() == pytestconfig.rootpath
    assert not [name for name in os.environ.keys() - SETTINGS if name.startswith("ANOMALIST_")]


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """An environment with anomalist from its wheel, for all tests: each installs plugins of other names."""
    return Fresh.make(tmp_path_factory.mktemp("fresh") / "env")
