"""The package on the page about features is complete: installed as written, it does what the page says."""

from __future__ import annotations

import datetime as dt
import importlib
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anomalist.data.table import Table
from tests.docs.pages import ROOT, disagreements, play, write_files
from tests.docs.test_plugins import INSTALL, INSTALL_HERE

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PAGE = ROOT / "docs" / "features.md"


def test_the_package_installs_and_works(tmp_path: Path) -> None:
    played = play(PAGE, tmp_path, instead={INSTALL: INSTALL_HERE})
    assert len(played) > 8
    assert disagreements(PAGE, played) == []


def test_its_features_are_what_a_loop_over_the_rows_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(PAGE, tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "anomalist-velocity")
    velocity = importlib.import_module("anomalist_velocity.velocity").Velocity(window="2h")
    rng = np.random.default_rng(0)
    seconds, cards = rng.integers(0, 400, 300) * 60, rng.integers(0, 6, 300)
    start = dt.datetime(2024, 1, 1)
    when = [start + dt.timedelta(seconds=int(second)) for second in seconds]
    frame = pl.DataFrame({"n": range(300), "at": when, "card": cards})
    made = velocity.fit(Table.from_frame(frame, key="n", time="at", entity="card")).transform(
        Table.from_frame(frame, key="n", time="at", entity="card")
    )
    counts, pauses = [], []
    for row in range(300):
        same = (cards == cards[row]) & (np.arange(300) != row)
        counts.append(int((same & (seconds <= seconds[row]) & (seconds > seconds[row] - 7200)).sum()))
        before = seconds[same & ((seconds < seconds[row]) | ((seconds == seconds[row]) & (np.arange(300) < row)))]
        pauses.append(min(7200.0, float(seconds[row] - before.max())) if before.size else 7200.0)
    assert made["card_velocity_2h"].to_list() == counts
    assert made["card_pause_2h"].to_list() == pauses
    usual = np.array([np.mean([counts[i] for i in np.flatnonzero(cards == card)]) for card in cards])
    np.testing.assert_allclose(made["card_rush_2h"], (np.array(counts) + 1) / (usual + 1))
    numbers = frame.with_columns(at=pl.Series(seconds))
    same = velocity.transform(Table.from_frame(numbers, key="n", time="at", entity="card"))
    assert same.equals(made)
