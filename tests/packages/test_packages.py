"""Two packages as third parties write them: built, installed, checked and used like any other."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.fresh import Fresh

PACKAGES = {"local_outliers": "anomalist-lof", "masked": "anomalist-masked"}


@pytest.fixture(scope="module")
def installed(fresh: Fresh, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sources of the packages, whose wheels are installed."""
    folder = tmp_path_factory.mktemp("packages")
    for package in PACKAGES.values():
        shutil.copytree(Path(__file__).parent / package, folder / package)
    sources = " ".join(f"./{package}" for package in PACKAGES.values())
    fresh.sh(f"python -m pip wheel --quiet --no-deps -w wheels {sources}", folder)
    fresh.sh("python -m pip install --quiet wheels/*.whl", folder)
    for package in PACKAGES.values():
        shutil.rmtree(folder / package / "src")  # what is tested is what is installed
    return folder


def test_both_are_listed_as_what_they_are(fresh: Fresh, installed: Path) -> None:
    found = json.loads(fresh.sh("anomalist plugins list --json"))["plugins"]
    listed = {plugin["name"]: plugin for plugin in found}
    for name, package in PACKAGES.items():
        plugin = listed[name]
        assert (plugin["distribution"], plugin["version"], plugin["state"]) == (package, "1.0", "active")
        assert plugin["detectors"] == [name]


@pytest.mark.parametrize("name", PACKAGES)
def test_each_passes_its_own_tests_and_the_kit_with_no_expected_failure(
    fresh: Fresh, installed: Path, name: str
) -> None:
    report = fresh.sh(f"python -m pytest -p no:cacheprovider {PACKAGES[name]}", installed)
    counts = {what: int(count) for count, what in re.findall(r"(\d+) (\w+)", report.splitlines()[-1])}
    assert counts["passed"] > 40
    assert "xfailed" not in counts


def test_both_find_what_they_are_for_in_one_stored_run(fresh: Fresh, installed: Path) -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=300)
    rows = np.column_stack([a, a + 0.1 * rng.normal(size=300), rng.normal(size=300)])
    rows[7] = [1.5, -1.5, 0.0]
    np.savetxt(installed / "rows.csv", rows, delimiter=",", header="a,b,c", comments="")
    command = "anomalist run rows.csv --detector local_outliers:neighbours=15 --detector masked --top 1 --json"
    found = json.loads(fresh.sh(command, installed))
    assert found["run"]["status"] == "done"
    assert [member["detector"] for member in found["run"]["members"]] == ["local_outliers", "masked"]
    assert found["top"][0]["row"] == 7
    assert {reason["column"] for reason in found["top"][0]["reasons"][:2]} == {"a", "b"}
    scored = json.loads(fresh.sh("anomalist score rows.csv --model rows --json", installed))
    assert scored["top"][0]["row"] == 7
