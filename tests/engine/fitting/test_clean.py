"""Rows that are known to be normal: what a run makes of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score

import anomalist
from anomalist.engine.fitting.panel import seats
from anomalist.engine.fitting.request import RunOptions
from anomalist.errors import DataError, UsageError
from tests.cli.samples import type_in

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.plugins.registry import Registry


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANOMALIST_DATA_HOME", str(tmp_path / "home"))
    return tmp_path


def pieces(rows: int, seed: int) -> pl.DataFrame:
    """Rows of two kinds, the rarer of which is as normal as the other."""
    rng = np.random.default_rng(seed)
    rare = rng.random(rows) < 0.1
    values = rng.normal(size=(rows, 4)) * 0.3 + np.where(rare, 4.0, 0.0)[:, None]
    return pl.DataFrame({f"x{i}": values[:, i] for i in range(4)})


def test_every_detector_that_trims_is_told_not_to(registry: Registry) -> None:
    for clean in (False, True):
        panel = seats(registry, panel="full", clean=clean)
        trims = [seat.params["trim"] for seat in panel if "trim" in seat.params]
        assert len(trims) >= 7
        assert all((trim == 0.0) is clean for trim in trims)


def test_what_the_user_set_stands(registry: Registry) -> None:
    (seat,) = seats(registry, panel="default", chosen=("gmm:trim=0.1",), clean=True)
    assert seat.params["trim"] == 0.1


def test_a_detector_for_clean_rows_is_left_out_of_a_panel_but_not_where_it_is_chosen(registry: Registry) -> None:
    by_name = {seat.name: seat for seat in seats(registry, panel="default")}
    assert by_name["lof"].skipped
    assert by_name["lof"].obstacle == "needs rows that are known to be normal: say so with --clean"
    assert all(seat.obstacle is None for seat in seats(registry, panel="default", clean=True) if seat.name == "lof")
    (chosen,) = seats(registry, panel="default", chosen=("lof",))
    assert chosen.obstacle is None


def test_rare_normal_rows_stay_normal(home: Path) -> None:
    rng = np.random.default_rng(2)
    odd = pl.DataFrame({f"x{i}": rng.normal(2.0, 0.1, size=20) for i in range(4)})
    new = pl.concat([pieces(400, 1), odd]).with_columns(pl.Series("odd", np.repeat([0, 1], [400, 20])))
    found = {}
    for clean in (False, True):
        run = anomalist.run(pieces(400, 0), panel="fast", clean=clean, name=f"clean-{clean}".lower())
        scores = anomalist.score(new, f"clean-{clean}".lower(), ignore="odd").scores
        found[clean] = average_precision_score(new["odd"], scores["score"])
        assert run.status == "done"
    assert found[True] > 0.95
    assert found[True] > found[False] + 0.1


def test_labels_that_belie_it_are_refused(home: Path) -> None:
    rows = pieces(50, 0).with_columns(pl.Series("label", ["bad", *["good"] * 49]))
    message = (
        r"label column 'label': rows said to be clean must be normal, got 1 anomalies among 50 labels; leave those"
    )
    with pytest.raises(DataError, match=message):
        anomalist.run(rows, label="label", positive="bad", clean=True, panel="fast")
    normal = pieces(50, 0).with_columns(label=pl.lit(0))
    assert anomalist.run(normal, label="label", clean=True, detectors="gmm").status == "done"


def test_the_next_version_is_as_clean_as_was_said_unless_that_changes(home: Path) -> None:
    first = anomalist.run(pieces(50, 0), clean=True, detectors="gmm", name="parts")
    rows = pieces(50, 1).with_columns(label=pl.Series([1] * 5 + [0] * 45))
    with pytest.raises(DataError, match=r"got 5 anomalies among 50 labels; .* \(in retrain: say --no-clean\)"):
        anomalist.retrain("parts", rows, label="label")
    with pytest.raises(UsageError, match="members that are kept are fitted on no rows, clean or not"):
        anomalist.retrain("parts", rows, label="label", members="reuse", clean=False)
    other = anomalist.retrain("parts", rows, label="label", clean=False)
    assert [run.result.row.params["options"]["clean"] for run in (first, other)] == [True, False]
    assert "clean          all rows are known to be normal" in type_in(f"show {first.id}").out
    assert "\nclean" not in type_in(f"show {other.id}").out


def test_the_options_are_kept_and_those_of_earlier_runs_are_read() -> None:
    plain = RunOptions(clean=True).to_dict()
    assert RunOptions.from_dict(plain).clean
    plain.pop("clean")
    assert not RunOptions.from_dict(plain).clean
