"""Fields of an entry: what is kept of what people give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anomalist.engine.feedback.fields import analyst_name, check_text

if TYPE_CHECKING:
    import pytest


def test_texts_of_any_language_are_kept() -> None:
    assert check_text("note", "naïve\u00a0Łódź \N{FAMILY} ok\ttab") == "naïve\u00a0Łódź \N{FAMILY} ok\ttab"
    assert check_text("note", "  \n") is None
    assert check_text("note", None) is None


def test_who_judges_is_whoever_is_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "eve")
    assert analyst_name(None) == "eve"
    assert analyst_name(" ann ") == "ann"
