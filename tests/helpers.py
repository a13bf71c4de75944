"""What tests of several rooms share."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from anomalist.detector import deadline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def no_time_left() -> Iterator[None]:
    """Run the body as a detector whose time is over."""
    token = deadline.set(time.monotonic() - 1.0)
    try:
        yield
    finally:
        deadline.reset(token)


_COUNT = itertools.count()


def install_plugin(
    folder: Path, distribution: str, source: str, *, entry: str = "plugin", version: str = "1.0", metadata: str = ""
) -> str:
    """Lay a distribution with one plugin into a folder, as pip would; returns the name of its module.

    The folder has to be put on `sys.path`, or in PYTHONPATH. `metadata` are more lines of its metadata.
    """
    module = f"{distribution.replace('-', '_')}_{os.getpid()}_{next(_COUNT)}"
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    info = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n{metadata}", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(f"[anomalist]\n{entry} = {module}\n", encoding="utf-8")
    return module


def environment(**given: str) -> dict[str, str]:
    """The variables of this process without the settings of whoever runs the tests, and with those given."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ANOMALIST_")} | given


def anomalist(*args: str, folder: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own, from `folder`, with no settings but those given as variables."""
    return subprocess.run(
        [sys.executable, "-m", "anomalist", *args],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment(**{"OMP_NUM_THREADS": "1", **environ}),
    )


PLUGIN = '''
from dataclasses import dataclass
from anomalist import DetectorSpec, hookimpl

@dataclass
class Simple:
    """Scores by distance.

    Attributes:
        k: How many neighbours.
        metric: The distance,
            in one word.
    """

    k: int = 5
    metric: str = "l2"

@hookimpl
def anomalist_detectors():
    return [DetectorSpec(name="NAME", summary="A detector.", factory=__name__ + ":Simple", family="other")]
'''
"""A good plugin with one detector, to be called other than NAME."""
