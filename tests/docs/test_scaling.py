"""The page about scaling says what detectors sample, and its commands work."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anomalist.data.dataset import Dataset
from anomalist.plugins.registry import Registry
from tests.docs.pages import ROOT, disagreements, play

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "scaling.md"
SAMPLES = {"rows", "max_rows", "subsample", "exact_rows", "anchors"}


def test_the_table_holds_every_sample_of_the_panels() -> None:
    registry = Registry.load()
    names = {spec.name for spec in registry.panel("full")}
    limits = {
        (name, parameter.name): parameter.default
        for name in names
        for parameter in registry.parameters(name)
        if parameter.name in SAMPLES
    }
    told = re.findall(r"^\| (\w+) \| `(\w+)` \| ([\d,]+) ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    found = {(name, parameter): limit.replace(",", "") for name, parameter, limit in told}
    assert limits.keys() == found.keys()
    for (name, parameter), limit in found.items():
        if limits[name, parameter] == "none":  # the detector finds it itself: what it does is what counts
            rows = np.random.default_rng(0).normal(size=(int(limit) + 1, 2))
            notes = registry.built(name, {}).made.fit(Dataset.from_array(rows)).notes
            assert any(f"({parameter}={limit})" in note for note in notes)
        else:
            assert limits[name, parameter] == limit


def test_a_model_of_a_sample_scores_the_parts(tmp_path: Path) -> None:
    pl.DataFrame(np.random.default_rng(0).normal(size=(450, 3))).write_parquet(tmp_path / "big.parquet")
    played = play(PAGE, tmp_path, instead={"1_000_000": "300", "part*": "part1"})
    assert len(played) == 3
    assert disagreements(PAGE, played) == []
    assert len(pl.read_parquet(tmp_path / "sample.parquet")) == 300
    assert [len(pl.read_parquet(tmp_path / f"part{part}.parquet")) for part in (0, 1)] == [300, 150]
    assert "150 rows" in (tmp_path / "part1.parquet.txt").read_text(encoding="utf-8")
