"""Processes for tests, and a folder whose modules both sides find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anomalist.isolation.processes import Processes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def processes() -> Processes:
    return Processes()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path
