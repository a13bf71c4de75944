"""The package on the page about plugins is complete: installed as written, it does what the page says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.docs.pages import DEMO, QUICK_DEMO, ROOT, disagreements, play

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "plugins.md"
INSTALL = "pip install ./anomalist-median"
INSTALL_HERE = (
    "python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --target site "
    "./anomalist-median && export PYTHONPATH=$PWD/site:$PYTHONPATH"
)
"""The same into the folder of the test, with nothing fetched."""


def test_the_package_installs_and_works(tmp_path: Path) -> None:
    played = play(PAGE, tmp_path, instead={INSTALL: INSTALL_HERE, DEMO: QUICK_DEMO})
    assert len(played) > 5
    assert disagreements(PAGE, played) == []
