"""`anomalist config show`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from anomalist.config import SETTINGS
from tests.helpers import anomalist

if TYPE_CHECKING:
    from pathlib import Path


def test_every_setting_is_shown_with_its_source(tmp_path: Path) -> None:
    path = tmp_path / "anomalist.toml"
    path.write_text('panel = "deep"\nstore = "postgresql://ann:s3cret@db/runs"\n')
    environ = {"ANOMALIST_SEED": "7", "ANOMALIST_DATA_HOME": str(tmp_path)}
    shown = json.loads(anomalist("config", "show", "--json", folder=tmp_path, **environ).stdout)
    assert shown["schema"] == 1
    assert list(shown["settings"]) == list(SETTINGS)
    assert shown["settings"]["seed"] == {"value": 7, "source": "environment ANOMALIST_SEED"}
    assert shown["settings"]["panel"] == {"value": "deep", "source": f"file {path}"}
    assert shown["settings"]["timeout"] == {"value": None, "source": "default"}
    assert shown["settings"]["store"]["value"] == "postgresql://ann:***@db/runs"

    lines = anomalist("config", "show", folder=tmp_path, **environ).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["setting", *SETTINGS]
    assert "s3cret" not in "".join(lines)


def test_a_bad_setting_is_exit_2(tmp_path: Path) -> None:
    done = anomalist("config", "show", folder=tmp_path, ANOMALIST_SEED="many")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: environment ANOMALIST_SEED: seed must be a whole number from 0 to 4294967295, got 'many'\n"
    )
