"""The page for authors works from its first line to its last, where anomalist is installed from its wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.docs.pages import ROOT, disagreements, play

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fresh import Fresh

PAGE = ROOT / "docs" / "authors.md"


def test_the_afternoon_of_an_author(fresh: Fresh, tmp_path: Path) -> None:
    played = play(PAGE, tmp_path, environ=fresh.environ(ANOMALIST_DATA_HOME=str(tmp_path / "home")))
    assert len(played) > 20
    assert disagreements(PAGE, played) == []
