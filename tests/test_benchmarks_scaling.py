"""The benchmark of growth measures real processes, says how they grow, and fails where a bound is missed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tests.benchmarks.scaling import main
from tests.benchmarks.scaling_cases import alone, table
from tests.benchmarks.scaling_report import allowed, power

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def case(what: str, rows: int, cpu: float, peak: float = 2.0**29) -> dict[str, Any]:
    return {"what": what, "rows": rows, "columns": 20, "cpu": cpu, "wall": cpu, "peak": peak}


def figures(**changed: Any) -> dict[str, Any]:
    """Of a program that keeps every bound."""
    return {
        "rows": [case("fast", 100_000, 5.0), case("fast", 1_000_000, 50.0), case("default", 100_000, 9.0)],
        "members": {
            "rows": [
                {"detector": "knn", "rows": rows, "columns": 20, "fit": 0.1, "score": rows * 1e-6, "peak": 2.0**20}
                for rows in (100_000, 1_000_000)
            ]
        },
        "ways": [case("run --panel fast, CSV", 1_000_000, 50.0)],
        "forest": 10.0,
        **changed,
    }


def told(found: dict[str, Any], folder: Path, *options: str) -> Any:
    path = folder / "figures.json"
    path.write_text(json.dumps(found), encoding="utf-8")
    return CliRunner().invoke(main, ["--read", str(path), *options])


def test_growth_is_told_and_drawn(tmp_path: Path) -> None:
    done = told(figures(), tmp_path, "--draw", str(tmp_path / "growth.svg"))
    assert done.exit_code == 0, done.output
    assert "| fast, CPU s | 5.0 | 50.0 | 1.00 |" in done.output
    assert "| default, CPU s | 9.0 |  |  |" in done.output
    assert "| score | 0.10 | 1.0 | 1.00 |" in done.output
    assert "| run --panel fast, CSV | 50.0 | 5.0 | 512 |" in done.output
    drawn = (tmp_path / "growth.svg").read_text(encoding="utf-8")
    told(figures(), tmp_path, "--draw", str(tmp_path / "again.svg"))
    assert drawn == (tmp_path / "again.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"rows": [case("fast", 100, 1.0), case("fast", 1000, 20.0)]}, "to the power of 1.3, wanted at most 1.1"),
        ({"rows": [case("fast", 1_000_000, 1.0, 2.0**31)]}, "2048 MiB at 1,000,000 x 20, allowed 1253"),
        ({"ways": [case("run --panel fast, CSV", 1_000_000, 90.0)]}, "9.0 passes of isolation forest, wanted at most"),
    ],
)
def test_a_bound_that_is_missed_is_an_error(changed: dict[str, Any], says: str, tmp_path: Path) -> None:
    done = told(figures(**changed), tmp_path)
    assert done.exit_code == 1
    assert says in done.output


def test_bounds_are_those_of_the_fast_panel(tmp_path: Path) -> None:
    slow = [case("default", 100, 1.0, 2.0**33), case("default", 1000, 100.0, 2.0**33)]
    assert told(figures(rows=slow), tmp_path).exit_code == 0
    assert allowed(1_000_000, 20) == 12.0 * 20e6 + 2**30
    assert power({1000: 1.0}) is None


def test_a_detector_alone_is_measured_on_each_table(tmp_path: Path) -> None:
    found = alone("mahalanobis", [table(tmp_path, rows, 3) for rows in (200, 400)])
    assert [(one.detector, one.rows, one.columns) for one in found] == [("mahalanobis", rows, 3) for rows in (200, 400)]
    assert all(one.fit > 0 and one.score > 0 for one in found)
