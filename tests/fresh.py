"""A fresh environment: anomalist from its wheel, as a user has it; what it depends on is that of the running one."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.helpers import environment

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Fresh"]

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """A virtual environment without an editable anomalist.

    Attributes:
        folder: Where it is.
    """

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Self:
        """Make one in a folder that is not there yet, with anomalist built from this tree."""
        fresh = cls(folder=folder)
        venv.create(folder, symlinks=os.name != "nt")
        # plain lines: the .pth files of these folders are not read again, so an editable anomalist stays out of sight
        borrowed = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
        (fresh.packages / "borrowed.pth").write_text("\n".join(borrowed) + "\n", encoding="utf-8")
        wheels = folder / "wheels"
        fresh.sh(f'python -m pip wheel --quiet --no-deps -w "{wheels}" "{ROOT}"')
        fresh.sh(f'python -m pip install --quiet --no-deps --no-compile "{next(wheels.glob("*.whl"))}"')
        return fresh

    @property
    def packages(self) -> Path:
        """Its site-packages."""
        return Path(sysconfig.get_path("purelib", vars={"base": str(self.folder)}))

    @property
    def programs(self) -> Path:
        """Where its programs are."""
        return Path(sysconfig.get_path("scripts", vars={"base": str(self.folder)}))

    def environ(self, **given: str) -> dict[str, str]:
        """The variables that make a shell one of this environment, in which pip fetches nothing."""
        variables = environment(
            PATH=os.pathsep.join([str(self.programs), os.environ["PATH"]]),
            PIP_CONFIG_FILE=os.devnull,
            PIP_NO_INDEX="1",
            PIP_NO_BUILD_ISOLATION="0",  # pip reads this as: build with the hatchling that is here
            PIP_DISABLE_PIP_VERSION_CHECK="1",
            ANOMALIST_DATA_HOME=str(self.folder / "data"),
            OMP_NUM_THREADS="1",
            PYTHONIOENCODING="utf-8",
        )
        return {name: value for name, value in variables.items() if name != "PYTHONPATH"} | given

    def sh(self, command: str, folder: Path | None = None, **environ: str) -> str:
        """Run a command as it would be typed; returns what it writes to stdout.

        Raises:
            AssertionError: It ended with another code than 0; the message is all that it wrote.
        """
        done = subprocess.run(
            command,
            shell=True,
            capture_output=True,
            encoding="utf-8",
            check=False,
            cwd=folder or self.folder,
            env=self.environ(**environ),
        )
        assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout
