"""JSON and tables."""

from __future__ import annotations

import json
import os
import pty
import re
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from anomalist.cli.output import emit, print_pairs, print_table


def test_json_is_one_object_of_plain_values(capsys: pytest.CaptureFixture[str]) -> None:
    payload = {
        "a": np.float64(0.5),
        "b": np.int64(3),
        "c": {"y", "x"},
        "d": Path("/x"),
        "e": date(2024, 2, 1),
        "f": "ü",
    }
    emit(True, payload, lambda: pytest.fail("no text was asked for"))
    written = capsys.readouterr().out
    assert json.loads(written) == {
        "schema": 1,
        "a": 0.5,
        "b": 3,
        "c": ["x", "y"],
        "d": "/x",
        "e": "2024-02-01",
        "f": "ü",
    }
    assert "ü" in written


@pytest.mark.parametrize(("value", "error"), [(float("nan"), ValueError), (object(), TypeError)])
def test_what_is_not_json_is_refused(value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        emit(True, {"a": value}, lambda: None)


def test_a_piped_table_is_plain_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "rows"), [("x" * 300, 12), ("[64,32]", 1234), (None, 5)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "name" + " " * 299 + "rows"
    assert lines[1] == "x" * 300 + "     12"
    assert lines[2] == "[64,32]" + " " * 295 + "1,234"
    assert lines[3].startswith("- ")


def test_an_empty_table_is_its_header(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "rows"), [])
    assert capsys.readouterr().out == "name  rows\n"


def test_pairs_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    print_pairs({"a": 1, "long": None})
    assert capsys.readouterr().out == "a     1\nlong  -\n"


def test_a_terminal_gets_a_table_without_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = pty.openpty()
    with os.fdopen(writing, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "40")
        print_table(("name",), [("[bold]x",), ("word " * 20,)])
        terminal.flush()
        written = os.read(reading, 10_000).decode()
    os.close(reading)
    assert "[bold]x" in written
    assert "\x1b[3" not in written  # no colour
    assert max(len(re.sub(r"\x1b\[\d*m", "", line)) for line in written.splitlines()) <= 40
    assert written.count("word") == 20
