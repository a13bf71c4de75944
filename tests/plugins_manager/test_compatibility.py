"""A plugin that was made for another version of anomalist is not even imported."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

import anomalist
from anomalist.errors import PluginError
from anomalist.plugins.compatibility import mismatch
from anomalist.plugins.manager import PluginManager
from tests.helpers import PLUGIN, environment, install_plugin

if TYPE_CHECKING:
    from pathlib import Path

FITS = [
    ("1.2", []),
    ("1.2", ["numpy>=99", "anomalist-extras>=99", "anomalist.other>=99", "anomalist_more>=99"]),
    ("1.2", ["anomalist"]),
    ("1.2", ["Anomalist[postgres]"]),
    ("1.2", ["anomalist>=1,<2"]),
    ("1.2", ["anomalist (>=1,<2)"]),
    ("1.2", ["anomalist~=1.1", "anomalist!=1.1"]),
    ("1.2", ["anomalist>=99; python_version < '3'"]),
    ("1.2", ["anomalist>=99; extra == 'test'"]),
    ("1.2", ["anomalist @ https://example.org/anomalist.whl"]),
    ("1.0rc1", ["anomalist>=0.9"]),
    ("1.1.dev3", ["anomalist>=1.0"]),
    ("1.2+local", ["anomalist==1.2"]),
]

DOES_NOT = [
    ("1.2", ["anomalist>=2"], ">=2"),
    ("1.2", ["numpy", "ANOMALIST <1"], "<1"),
    ("1.2", ["anomalist[postgres] (<1)"], "<1"),
    ("1.2", ["anomalist>=2; python_version > '3'"], ">=2"),
    ("1.0rc1", ["anomalist>=1.0"], ">=1.0"),
    ("1.0.dev1", ["anomalist<1.0"], "<1.0"),
]


@pytest.mark.parametrize(("version", "requires"), FITS)
def test_what_fits(version: str, requires: list[str]) -> None:
    assert mismatch(requires, version=version) == ""


@pytest.mark.parametrize(("version", "requires", "wanted"), DOES_NOT)
def test_what_does_not_fit_names_both_versions(version: str, requires: list[str], wanted: str) -> None:
    line = mismatch(requires, version=version)
    assert line.startswith(f"it requires anomalist{wanted}, and this is anomalist {version}: install another version")


@pytest.mark.parametrize("line", ["anomalist>>1", "anomalist 1.0", "anomalist>=", "anomalist>=1; what == 'x'"])
def test_what_cannot_be_read_is_refused_in_one_line(line: str) -> None:
    with pytest.raises(PluginError, match=r"^it declares [^\n]+, which cannot be read as a requirement$"):
        mismatch([line])


def test_the_running_version_is_one_that_can_be_compared() -> None:
    assert str(Version(anomalist.__version__)) == anomalist.__version__


def declare(site: Path, distribution: str, *requires: str) -> None:
    metadata = site / f"{distribution.replace('-', '_')}-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text() + "".join(f"Requires-Dist: {line}\n" for line in requires))


def test_an_incompatible_plugin_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    module = install_plugin(tmp_path, "too-new", "1 / 0", entry="new")
    declare(tmp_path, "too-new", "numpy", "anomalist>=99")
    install_plugin(tmp_path, "unreadable", "1 / 0")
    declare(tmp_path, "unreadable", "anomalist>>99")
    install_plugin(tmp_path, "fitting", PLUGIN.replace("NAME", "simple"))
    declare(tmp_path, "fitting", f"anomalist=={anomalist.__version__}")
    manager = PluginManager.load()
    found = {plugin.distribution: plugin for plugin in manager.plugins}
    assert {home: found[home].state for home in ("too-new", "unreadable", "fitting")} == {
        "too-new": "incompatible",
        "unreadable": "failed",
        "fitting": "active",
    }
    assert module not in sys.modules
    line = f"it requires anomalist>=99, and this is anomalist {anomalist.__version__}: install another version of one"
    assert found["too-new"].error.startswith(line)
    assert f"plugin 'new' of too-new 1.0 is left out: {found['too-new'].error}" in manager.failures()
    assert manager.missing("too-new:lof") == found["too-new"]
    assert found["too-new"].standing == f"plugin 'new' of too-new 1.0 is incompatible: {found['too-new'].error}"


def test_versions_are_compared_only_where_one_is_declared(tmp_path: Path) -> None:
    install_plugin(tmp_path, "any-version", PLUGIN.replace("NAME", "simple"))
    declare(tmp_path, "any-version", "anomalist", "packaging>=1")
    script = "import sys; from anomalist.plugins.manager import PluginManager; PluginManager.load()"
    command = [sys.executable, "-c", f"{script}; print('packaging' in sys.modules)"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment(PYTHONPATH=str(tmp_path))
    )
    assert done.stdout == "False\n"
