"""Command: what Python is given to run as a child, and what its exit code means."""

from __future__ import annotations

__all__ = ["COMMAND", "CUT_OFF"]

COMMAND = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1])['path']; "
    "from anomalist.isolation.child import main; main()"
)
"""Its one argument is JSON: `path`, where modules are found, and `memory`, the bytes that it may take, or null.

The child module is imported by name, not run as `__main__`, after the path is the host's.
"""

CUT_OFF = 71
"""The exit code of a child that has an answer and no channel to give it over."""
