"""`--trace-plugins` tells on stderr what is done with each plugin, and how long it takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from anomalist.plugins.manager import PluginManager
from anomalist.plugins.registry import Registry
from tests.helpers import PLUGIN, anomalist, install_plugin

if TYPE_CHECKING:
    from pathlib import Path

OBSERVER = """
@hookimpl
def anomalist_run_finished(run):
    if run["id"] == "bad":
        raise ValueError("no")
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for distributions that are found beside the installed ones."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def about(lines: list[str], package: str) -> list[str]:
    """The lines about one package, with every time as T."""
    return [re.sub(r"\d+\.\d ms", "T", line) for line in lines if package in line]


def test_every_step_is_told(site: Path) -> None:
    module = install_plugin(site, "acme", PLUGIN.replace("NAME", "simple") + OBSERVER, entry="good")
    (site / f"{module}_detector.py").write_text((site / f"{module}.py").read_text())
    (site / f"{module}.py").write_text(
        (site / f"{module}.py").read_text().replace('__name__ + ":', f'"{module}_detector:')
    )
    lines: list[str] = []
    registry = Registry(PluginManager.load(trace=lines.append))
    title = "plugin 'good' of acme 1.0"
    assert about(lines, "acme 1.0") == [
        f"{title}: imported {module} from {site}/{module}.py in T",
        f"{title}: anomalist_detectors gave simple in T",
        f"{title} is active",
    ]
    lines.clear()
    registry.build("simple")
    registry.build("simple")
    assert about(lines, "acme") == [f"detector 'simple' of acme: imported {module}_detector:Simple in T"]
    lines.clear()
    registry.manager.run_finished({"id": "good"})
    registry.manager.run_finished({"id": "bad"})
    assert about(lines, "acme") == [
        f"{title}: anomalist_run_finished done in T",
        f"{title}: anomalist_run_finished failed: ValueError: no in T",
    ]


def test_what_is_left_out_is_told_with_the_reason(site: Path) -> None:
    install_plugin(site, "bad-one", "1 / 0", entry="bad")
    install_plugin(site, "off-one", "1 / 0", entry="off")
    lines: list[str] = []
    PluginManager.load(["off"], trace=lines.append)
    assert about(lines, "bad-one") == ["plugin 'bad' of bad-one 1.0 failed: ZeroDivisionError: division by zero"]
    assert about(lines, "off-one") == ["plugin 'off' of off-one 1.0 is blocked: the setting disable_plugins names it"]


def test_the_flag_keeps_stdout_for_the_result(tmp_path: Path) -> None:
    install_plugin(tmp_path, "acme", "print('loud')\n" + PLUGIN.replace("NAME", "simple"))
    done = anomalist("--trace-plugins", "detectors", "simple", "--quiet", folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.stdout.startswith("simple: A detector.")
    traced = [line for line in done.stderr.splitlines() if not line.startswith("trace: ")]
    assert traced == ["loud"]
    assert "trace: plugin 'plugin' of acme 1.0 is active" in done.stderr.splitlines()
