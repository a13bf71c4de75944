"""A fitted detector in another process, which gets nothing of it but what is saved."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from safetensors.numpy import load_file, save_file

from anomalist.store.state import split_state
from anomalist.testing.listing import run_apart

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.detector import Detector, Floats

__all__ = ["Reply", "restored_apart"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reply:
    """What the other process said.

    Attributes:
        scores: What the restored detector gave the rows; None where it failed.
        error: Why it failed, in one line.
        unpickled: What was unpickled meanwhile, `module.name` each.
    """

    scores: Floats | None
    error: str
    unpickled: tuple[str, ...]


def restored_apart(detector: Detector, factory: str, data: Dataset) -> Reply:
    """Save a fitted detector, let a new interpreter restore it from the files, and score rows there.

    Raises:
        ModelFileError: Its state cannot be saved.
    """
    text, arrays = split_state(detector.state(), factory)
    names = [field.name for field in fields(cast("Any", detector)) if field.init]
    job = {"factory": factory, "params": {name: getattr(detector, name) for name in names}, "state": text}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        save_file(arrays, home / "state.safetensors")
        save_file({"values": data.values}, home / "rows.safetensors")
        (home / "job.json").write_text(json.dumps(job), encoding="utf-8")
        try:
            run_apart([sys.executable, "-P", "-m", "anomalist.testing.detector.child", folder])
        except RuntimeError as error:
            return Reply(scores=None, error=str(error), unpickled=())
        reply = json.loads((home / "reply.json").read_text(encoding="utf-8"))
        done = home / "scores.safetensors"
        return Reply(
            scores=load_file(done)["scores"] if done.exists() else None,
            error=reply.get("error", ""),
            unpickled=tuple(reply["unpickled"]),
        )
