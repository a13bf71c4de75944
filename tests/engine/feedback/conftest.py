"""A run whose rows are to be judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.feedback.judging import fit

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import RunRow


@pytest.fixture
def fitted(workspace: Workspace, frame: pl.DataFrame, tmp_path: Path) -> RunRow:
    """A run over the rows of `frame`, which are in a file that it knows."""
    return fit(workspace, frame, tmp_path / "payments.csv")
