"""`anomalist detectors`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.helpers import PLUGIN, anomalist, install_plugin

if TYPE_CHECKING:
    from pathlib import Path


def test_the_list_says_what_each_is_and_whether_it_works_here(tmp_path: Path) -> None:
    install_plugin(tmp_path, "acme", PLUGIN.replace("NAME", "simple"))
    needy = PLUGIN.replace("NAME", "needy").replace('"other"', '"deep", requires=("nowhere",), panels={"mine"}')
    install_plugin(tmp_path, "needy-pack", needy)
    done = anomalist("detectors", folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 0
    header, *lines = done.stdout.splitlines()
    assert header.split() == ["name", "family", "panels", "package", "usable", "summary"]
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert rows["simple"] == ["other", "-", "acme", "yes", "A", "detector."]
    assert " ".join(rows["needy"]) == "deep mine needy-pack needs nowhere: pip install 'nowhere' A detector."

    listed = json.loads(anomalist("detectors", "--json", folder=tmp_path, PYTHONPATH=str(tmp_path)).stdout)
    assert listed["schema"] == 1
    assert [row["name"] for row in listed["detectors"]] == [line.split()[0] for line in lines]
    assert next(row for row in listed["detectors"] if row["name"] == "needy") == {
        "name": "needy",
        "summary": "A detector.",
        "family": "deep",
        "eats": "rows",
        "traits": ["tabular"],
        "panels": ["mine"],
        "search": [],
        "package": "needy-pack",
        "usable": False,
        "reason": "needs nowhere: pip install 'nowhere'",
    }


def test_one_detector_is_explained(tmp_path: Path) -> None:
    install_plugin(tmp_path, "acme", PLUGIN.replace("NAME", "simple"))
    done = anomalist("detectors", "acme:simple", folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.stdout.startswith("simple: A detector.\n")
    assert "k          int   5        How many neighbours." in done.stdout
    assert "metric     str   l2       The distance, in one word." in done.stdout
    shown = json.loads(anomalist("detectors", "simple", "--json", folder=tmp_path, PYTHONPATH=str(tmp_path)).stdout)
    assert shown["detector"]["parameters"][0] == {
        "name": "k",
        "type": "int",
        "default": "5",
        "help": "How many neighbours.",
    }


def test_a_detector_that_cannot_be_imported_is_exit_1(tmp_path: Path) -> None:
    source = PLUGIN.replace("NAME", "simple").replace('__name__ + ":Simple"', '"no_such_module:C"')
    install_plugin(tmp_path, "acme", source)
    done = anomalist("detectors", "simple", folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(
        "error: detector 'simple' of acme cannot be imported: ModuleNotFoundError: No module named 'no_such_module'\n"
    )
