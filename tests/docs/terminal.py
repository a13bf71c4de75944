"""Runs a command in a terminal and types keys into it, as a person would: `python terminal.py KEYS COMMAND...`.

Prints what the terminal shows, without what only moves the cursor. Every character of KEYS is a key, blanks and line
ends are not; a text is typed after `c`, `m` and the like, up to the end of the line.
"""

from __future__ import annotations

import os
import re
import sys

import pexpect

READY = r"q quit *\r?\n"
"""The end of the line of keys: the program waits for one."""

_TEXTS = "cCmMtT"
_SILENT = "h"
_MOVES = re.compile(r"(?:\r?\x1b\[K[^\r\n]*\r)+(?:\x1b\[K)?|\x1b\[K")


def type_in(keys: str, command: list[str]) -> tuple[str, int]:
    """Type keys into a command in a terminal of 80 columns; returns what it showed, and its exit code."""
    child = pexpect.spawn(
        command[0],
        command[1:],
        dimensions=(60, 80),
        encoding="utf-8",
        timeout=120,
        env={**os.environ, "TERM": "dumb"},
    )
    shown = []

    def wait_for(what: str) -> bool:
        found = child.expect([what, pexpect.EOF])
        shown.append(child.before + (child.after if found == 0 else ""))
        return found == 0

    going = wait_for(READY)
    for line in keys.splitlines():
        rest = line.strip()
        while rest and going:
            key, rest = rest[0], rest[1:].lstrip()
            child.send(key)
            if key in _TEXTS:
                wait_for(": ")
                child.send(f"{rest}\r")
                going, rest = wait_for(r"(kept|stored|no)[^\n]*\n"), ""
            elif key not in _SILENT:
                going = wait_for(READY)
    if going:
        child.sendeof()
        wait_for(pexpect.EOF)
    child.close()
    text = _MOVES.sub("", "".join(shown)).replace("\r\n", "\n")
    return text, child.exitstatus if child.exitstatus is not None else 1


if __name__ == "__main__":
    text, code = type_in(sys.argv[1], sys.argv[2:])
    sys.stdout.write(text)
    sys.exit(code)
