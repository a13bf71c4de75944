"""The examples on the page about Python give what they say."""

from __future__ import annotations

import doctest
import os
from typing import TYPE_CHECKING

import polars as pl

from anomalist.engine.runs.demo import write_demo_data
from tests.docs.pages import ROOT, agrees, blocks, run_ids, stable

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PAGE = ROOT / "docs" / "python.md"


class Checker(doctest.OutputChecker):
    """Compares outputs as those of commands are compared: ids and decimals may differ."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return agrees(stable(want, run_ids(want)), stable(got, run_ids(got)))


def test_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ANOMALIST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ANOMALIST_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    write_demo_data(tmp_path / "anomalist-demo" / "cells.csv")
    text = "".join("\n" * 2 + block for _, block in blocks(PAGE, "pycon"))
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    report: list[str] = []
    with pl.Config(tbl_width_chars=100):
        failed, attempted = doctest.DocTestRunner(Checker()).run(test, out=report.append)
    assert attempted > 40
    assert not failed, "".join(report)
