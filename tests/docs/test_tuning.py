"""The page about tuning works from its first line to its last and prints what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.docs.pages import ROOT, disagreements, play

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "tuning.md"


def test_tuning(tmp_path: Path) -> None:
    played = play(PAGE, tmp_path)
    assert len(played) > 8
    assert disagreements(PAGE, played) == []
