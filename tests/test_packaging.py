"""What is installed, and what a wheel holds."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import distribution, version
from pathlib import Path
from zipfile import ZipFile

import pytest

import anomalist

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel of this tree, built without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    return ZipFile(next(folder.glob("anomalist-*.whl")))


@pytest.mark.parametrize(
    "source", ["platform/anomalist", "plugins/anomalist_plugins", "migrations/anomalist_migrations"]
)
def test_the_wheel_holds_every_file_of_the_three_packages(wheel: ZipFile, source: str) -> None:
    root = ROOT / source
    files = [path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    wanted = {path.relative_to(root.parent).as_posix() for path in files}
    assert wanted <= set(wheel.namelist())


def test_the_wheel_holds_what_is_easily_forgotten(wheel: ZipFile) -> None:
    names = wheel.namelist()
    assert "anomalist/py.typed" in names
    assert "anomalist_migrations/script.py.mako" in names
    assert any(name.startswith("anomalist_migrations/versions/0001") for name in names)
    info = f"anomalist-{anomalist.__version__}.dist-info"
    entry_points = wheel.read(f"{info}/entry_points.txt").decode()
    assert "anomalist = anomalist.cli.main:main" in entry_points
    assert f"{info}/licenses/LICENSE" in names
    assert not any(name.startswith(("tests/", "docs/", "platform/")) for name in names)


def test_the_installed_entry_points_are_those_of_the_tree() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["anomalist"]
    installed = distribution("anomalist").entry_points.select(group="anomalist")
    assert {entry.name: entry.value for entry in installed} == declared, (
        "the bundled plugins changed since the installation: adding one needs a reinstall, "
        "pip install -c constraints.txt -e '.[dev]'"
    )


def test_every_bundled_plugin_is_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["anomalist"]
    folders = {path.parent.name for path in (ROOT / "plugins" / "anomalist_plugins").glob("*/__init__.py")}
    assert declared == {name: f"anomalist_plugins.{name}" for name in sorted(folders)}


def test_the_constraints_pin_what_is_installed() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert pins["torch"] == "2.13.0"
    names = ("click", "numpy", "pluggy", "polars", "scikit-learn", "SQLAlchemy", "torch")
    assert {name: pins[name] for name in names} == {name: version(name).partition("+")[0] for name in names}
