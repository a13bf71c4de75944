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


def imported(*args: str, code: int = 0) -> tuple[str, str]:
    """The heavy modules and the plugins that a command imports, which ends with this exit code."""
    script = SCRIPT.replace("{heavy}", repr(set(HEAVY)))
    command = [sys.executable, "-c", script, *args]
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert done.returncode == code, done.stderr
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


@pytest.mark.parametrize("option", ["--space=trees=1..x", "--trials=1"])
def test_a_mistyped_search_is_refused_before_anything_heavy_is_imported(option: str) -> None:
    assert imported("tune", "rows.csv", "--label", "fraud", option, code=2) == ("", "")


def test_the_package_alone_imports_nothing_heavy() -> None:
    script = f"import sys, anomalist, anomalist.detector; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
