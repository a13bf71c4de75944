"""`anomalist plugins list`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from anomalist import __version__
from tests.helpers import PLUGIN, anomalist, install_plugin

if TYPE_CHECKING:
    from pathlib import Path


def test_every_state_is_listed(tmp_path: Path) -> None:
    install_plugin(tmp_path, "aa-good", PLUGIN.replace("NAME", "simple"))
    install_plugin(tmp_path, "bb-bad", "1 / 0", entry="bad")
    install_plugin(tmp_path, "cc-off", "1 / 0", entry="off")
    install_plugin(tmp_path, "dd-new", "1 / 0", entry="new")
    with (tmp_path / "dd_new-1.0.dist-info" / "METADATA").open("a") as metadata:
        metadata.write("Requires-Dist: anomalist>=99\n")
    install_plugin(tmp_path, "ee-same", PLUGIN.replace("NAME", "knn"))
    environ = {"PYTHONPATH": str(tmp_path), "ANOMALIST_DISABLE_PLUGINS": "off,nobody"}
    done = anomalist("plugins", "list", folder=tmp_path, **environ)
    assert done.returncode == 0
    assert done.stderr == "note: environment ANOMALIST_DISABLE_PLUGINS: no plugin is called 'nobody'\n"
    *lines, note = done.stdout.splitlines()
    assert note == "note: 'knn' of ee-same is called ee-same:knn: there is a 'knn' of anomalist"
    too_new = f"it requires anomalist>=99, and this is anomalist {__version__}: install another version of one of them"
    rows = {line.split()[1]: line.split(maxsplit=5) for line in lines}
    assert rows["aa-good"] == ["plugin", "aa-good", "1.0", "active", "detectors", "simple"]
    assert rows["bb-bad"] == ["bad", "bb-bad", "1.0", "failed", "-", "ZeroDivisionError: division by zero"]
    assert rows["cc-off"] == ["off", "cc-off", "1.0", "blocked", "-", "the setting disable_plugins names it"]
    assert rows["dd-new"] == ["new", "dd-new", "1.0", "incompatible", "-", too_new]
    assert rows["ee-same"] == ["plugin", "ee-same", "1.0", "active", "detectors", "ee-same:knn"]

    listed = json.loads(anomalist("plugins", "list", "--json", folder=tmp_path, **environ).stdout)
    states = {plugin["distribution"]: (plugin["state"], plugin["error"]) for plugin in listed["plugins"]}
    assert states["bb-bad"] == ("failed", "ZeroDivisionError: division by zero")
    assert states["cc-off"] == ("blocked", "the setting disable_plugins names it")
    assert states["dd-new"] == ("incompatible", too_new)
    same = next(plugin for plugin in listed["plugins"] if plugin["distribution"] == "ee-same")
    assert (same["detectors"], same["notes"]) == (["ee-same:knn"], [note.removeprefix("note: ")])


def test_plugins_of_others_can_be_left_out(tmp_path: Path) -> None:
    install_plugin(tmp_path, "bb-bad", "open('imported', 'w')", entry="bad")
    for done in (
        anomalist("plugins", "list", "--no-plugins", folder=tmp_path, PYTHONPATH=str(tmp_path)),
        anomalist("plugins", "list", folder=tmp_path, PYTHONPATH=str(tmp_path), ANOMALIST_NO_PLUGINS="1"),
    ):
        rows = [line.split(maxsplit=5) for line in done.stdout.splitlines()[1:]]
        assert {row[1] for row in rows if row[3] == "active"} == {"anomalist"}
        (blocked,) = (row[5] for row in rows if row[3] == "blocked")
        assert blocked == "the setting no_plugins leaves out all that do not come with anomalist"
    assert not (tmp_path / "imported").exists()


def test_a_name_that_is_missing_for_a_plugin_that_is_left_out(tmp_path: Path) -> None:
    install_plugin(tmp_path, "bb-bad", PLUGIN.replace("NAME", "simple"), entry="bad")
    done = anomalist("detectors", "bb-bad:simple", "--no-plugins", folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == (
        "error: no detector is called 'bb-bad:simple': plugin 'bad' of bb-bad 1.0 is blocked: the setting no_plugins "
        "leaves out all that do not come with anomalist\n"
    )


def test_the_bundled_plugins_are_all_active(tmp_path: Path) -> None:
    listed = json.loads(anomalist("plugins", "list", "--json", folder=tmp_path).stdout)
    bundled = {p["name"]: (p["state"], p["error"]) for p in listed["plugins"] if p["distribution"] == "anomalist"}
    assert bundled == dict.fromkeys(bundled, ("active", None))
    assert {"autoencoder", "gan", "isolation_forest", "knn", "mahalanobis", "ocsvm", "rnn", "vae"} <= set(bundled)


@pytest.mark.parametrize("args", [["--help"], ["plugins", "--help"], ["plugins", "list", "--help"], ["--version"]])
def test_help_loads_no_plugin(tmp_path: Path, args: list[str]) -> None:
    install_plugin(tmp_path, "aa-good", "open('imported', 'w')")
    done = anomalist(*args, folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "imported").exists()
