"""The benchmark of speed runs, measures what it says, and fails where a target is missed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

from tests.benchmarks import speed, speed_targets
from tests.benchmarks.speed_data import make_rows
from tests.benchmarks.speed_exact import large_fit
from tests.benchmarks.speed_pairs import PAIRS, groups
from tests.benchmarks.speed_report import BEGIN, END, Report
from tests.benchmarks.speed_results import Result as SpeedResult
from tests.benchmarks.speed_sides import WRITTEN
from tests.benchmarks.speed_targets import ACCURACY, LARGE, TARGETS, Verdict, judge_accuracy, judge_large
from tests.benchmarks.timing import Peak, Spread, alternate, ratios, timed_often

if TYPE_CHECKING:
    from click.testing import Result

ROOT = Path(__file__).parents[1]
KNN = "knn, as PyOD's / PyOD KNN"


def run(*options: str) -> Result:
    return CliRunner().invoke(speed.main, options)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Result]:
    """Figures and page of two pairs, and how they were measured."""
    folder = tmp_path_factory.mktemp("speed")
    figures, page = folder / "figures.json", folder / "page.md"
    options = ("--only", "as PyOD's", "--rows", "300", "--columns", "4", "--repeat", "2")
    return figures, page, run(*options, "--json", str(figures), "--markdown", str(page))


def test_both_sides_are_measured_and_equal_settings_give_equal_scores(measured: tuple[Path, Path, Result]) -> None:
    figures, page, result = measured
    assert result.exit_code == 0, result.output
    assert "300 x 4, turn 2: PyOD KNN, fit" in result.stderr
    found = json.loads(figures.read_text())["results"]
    assert [(one["ours"], one["columns"]) for one in found] == [("ocsvm, as PyOD's", 4), ("knn, as PyOD's", 4)]
    for one in found:
        assert one["difference"] < 1e-4
        trials = [dict(zip(WRITTEN, trial, strict=True)) for side in one["trials"].values() for trial in side]
        assert len(trials) == 4
        assert all(trial["fit CPU s"] > 0 and trial["row CPU s"] > 0 for trial in trials)
        assert len({trial["ROC AUC"] for trial in trials}) == 1
    for written in map(SpeedResult.from_json, found):
        spread, own = written.ratio("score"), written.ratio("fit_and_score_over_fit")
        assert spread is not None
        assert own is not None
        assert 0 < spread.low <= spread.median <= spread.high
        assert own.median > written.ratio("fit").median
    assert page.read_text().count("| 300 x 4 | 1 |") == 2


def test_figures_of_several_files_are_put_together_and_judged(
    measured: tuple[Path, Path, Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [tmp_path / "one.json", measured[0]]
    older = json.loads(measured[0].read_text())
    older["results"] = [{**one, "difference": 9.0} for one in older["results"][:1]]
    parts[0].write_text(json.dumps(older))
    whole, page = tmp_path / "whole.json", tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    reading = [option for part in parts for option in ("--read", str(part))]
    assert run(*reading, "--json", str(whole), "--markdown", str(page)).exit_code == 0
    found = json.loads(whole.read_text())["results"]
    assert found == json.loads(parts[1].read_text())["results"]  # the later one counts
    assert page.read_text().startswith(f"before\n{BEGIN}\n\nanomalist")
    assert page.read_text().endswith(f"{END}\nafter\n")
    assert "old" not in page.read_text()
    missing = run("--read", str(whole), "--check")
    assert missing.exit_code == 1  # of most targets there are no figures
    assert "not measured" in missing.output
    for at_most, code in ((1e9, 0), (0.0, 1)):
        stated = (replace(TARGETS[-1], rows=300, columns=4, at_most=at_most),)
        monkeypatch.setattr(speed_targets, "TARGETS", stated)
        assert run("--read", str(whole), "--check", "--only", "ocsvm, as").exit_code == code
    stated = (replace(TARGETS[-1], rows=300, columns=4, at_most=1e9, auc_within=0.5, turns=3),)
    monkeypatch.setattr(speed_targets, "TARGETS", stated)
    few = run("--read", str(whole), "--check", "--only", "ocsvm, as")
    assert few.exit_code == 1  # two turns say too little about ROC AUC
    assert "not measured ocsvm, as PyOD's / PyOD OCSVM, 300 x 4: more ROC AUC" in few.output
    parts[0].write_text(parts[0].read_text().replace("pyod ", "pyod 0"))
    refused = run(*reading)
    assert refused.exit_code == 2
    assert "others of" in refused.output
    (tmp_path / "plain.md").write_text("no marks")
    assert run("--read", str(whole), "--markdown", str(tmp_path / "plain.md")).exit_code == 2


def test_the_page_shows_the_stored_figures() -> None:
    figures, page = ROOT / "docs" / "speed.json", (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    report = Report(names=[*(pair.name for pair in PAIRS), LARGE], about=json.loads(figures.read_text())["about"])
    report.read(figures)
    again = "python -m tests.benchmarks.speed --read docs/speed.json --markdown docs/speed.md"
    assert page.split(BEGIN)[1].split(END)[0].strip() == report.to_markdown().strip(), f"run {again}"
    assert again in page


def test_a_peer_is_left_out_above_its_rows_and_the_table_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = next(pair for pair in PAIRS if pair.name == KNN)
    monkeypatch.setattr(speed, "PAIRS", (replace(pair, peer=replace(pair.peer, rows=100)),))
    result = run("--rows", "50,100,200", "--columns", "4", "--repeat", "1")
    assert result.exit_code == 0, result.output
    assert re.search(r"200 x 4  PyOD KNN left out above 100 rows: \S+ CPU s of 100; \S+ extrapolated", result.stdout)
    assert max(map(len, result.stdout.splitlines())) <= 100
    monkeypatch.setattr(speed, "PAIRS", (replace(pair, ours=replace(pair.ours, rows=100)),))
    result = run("--rows", "200", "--columns", "4", "--repeat", "1")
    assert result.exit_code == 0, result.output
    assert "200 x 4  knn, as PyOD's left out above 100 rows" in result.stdout


@pytest.mark.parametrize(("at_most", "code"), [(1e9, 0), (0.0, 1)])
def test_a_check_fails_where_a_target_is_missed(at_most: float, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    stated = tuple(replace(target, rows=300, columns=4, at_most=at_most, turns=2) for target in TARGETS)
    monkeypatch.setattr(speed_targets, "TARGETS", stated)
    result = run("--check", "--only", "ocsvm, as", "--repeat", "1")
    assert result.exit_code == code, result.output
    assert ("MISSED" in result.output) == bool(code)
    assert "largest difference of a score" in result.output


def test_labelled_sets_are_judged_too(tmp_path: Path) -> None:
    rows = make_rows(200, 4)
    np.savez(tmp_path / "set.npz", X=rows.score, y=rows.labels)
    result = run("--no-times", "--only", "mahalanobis / PyOD PCA", "--data", str(tmp_path))
    assert result.exit_code == 0, result.output
    means = {line.split("  ")[0]: line.split()[-2:] for line in result.output.splitlines()}
    assert float(means["mahalanobis"][0]) > 0.5
    assert float(means["PyOD PCA"][0]) > 0.5


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    for options in (("--check", "--rows", "10"), ("--only", "nothing"), ("--rows", "many"), ("--no-times",)):
        assert run(*options).exit_code == 2
    assert run("--no-times", "--data", str(tmp_path), "--only", KNN).exit_code == 1
    assert "tests.benchmarks.ensembles" in run("--list").output


def test_every_target_names_a_pair() -> None:
    names = {pair.name for pair in PAIRS}
    assert {target.pair for target in TARGETS} <= names
    assert {f"{ours} / {peer}" for ours, peer, _ in ACCURACY} <= names
    assert len(names) == len(PAIRS) == sum(map(len, groups(PAIRS)))


def test_accuracy_is_judged_by_the_means() -> None:
    means = {"gan": (0.7, 0.3), "PyOD SO_GAAL": (0.5, 0.2), "PyOD ALAD": (0.65, 0.2)}
    names = ["gan / PyOD SO_GAAL", "gan / PyOD ALAD"]
    assert [verdict.met for verdict in judge_accuracy(means, names)] == [True, False]
    assert [verdict.met for verdict in judge_accuracy({}, names)] == [None, None]


def test_the_exact_fit_is_extrapolated_from_growing_ones() -> None:
    found = large_fit(rows=2_000, columns=4, repeat=1, growth=(250, 500, 1_000))
    assert found.exact_rows == 1_000
    assert found.extrapolated > found.exact_seconds[1_000]
    assert found.exponent > 0
    assert min(found.auc_exact, found.auc_same, found.auc_all) > 0.5
    assert judge_large([found], [LARGE], everything=False) == []  # a target is stated for one size only
    assert judge_large([found], [LARGE], everything=True)[0].met is None
    large = replace(found, rows=100_000, columns=20, auc_all=found.auc_exact - 0.02)
    assert judge_large([large], [LARGE], everything=True)[1] == Verdict(
        what="ocsvm, fit of 100,000 x 20: ROC AUC above exact on 1,000 rows",
        value=min(large.auc_same, large.auc_all) - large.auc_exact,
        limit=-0.01,
        at_most=False,
    )
    assert judge_large([large], [LARGE], everything=True)[1].met is False


def test_rows_are_made_anew_alike_and_hold_anomalies_of_every_kind() -> None:
    one, two = make_rows(400, 8), make_rows(400, 8)
    assert np.array_equal(one.fit, two.fit)
    assert np.array_equal(one.score, two.score)
    assert one.fit.dtype == np.float32
    assert one.labels.sum() == 20
    assert not np.array_equal(one.fit, make_rows(400, 8, seed=1).fit)


def test_sides_take_turns_until_they_took_too_long() -> None:
    calls: list[object] = []
    spin = np.random.default_rng(0).normal(size=(600, 600))

    def slow(turn: int) -> int:
        calls.append(("slow", turn))
        for _ in range(3):
            spin @ spin
        return turn

    found = alternate({"slow": slow, "fast": lambda turn: calls.append(("fast", turn))}, repeat=3, seconds=0.003)
    assert calls == [("slow", 0), ("fast", 0), ("fast", 1), ("fast", 2)]
    assert found["slow"] == [0]
    calls.clear()
    alternate({name: (lambda _, name=name: calls.append(name)) for name in "ab"}, repeat=2, seconds=1.0)
    assert calls == ["a", "b", "b", "a"]
    assert ratios([2.0, 9.0, 4.0], [1.0, 3.0]) == Spread(median=2.5, low=2.0, high=3.0)


def test_peak_memory_is_above_what_was_there_before() -> None:
    kept = np.ones(1 << 23)
    with Peak() as peak:
        np.ones(1 << 22).sum()
    if peak.bytes is None:
        pytest.skip("this system keeps no high-water mark")
    assert 0.9 * 2**25 <= peak.bytes < kept.nbytes


def test_the_cost_of_a_short_call_is_that_of_one() -> None:
    cost = timed_often(lambda: sum(range(1000)), seconds=0.01)
    assert 0 < cost.cpu < 0.005
