"""The checks of one thing in a process of its own, which it may end, block or fill without harm to anyone else.

The process runs `python -m anomalist.testing.alone JOB REPLY` and writes each result as soon as it is there, so that
what it did last is known, however it ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from anomalist.testing.kit import checks_of, each_check
from anomalist.testing.promise import CheckResult

if TYPE_CHECKING:
    from anomalist.plugins.plugin import Kind
    from anomalist.testing.promise import Outcome

__all__ = ["TIMEOUT", "run_checks_alone"]

TIMEOUT = 60.0
"""Seconds that one check may take unless told otherwise; a network at its defaults takes two or three."""

_LOOK = 0.1  # seconds between two looks at what was written


def run_checks_alone(
    name: str, kind: Kind, *, sample: str | None = None, timeout: float = TIMEOUT
) -> list[CheckResult]:
    """Do every check of an installed thing in another process.

    A check that ends the process, or does not end, has failed, and those after it are not done.

    Args:
        name: Its name, maybe with parameters: `knn:neighbours=3`.
        kind: What it is.
        sample: The file to check it with.
        timeout: Seconds that one check may take; the first includes what is imported.
    """
    with tempfile.TemporaryDirectory() as folder:
        job, reply, heard = Path(folder, "job"), Path(folder, "reply"), Path(folder, "heard")
        job.write_text(json.dumps([name, kind, sample]), encoding="utf-8")
        reply.touch()
        with heard.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", "-m", "anomalist.testing.alone", str(job), str(reply)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )
            try:
                end = _end(process, reply, timeout)
            finally:
                process.kill()
                process.wait()
        done = [CheckResult(**json.loads(line)) for line in reply.read_text(encoding="utf-8").splitlines()]
        if code_lines := heard.read_text(encoding="utf-8", errors="replace").strip().splitlines():
            end = f"{end}: {code_lines[-1][:200]}"
    for number, check in enumerate(checks_of(kind)[len(done) :]):
        message = "not done: the process had ended"
        if number == 0:
            message = (
                f"expected: it ends, and the process goes on\n     got: {end}\n    mend: return, or raise an error"
            )
        outcome: Outcome = "not applicable" if number else "failed"
        done.append(CheckResult(id=check.id, sentence=check.sentence, outcome=outcome, message=message))
    return done


def _end(process: subprocess.Popen[bytes], reply: Path, timeout: float) -> str:
    """Wait until the process ends, or writes no result for too long; says which in words."""
    size, since = 0, time.monotonic()
    while True:
        try:
            code = process.wait(_LOOK)
        except subprocess.TimeoutExpired:
            now = time.monotonic()
            if reply.stat().st_size > size:
                size, since = reply.stat().st_size, now
            elif now - since > timeout:
                return f"it was still working after {timeout:g} s"
        else:
            return f"it ended the process with code {code}" if code >= 0 else f"signal {-code} ended the process"


def main(job: Path, reply: Path) -> None:
    """Do the job, and write each result in a line of its own."""
    name, kind, sample = json.loads(job.read_text(encoding="utf-8"))
    with reply.open("a", encoding="utf-8") as lines:
        for result in each_check(name, kind=kind, sample=sample):
            lines.write(json.dumps(asdict(result)) + "\n")
            lines.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
