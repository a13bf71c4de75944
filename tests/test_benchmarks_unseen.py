"""The benchmark on unseen tables makes and trains on what it says, gives peers what they can read, and can fail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from tests.benchmarks import unseen
from tests.benchmarks.unseen_made import KINDS, made
from tests.benchmarks.unseen_peers import matrices
from tests.benchmarks.unseen_report import PANEL, Report
from tests.benchmarks.unseen_tables import Case, with_files, without_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def normal() -> np.ndarray:
    rng = np.random.default_rng(0)
    first = rng.normal(size=400)
    return np.column_stack([first, first + 0.1 * rng.normal(size=400), rng.integers(0, 9, 400), np.full(400, 7.0)])


@pytest.mark.parametrize("kind", KINDS)
def test_made_anomalies_are_rows_of_the_same_columns(kind: str, normal: np.ndarray) -> None:
    found = made(kind, normal, 50, np.random.default_rng(1))
    assert found.shape == (50, 4)
    assert (found[:, 2] == np.rint(found[:, 2])).all()
    assert (found[:, 3] == 7.0).all()
    assert np.array_equal(found, made(kind, normal, 50, np.random.default_rng(1)))


def test_each_kind_is_strange_in_its_own_way(normal: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    found = {kind: made(kind, normal, 200, rng) for kind in KINDS}
    assert np.abs(found["dependency"][:, :1] - normal[:, 0]).min(axis=1).max() < 1e-9
    assert abs(np.corrcoef(found["dependency"][:, :2].T)[0, 1]) < 0.3
    assert np.corrcoef(found["local"][:, :2].T)[0, 1] > 0.9
    assert found["local"][:, 0].std() > 1.7 * normal[:, 0].std()
    assert found["clustered"][:, 0].std() < 0.5 * normal[:, 0].std()
    assert np.ptp(found["global"][:, 0]) > 0.9 * np.ptp(normal[:, 0])


def test_tables_have_few_anomalies_and_are_drawn_by_the_seed() -> None:
    cases = list(without_files(0, ("diabetes", "iris")))
    assert {case.group for case in cases} == {"one class", *(f"made, {kind}" for kind in KINDS)}
    assert all(5 <= case.labels.sum() <= 0.06 * len(case.labels) for case in cases)
    assert len({case.name for case in cases}) == len(cases)
    assert len(cases) == 3 + 4
    assert not next(without_files(1, ("iris",))).frame.equals(cases[0].frame)


def test_normal_rows_are_trained_on_and_the_others_judged() -> None:
    labels = np.repeat([0, 1], [90, 10])
    case = Case(name="rows", group="any", frame=pl.DataFrame({"x": np.arange(100.0)}), labels=labels)
    halves = case.normals(0)
    assert halves.train.frame["x"].max() < 90
    assert (len(halves.train), len(halves.judged), halves.labels.sum()) == (45, 55, 10)
    assert len(case.at_most(30, 0).labels) == 30


def test_files_are_read_without_what_tells_the_label(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    pl.DataFrame(
        {"id": [1, 2, 3], "at": ["2024-01-01"] * 3, "kind": ["a", None, "b"], "TWF": [0, 0, 1], "bad": [0, 0, 1]}
    ).write_csv(tmp_path / "raw" / "rows.csv")
    about = {"file": "raw/rows.csv", "label": "bad", "positive": ["1"], "id_columns": ["id"]}
    (tmp_path / "raw" / "README.json").write_text(json.dumps({"rows": about, "none": {"label": None}}))
    (case,) = with_files(tmp_path)
    assert (case.frame.columns, case.labels.tolist()) == (["at", "kind"], [0, 0, 1])


def test_a_sample_without_anomalies_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "embeddings").mkdir()
    values = np.random.default_rng(0).normal(size=(400, 2))
    np.savez(tmp_path / "embeddings" / "rare.npz", X=values, y=np.arange(400) == 399)
    found = [[case.labels.sum() for case in unseen.cases(tmp_path, ("rare",), 100, seed)] for seed in range(20)]
    assert {tuple(sums) for sums in found} == {(), (1,)}


def test_peers_get_numbers_whatever_the_columns_hold() -> None:
    train = pl.DataFrame({"x": [1.0, None, 3.0], "same": [1, 1, 1], "kind": ["a", "b", "a"]})
    judged = pl.DataFrame({"x": [None], "same": [2], "kind": ["new"]}, schema=train.schema)
    first, second = matrices(train, judged)
    assert first.shape == (3, 3)
    assert second.tolist() == [[0.0, 0.0, 0.0]]


def test_the_report_counts_tables_and_says_where_the_panel_is_behind() -> None:
    report = Report(title="Any way")
    report.add("one", "first", {PANEL: (0.9, 0.5), "knn": (0.8, 0.6)})
    report.add("two", "second", {PANEL: (0.7, 0.3)})
    assert "| knn (on 1) | 0.800 | 0.600 | 1 / 0 | 0 / 1 | 0.600 |  |" in report.table(markdown=True)
    assert [(target.got, target.bound, target.met) for target in report.targets()] == [
        (0.9, 0.8, True),
        (0.5, 0.6, False),
    ]


def test_it_runs_without_files_and_can_fail(tmp_path: Path) -> None:
    written = tmp_path / "found.json"
    line = ["--only", "iris 1", "--way", "all", "--no-peers", "--check", "--json", str(written)]
    done = CliRunner().invoke(unseen.main, line)
    assert done.exit_code == 1
    assert "the panel is behind in" in done.output
    assert set(json.loads(written.read_text())["all"]["figures"]["iris 1"]) >= {PANEL, "knn", "vae"}
