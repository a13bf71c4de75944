"""The package on the page about features is complete: installed as written, it does what the page says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.docs.pages import ROOT, disagreements, play
from tests.docs.test_plugins import INSTALL, INSTALL_HERE

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "features.md"


def test_the_package_installs_and_works(tmp_path: Path) -> None:
    played = play(PAGE, tmp_path, instead={INSTALL: INSTALL_HERE})
    assert len(played) > 8
    assert disagreements(PAGE, played) == []
