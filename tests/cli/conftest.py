"""An empty data folder for the command line in this process, and one with a model in it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.cli.samples import FOREST, payments, type_in

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder; the working directory is another empty folder, and no setting comes from outside."""
    for name in [name for name in os.environ if name.startswith("ANOMALIST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ANOMALIST_DATA_HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with payments.csv and, under `home`, a run over it and its model `m`; to be copied."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ANOMALIST_")]:
            patch.delenv(name)
        patch.setenv("ANOMALIST_DATA_HOME", str(folder / "home"))
        patch.chdir(folder)
        (folder / "payments.csv").write_text(payments())
        done = type_in(f"--quiet run payments.csv --key id --label fraud --name m {FOREST}")
    assert (done.code, done.err) == (0, "")
    return folder


@pytest.fixture
def fitted(home: Path, made: Path) -> Path:
    """The data folder with the model `m` in it; payments.csv is in the working directory."""
    shutil.copytree(made / "home", home)
    shutil.copy(made / "payments.csv", "payments.csv")
    return home
