"""`anomalist plugins list`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.helpers import PLUGIN, anomalist, install_plugin

if TYPE_CHECKING:
    from pathlib import Path


def test_every_state_is_listed(tmp_path: Path) -> None:
    install_plugin(tmp_path, "aa-good", PLUGIN.replace("NAME", "simple"))
    install_plugin(tmp_path, "bb-bad", "1 / 0", entry="bad")
    install_plugin(tmp_path, "cc-off", "1 / 0", entry="off")
    environ = {"PYTHONPATH": str(tmp_path), "ANOMALIST_DISABLE_PLUGINS": "off,nobody"}
    done = anomalist("plugins", "list", folder=tmp_path, **environ)
    assert done.returncode == 0
    assert done.stderr == "note: environment ANOMALIST_DISABLE_PLUGINS: no plugin is called 'nobody'\n"
    rows = {line.split()[1]: line.split(maxsplit=5) for line in done.stdout.splitlines()}
    assert rows["aa-good"] == ["plugin", "aa-good", "1.0", "active", "detectors", "simple"]
    assert rows["bb-bad"] == ["bad", "bb-bad", "1.0", "failed", "-", "ZeroDivisionError: division by zero"]
    assert rows["cc-off"] == ["off", "cc-off", "1.0", "blocked", "-", "the setting disable_plugins names it"]

    listed = json.loads(anomalist("plugins", "list", "--json", folder=tmp_path, **environ).stdout)
    states = {plugin["distribution"]: (plugin["state"], plugin["error"]) for plugin in listed["plugins"]}
    assert states["bb-bad"] == ("failed", "ZeroDivisionError: division by zero")
    assert states["cc-off"] == ("blocked", "the setting disable_plugins names it")


def test_the_bundled_plugins_are_all_active(tmp_path: Path) -> None:
    listed = json.loads(anomalist("plugins", "list", "--json", folder=tmp_path).stdout)
    bundled = {p["name"]: (p["state"], p["error"]) for p in listed["plugins"] if p["distribution"] == "anomalist"}
    assert bundled == dict.fromkeys(bundled, ("active", None))
    assert {"autoencoder", "gan", "isolation_forest", "knn", "mahalanobis", "ocsvm", "rnn", "vae"} <= set(bundled)
