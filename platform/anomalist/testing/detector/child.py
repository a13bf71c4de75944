"""The other process: restores a detector from nothing but its file, scores rows, and tells what was unpickled.

Run as `python -m anomalist.testing.detector.child FOLDER`.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from anomalist.data.dataset import Dataset
from anomalist.engine.execution.executor import one_thread_each
from anomalist.plugins.parameters import check_parameters
from anomalist.store.state import join_state
from anomalist.testing.promise import told

__all__: list[str] = []


def main(folder: Path) -> None:
    """Do the job in a folder, and write the reply beside it."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    module, _, name = job["factory"].partition(":")
    unpickled: list[str] = []
    watching = False

    def hear(event: str, args: tuple[object, ...]) -> None:
        if watching and event == "pickle.find_class":
            unpickled.append(".".join(map(str, args)))

    sys.addaudithook(hear)
    reply: dict[str, object] = {"unpickled": unpickled}
    try:
        cls = importlib.import_module(module)
        for part in name.split("."):
            cls = getattr(cls, part)
        detector = cls(**check_parameters(name, cls, job["params"]))  # type: ignore[arg-type, operator]  # a class by now
        state = join_state(job["state"], load_file(folder / "state.safetensors"))
        data = Dataset.from_array(load_file(folder / "rows.safetensors")["values"])
        watching = True
        with one_thread_each():
            detector.restore(state)
            scores = np.asarray(detector.score(data), dtype=np.float64)
        watching = False
        save_file({"scores": np.ascontiguousarray(scores)}, folder / "scores.safetensors")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is what the check tells
        reply["error"] = told(error)
    (folder / "reply.json").write_text(json.dumps(reply), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
