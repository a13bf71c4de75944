"""The first version of a model, of which nobody has said anything, and the rows that it was fitted on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anomalist.engine.runs.sources import Source
from tests.engine.looping import first

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.data.table import Table
    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import RunRow


@pytest.fixture
def made(workspace: Workspace, tmp_path: Path) -> RunRow:
    return first(workspace, tmp_path / "payments.csv")


@pytest.fixture
def table(workspace: Workspace, made: RunRow) -> Table:
    return Source.from_dict(made.params["origin"]).read(workspace.registry)
