"""What listing a plugin imports, found out in a fresh interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache

__all__ = ["HEAVY", "heavy_when_listed"]

HEAVY = ("numpy", "scipy", "polars", "pandas", "pyarrow", "sklearn", "torch", "tensorflow", "jax", "pyod", "sqlalchemy")
"""What takes long to import, and what neither listing nor `--help` may wait for."""

_PROGRAM = """
import json, sys
from importlib.metadata import entry_points
name, package, heavy = json.loads(sys.argv[1])
for entry in entry_points(group="anomalist", name=name):
    if entry.dist is not None and entry.dist.name == package:
        plugin = entry.load()
        for hook in dir(plugin):
            if hook.startswith("anomalist_") and hook != "anomalist_run_finished" and callable(getattr(plugin, hook)):
                getattr(plugin, hook)()
print("\\n" + json.dumps([name for name in heavy if name in sys.modules]))
"""
_TIMEOUT = 120.0


@cache
def heavy_when_listed(name: str, package: str) -> tuple[str, ...]:
    """The heavy packages that importing an entry point and calling its hooks imports.

    Args:
        name: The name of the entry point.
        package: The distribution that it is of.

    Raises:
        RuntimeError: The interpreter ended without an answer.
    """
    done = run_apart([sys.executable, "-P", "-c", _PROGRAM, json.dumps([name, package, HEAVY])])
    return tuple(json.loads(done.splitlines()[-1]))


def run_apart(command: list[str]) -> str:
    """Run an interpreter that finds the modules that this one finds; gives what it printed.

    Raises:
        RuntimeError: It failed; the message is the last line that it wrote.
    """
    done = subprocess.run(  # noqa: S603 - our own program, given no text of anyone else
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise RuntimeError(f"it ended with code {done.returncode}: {lines[-1] if lines else 'without a word'}")
    return done.stdout
