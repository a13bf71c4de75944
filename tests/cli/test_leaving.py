"""Leaving: the exit code is that of the command, or of what ended the program, whatever threads go on."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys, threading, time
from anomalist.cli.leaving import Leaving

leaving = Leaving()
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
WORK
"""


@pytest.mark.parametrize(("work", "code"), [("leaving.leave(4)", 4), ("sys.exit(3)", 3), ("raise ValueError", 1)])
def test_the_exit_code_is_right_though_a_thread_was_given_up(work: str, code: int) -> None:
    program = PROGRAM.replace("WORK", work)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30, check=False)
    assert done.returncode == code
