"""The discovery benchmark runs, and fails where its limit is not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.discovery import main

if TYPE_CHECKING:
    import pytest


def test_the_benchmark_measures_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--plugins", "2", "--repetitions", "1", "--at-most", "-1000"]) == 1
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[-2:] == ["2", "more"]
    costs = {line[:32].strip(): [float(cell) for cell in line[32:].split()] for line in lines}
    assert set(costs) == {"anomalist --help", "anomalist plugins list", "anomalist detectors"}
    assert all(without > 0 and many > 0 for without, many, _ in costs.values())
