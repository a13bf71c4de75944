"""The packages on the page about plugins are complete: installed as written, they do what the page says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.docs.pages import DEMO, QUICK_DEMO, ROOT, disagreements, play

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "plugins.md"
INSTALL = "pip install"
INSTALL_HERE = (
    "export PYTHONPATH=$PWD/site:$PYTHONPATH; "
    "python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --target site"
)
"""The same into the folder of the test, with nothing fetched."""


def test_the_packages_install_and_work(tmp_path: Path) -> None:
    played = play(PAGE, tmp_path, instead={INSTALL: INSTALL_HERE, DEMO: QUICK_DEMO})
    assert len(played) > 8
    assert disagreements(PAGE, played) == []
