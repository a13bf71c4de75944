"""Searches from Python: what is wrong with one is said in words that hold for arguments, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import anomalist
from anomalist.errors import AnomalistError

if TYPE_CHECKING:
    from pathlib import Path

KINDS = pl.int_range(pl.len()) % 3


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "as the label, or search unsupervised"),
        ({"positive": "1"}, "as the label"),
        ({"label": "fraud", "panel": "fast"}, "a panel says .*: search unsupervised"),
        ({"label": "fraud"}, "label more, or search unsupervised"),
        ({"label": "kind"}, "name those that mean an anomaly as positive"),
        ({"detectors": ("knn", "gmm"), "space": "neighbours=5..9"}, "a space is for one detector"),
        ({"detectors": ()}, "a search needs a detector"),
    ],
)
def test_errors_name_arguments_and_no_flags(
    frame: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], says: str
) -> None:
    monkeypatch.setenv("ANOMALIST_DATA_HOME", str(tmp_path / "home"))
    with pytest.raises(AnomalistError, match=says) as caught:
        anomalist.tune(frame.with_columns(kind=KINDS), **asked)
    assert "--" not in str(caught.value)
