"""The page about the loop works from its first line to its last, key strokes included, and prints what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.docs.pages import ROOT, disagreements, play

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "loop.md"


def test_loop(tmp_path: Path) -> None:
    played = play(PAGE, tmp_path)
    assert len(played) > 30
    assert sum(one.step.keys is not None for one in played) == 1
    assert disagreements(PAGE, played) == []
