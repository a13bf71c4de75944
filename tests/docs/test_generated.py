"""The reference pages say what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def generator():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "page", ["commands.md", "configuration.md", "detectors.md", "pyod.md", "stackers.md", "store-schema.md"]
)
def test_reference_pages_are_up_to_date(page: str) -> None:
    expected = "\n".join(generator().PAGES[page]()).rstrip() + "\n"
    found = (DOCS / page).read_text(encoding="utf-8")
    assert found == expected, "run `python docs/generate.py`"
