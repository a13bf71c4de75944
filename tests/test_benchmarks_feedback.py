"""The feedback benchmark runs, measures what it says, and fails where its floors are not met."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

from tests.benchmarks.feedback import halves_of, main
from tests.benchmarks.feedback_calibration import calibration_error
from tests.benchmarks.feedback_course import Course, checkpoints, simulate
from tests.benchmarks.feedback_peers import XGBOD, peers, standardised
from tests.benchmarks.feedback_report import BETTER_XGBOD, CONSENSUS, Floors, Results

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

LEARNERS = ("AADForest", "PineForest", *XGBOD)


def rows(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds of rows: the usual, those that the analyst wants to see, and odd ones of no interest."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % 25 == 0).astype(np.float64)
    odd = np.arange(count) % 25 == 1
    values = rng.normal(size=(count, 4))
    values[labels == 1, 0] += 5
    values[odd, 1] += 6
    return values.astype(np.float32), labels


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set of 1,000 rows and one that is too small to be used."""
    for name, count in (("large", 1_000), ("small", 400)):
        values, labels = rows(count, seed=1)
        np.savez(tmp_path / f"{name}.npz", X=values, y=labels.astype(np.int64))
    return tmp_path


def run(folder: Path, *options: str) -> Result:
    fixed = ["--data", str(folder), "--seeds", "1", "--panel", "fast", "--no-peers", "--stacker", "gp"]
    return CliRunner().invoke(main, [*fixed, *options])


def test_it_measures_what_is_learned_on_sets_that_are_large_enough(folder: Path) -> None:
    result = run(folder, "--budget", "20", "--json", str(folder / "figures.json"))
    assert result.exit_code == 0, result.output
    figures = json.loads((folder / "figures.json").read_text())
    assert list(figures["sets"]) == ["large"]
    assert figures["rows"] == {"large": 500}
    assert figures["verdicts"] == [0, 5, 10, 20]
    means = figures["means"]
    assert set(means) == {"gp", CONSENSUS}
    assert means["gp"]["precision"]["0"] == pytest.approx(means[CONSENSUS]["precision"]["20"], abs=1e-6)
    assert means["gp"]["precision"]["20"] > means[CONSENSUS]["precision"]["20"] + 0.1
    assert 0 < means["gp"]["found"]["20"] <= 20
    assert 0 < figures["calibration"]["large"]["gp"][0] < 0.5
    assert "average precision after" in result.output


def test_a_floor_that_is_not_met_is_an_error(folder: Path) -> None:
    result = run(folder, "--budget", "20", "--at-least-gain", "0.99")
    assert result.exit_code == 1
    assert "from the consensus, wanted +0.990" in result.output


@pytest.mark.parametrize("floors", [["--ahead"], ["--at-least-lead", "0.1"], ["--calibrated"]])
def test_floors_that_need_the_peers_are_refused_without_them(folder: Path, floors: list[str]) -> None:
    result = run(folder, *floors)
    assert result.exit_code == 2
    assert "need the peers" in result.output


def test_floors_after_more_verdicts_than_there_are_are_refused(folder: Path) -> None:
    assert run(folder, "--budget", "10", "--at-least-gain", "0.1").exit_code == 2


def test_a_folder_without_a_large_set_is_refused(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 1
    assert "no .npz file of at least 1,000 rows" in result.output


def test_every_peer_learns_from_its_own_questions() -> None:
    values, labels = rows(400, seed=2)
    unseen, unseen_labels = rows(400, seed=3)
    for name, peer in peers(standardised(values, unseen, seed=0)).items():
        course = simulate(peer, labels, unseen_labels, budget=30, batch=5)
        assert list(course.precision) == [0, 5, 10, 20, 30], name
        assert len(course.seconds) == 6, name
        assert course.auc[30] > 0.6, name
        assert 2 <= course.found[30] <= labels.sum(), name


def test_a_learner_is_never_asked_for_more_than_the_next_measurement() -> None:
    counts, labels = [], np.zeros(50)
    labels[:3] = 1

    class InOrder:
        def learn(self, rows: np.ndarray, labels: np.ndarray) -> None:
            self.known = rows.size

        def ask(self, count: int) -> np.ndarray:
            counts.append(count)
            return np.arange(self.known, self.known + count)

        def unseen(self) -> np.ndarray:
            return -np.arange(50.0)

    course = simulate(InOrder(), labels, labels, budget=12, batch=4)
    assert counts == [4, 1, 4, 1, 2]
    assert course.found == {0: 0, 5: 3, 10: 3, 12: 3}
    assert course.precision[12] == 1


def test_halves_share_no_row_and_keep_no_order() -> None:
    judged, unseen = halves_of(1_001, seed=0)
    assert sorted([*judged, *unseen]) == list(range(1_001))
    assert judged.size == 500
    assert abs(np.corrcoef(judged, np.arange(500))[0, 1]) < 0.2
    assert not np.array_equal(judged, halves_of(1_001, seed=1)[0])


def test_checkpoints_end_with_the_budget() -> None:
    assert checkpoints(30) == (0, 5, 10, 20, 30)
    assert checkpoints(100) == (0, 5, 10, 20, 50, 100)


def test_calibration_error_is_the_gap_between_what_is_said_and_what_happens() -> None:
    labels = np.array([0.0, 0.0, 0.0, 1.0])
    assert calibration_error(labels, np.full(4, 0.25)) == pytest.approx(0)
    assert calibration_error(labels, np.full(4, 0.75)) == pytest.approx(0.5)
    assert calibration_error(labels, np.array([0.0, 0.0, 0.0, 1.0])) == 0
    assert calibration_error(labels, np.array([1.0, 1.0, 1.0, 0.0])) == 1


def results() -> Results:
    """Two sets on which gp is better than the consensus, and each convention of XGBOD on one."""

    def course(*precision: float) -> Course:
        by_at = dict(zip((0, 5, 20), precision, strict=True))
        return Course(precision=by_at, auc=by_at, found=dict.fromkeys(by_at, 1), seconds=[0.1], calibrated=np.zeros(1))

    found = Results(at=(0, 5, 20))
    for name, gp, consensus, normal, labelled in (
        ("a", (0.3, 0.2, 0.8), (0.3, 0.3, 0.3), (0.1, 0.3, 0.3), (0.1, 0.2, 0.6)),
        ("b", (0.3, 0.6, 0.8), (0.3, 0.3, 0.3), (0.1, 0.3, 0.3), (0.1, 0.2, 0.4)),
    ):
        courses = {
            "gp": course(*gp),
            CONSENSUS: course(*consensus),
            XGBOD[0]: course(*normal),
            XGBOD[1]: course(*labelled),
        }
        found.add(name, 500, courses, {"gp": 0.1, "KNN linear": 0.2, "KNN unify": 0.1})
    return found


def test_the_better_convention_of_xgbod_counts_at_each_number_of_verdicts() -> None:
    found = results()
    assert found.mean(BETTER_XGBOD, "precision", 5) == pytest.approx(0.3)
    assert found.mean(BETTER_XGBOD, "precision", 20) == pytest.approx(0.5)
    assert BETTER_XGBOD in found.tables()


def test_floors_say_what_was_not_met() -> None:
    found = results()
    assert Floors(gain=0.5, lead=0.29, loss=0.11, ahead=True).broken(found, "gp", XGBOD) == []
    floors = Floors(gain=0.51, lead=0.31, loss=0.05, calibrated=True)
    broken = floors.broken(found, "gp", XGBOD)
    assert [line.partition(" ")[0] for line in broken] == ["after", "after", "after", "the"]
    assert "-0.100 from the consensus on a" in broken[2]
    assert "KNN unify" in broken[3]
    assert Floors(ahead=True).broken(found, XGBOD[0], ["gp"]) != []
