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
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from anomalist.testing.kit import checks_of, each_check
from anomalist.testing.promise import CheckResult

if TYPE_CHECKING:
    from anomalist.testing.promise import Kind

__all__ = ["run_checks_alone"]


def run_checks_alone(
    name: str, kind: Kind, *, sample: str | None = None, timeout: float | None = None
) -> list[CheckResult]:
    """Do every check of an installed thing in another process.

    A check that ends the process has failed, and those after it are not done.

    Args:
        name: Its name, maybe with parameters: `knn:neighbours=3`.
        kind: What it is.
        sample: The file to check it with.
        timeout: Seconds that all checks together may take; None for any time.
    """
    with tempfile.TemporaryDirectory() as folder:
        job, reply, heard = Path(folder, "job"), Path(folder, "reply"), Path(folder, "heard")
        job.write_text(json.dumps([name, kind, sample]), encoding="utf-8")
        reply.touch()
        with heard.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "anomalist.testing.alone", str(job), str(reply)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )
            try:
                code = process.wait(timeout)
                end = f"it ended the process with code {code}" if code >= 0 else f"signal {-code} ended the process"
            except subprocess.TimeoutExpired:
                end = f"it was still working after {timeout:g} s"
            finally:
                process.kill()
                process.wait()
        done = [CheckResult(**json.loads(line)) for line in reply.read_text(encoding="utf-8").splitlines()]
        if code_lines := heard.read_text(encoding="utf-8", errors="replace").strip().splitlines():
            end = f"{end}: {code_lines[-1][:200]}"
    missing = checks_of(kind)[len(done) :]
    for number, check in enumerate(missing):
        done.append(
            CheckResult(
                id=check.id,
                sentence=check.sentence,
                outcome="not applicable" if number else "failed",
                message="not done: the process had ended"
                if number
                else f"expected: the process goes on\n     got: {end}\n    mend: raise an error in place of ending it",
            )
        )
    return done


def main(job: Path, reply: Path) -> None:
    """Do the job, and write each result in a line of its own."""
    name, kind, sample = json.loads(job.read_text(encoding="utf-8"))
    with reply.open("a", encoding="utf-8") as lines:
        for result in each_check(name, kind=kind, sample=sample):
            lines.write(json.dumps(asdict(result)) + "\n")
            lines.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
