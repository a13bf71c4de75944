"""What listing and helping may cost: nothing heavy is imported before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.helpers import environment

HEAVY = ("numpy", "polars", "pandas", "scipy", "sqlalchemy", "alembic", "sklearn", "torch", "pyod", "rich")

SCRIPT = """
import sys
from anomalist.cli.main import run
code = run(sys.argv[1:])
print(",".join(sorted(name for name in sys.modules if name.partition(".")[0] in {heavy})), file=sys.stderr)
print(",".join(name for name in sys.modules if name.startswith("anomalist_plugins.")), file=sys.stderr)
sys.exit(code)
"""


def imported(*args: str) -> tuple[str, str]:
    """The heavy modules and the plugins that a command imports."""
    script = SCRIPT.replace("{heavy}", repr(set(HEAVY)))
    command = [sys.executable, "-c", script, *args]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    heavy, plugins = done.stderr.splitlines()[-2:]
    return heavy, plugins


@pytest.mark.parametrize("args", [["--help"], ["--version"], [], ["detectors", "--help"], ["config", "show"]])
def test_help_imports_nothing_heavy_and_no_plugin(args: list[str]) -> None:
    assert imported(*args) == ("", "")


@pytest.mark.parametrize("args", [["detectors"], ["detectors", "--json"], ["plugins", "list"]])
def test_listing_imports_plugins_and_nothing_heavy(args: list[str]) -> None:
    heavy, plugins = imported(*args)
    assert heavy == ""
    assert "anomalist_plugins" in plugins


def test_the_package_alone_imports_nothing_heavy() -> None:
    script = f"import sys, anomalist, anomalist.detector; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
