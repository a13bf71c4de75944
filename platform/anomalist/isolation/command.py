"""Command: what Python is given to run as a child."""

from __future__ import annotations

__all__ = ["COMMAND"]

COMMAND = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1])['path']; "
    "from anomalist.isolation.child import main; main()"
)
"""Its one argument is JSON: `path`, where modules are found, and `memory`, the bytes that it may take, or null.

The child module is imported by name, not run as `__main__`, after the path is the host's.
"""
