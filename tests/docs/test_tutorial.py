"""The tutorial works from its first line to its last and prints what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.docs.pages import DEMO, QUICK_DEMO, ROOT, disagreements, play
from tests.store.postgres import NoServerError, server

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "tutorial.md"
SHARED = "postgresql://ann@db.example/anomalies"


def test_tutorial(tmp_path: Path) -> None:
    try:
        with server() as url:
            played = play(PAGE, tmp_path, instead={DEMO: QUICK_DEMO, SHARED: f"'{url}'"})
    except NoServerError:  # the steps on PostgreSQL then run on a second SQLite file
        played = play(PAGE, tmp_path, instead={DEMO: QUICK_DEMO, SHARED: "shared.db"})
    assert len(played) > 30
    assert disagreements(PAGE, played) == []
