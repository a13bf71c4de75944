"""Runs to be judged, and files of verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anomalist.engine.fitting.request import RunOptions
from anomalist.engine.runs.run import run
from anomalist.engine.runs.sources import Source

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from anomalist.engine.workspace import Workspace
    from anomalist.store.rows import RunRow


def fit(workspace: Workspace, frame: pl.DataFrame, path: Path, *, key: str | None = "id") -> RunRow:
    """A run over the rows, which are in a file that it knows."""
    frame.write_csv(path)
    source = Source(location=str(path), key=key, label="fraud")
    found = run(
        workspace,
        source.read(workspace.registry),
        RunOptions(detectors=("distance",)),
        name="m",
        origin=source.to_dict(),
    )
    return found.row


def file(folder: Path, text: str, name: str = "labels.csv") -> str:
    (folder / name).write_text(text)
    return str(folder / name)
