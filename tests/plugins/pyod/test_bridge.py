"""Detectors of PyOD as detectors of anomalist."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from anomalist.data.dataset import Dataset
from anomalist.errors import DetectorError, DetectorTimeoutError, ModelFileError, NotFittedError
from anomalist_plugins.pyod import detectors
from anomalist_plugins.pyod.scoring import BLOCK
from tests.helpers import anomalist, no_time_left

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(0)
ROWS = Dataset.from_array(RNG.normal(size=(60, 4)))


def test_a_score_that_cannot_be_computed_is_that_of_a_median_row_and_an_infinite_one_is_bounded() -> None:
    detector = detectors.KNN().fit(ROWS)
    known = detector._models[0].decision_scores_
    detector._models[0].decision_function = lambda rows: np.array([np.nan, np.inf, -np.inf, 2.0])
    found = detector.score(ROWS.take(slice(4)))
    assert found.tolist() == [np.median(known), known.max(), known.min(), 2.0]


def test_parameters_that_too_few_rows_do_not_allow_are_lowered_and_said() -> None:
    few = ROWS.take(slice(10))
    detector = detectors.LOF().fit(few)
    assert detector.notes == ("n_neighbors is 9 instead of 20: there are only 10 rows",)
    assert detector.n_neighbors == 20
    assert detectors.LOF().fit(ROWS).notes == ()


def test_rows_scored_beside_others_are_said_to_be() -> None:
    detector = detectors.SOD(reference=25).fit(ROWS)
    assert detector.notes == ("trained on 25 of 60 rows, drawn at random (reference=25)",)
    other = detectors.SOD(reference=25, seed=1).fit(ROWS)
    assert not np.array_equal(detector.score(ROWS), other.score(ROWS))


@pytest.mark.parametrize("rows", [32, 33, 60])
def test_no_batch_of_one_row_is_left_over(rows: int) -> None:
    data = ROWS.take(slice(rows))
    found = detectors.AE1SVM(epochs=1, batch_size=32, kernel_approx_features=10).fit(data).score(data)
    assert np.isfinite(found).all()


def test_blocks_make_no_difference() -> None:
    data = Dataset.from_array(RNG.normal(size=(BLOCK + 3, 4)))
    detector = detectors.DeepSVDD(epochs=2).fit(ROWS)
    found = detector.score(data)
    for row in (0, BLOCK - 1, BLOCK, BLOCK + 2):
        assert detector.score(data.take(slice(row, row + 1)))[0] == found[row]


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("ALAD", {"epochs": 5, "spectral_normalization": True, "device": "cpu"}),
        ("VAE", {"epoch_num": 1, "device": "cpu"}),
        ("DIF", {"n_ensemble": 2, "device": "cpu"}),
        ("DeepSVDD", {"epochs": 1}),
        ("SOS", {"reference": 15}),
        ("LOCI", {"reference": 30}),
        ("LMDD", {"reference": 15, "n_iter": 3}),
    ],
)
def test_what_pyod_scores_by_chance_or_by_the_batch_is_the_rows_own(name: str, params: dict[str, object]) -> None:
    detector = getattr(detectors, name)(**params).fit(ROWS)
    found = detector.score(ROWS)
    assert np.array_equal(detector.score(ROWS), found)
    assert np.array_equal(getattr(detectors, name)(**params).fit(ROWS).score(ROWS), found)
    np.testing.assert_allclose(detector.score(ROWS.take(slice(7, 8))), found[7:8], rtol=1e-5)
    again = getattr(detectors, name)(**params).restore(json_copy(detector.state()))
    np.testing.assert_allclose(again.score(ROWS), found, rtol=1e-6)


def json_copy(state):
    """The state, of which everything that is no array has been text."""
    if isinstance(state, dict):
        return {key: json_copy(item) for key, item in state.items()}
    if isinstance(state, list | tuple):
        return [json_copy(item) for item in state]
    return state.copy() if isinstance(state, np.ndarray) else json.loads(json.dumps(state))


def test_what_pyod_cannot_do_is_said_in_one_line() -> None:
    with pytest.raises(
        DetectorError, match="PyOD's FeatureBagging cannot be fitted on these rows: ValueError"
    ) as caught:
        detectors.FeatureBagging().fit(Dataset.from_array(RNG.normal(size=(20, 1))))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["KNN", "COF", "MAD"])
def test_it_stops_when_its_time_is_over(name: str) -> None:
    detector = getattr(detectors, name)().fit(ROWS)
    with no_time_left():
        with pytest.raises(DetectorTimeoutError):
            detector.fit(ROWS)
        with pytest.raises(DetectorTimeoutError):
            detector.score(ROWS)


def test_a_loop_inside_of_pyod_stops_when_the_time_is_over() -> None:
    detector = detectors.KPCA()
    with no_time_left(), pytest.raises(DetectorTimeoutError), detector._calling("fitted on"):
        detector._make(4, 60).fit(ROWS.values.astype(np.float64))


def test_before_it_is_fitted_it_says_so_and_a_damaged_state_is_refused() -> None:
    with pytest.raises(NotFittedError, match="pyod:KNN is not fitted"):
        detectors.KNN().score(ROWS)
    with pytest.raises(NotFittedError, match="pyod:KNN is not fitted"):
        detectors.KNN().state()
    state = dict(detectors.KNN().fit(ROWS).state())
    state["models"] = {"root": {"part": 0}, "parts": [{"kind": "object", "class": "os:system", "attributes": {}}]}
    with pytest.raises(ModelFileError, match="os:system"):
        detectors.KNN().restore(state)


def test_a_run_with_detectors_of_pyod_is_saved_loaded_and_explained(tmp_path: Path) -> None:
    rows = RNG.normal(size=(80, 3))
    rows[0] = 9.0
    text = "\n".join(["a,b,c", *(",".join(map(str, row)) for row in rows)])
    (tmp_path / "rows.csv").write_text(text, encoding="utf-8")
    home = {"folder": tmp_path, "ANOMALIST_DATA_HOME": str(tmp_path / "home")}
    chosen = ["--detector", "pyod:ECOD", "--detector", "pyod:KNN:n_neighbors=10", "--name", "both"]
    done = anomalist("run", "rows.csv", *chosen, "--json", **home)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [member["detector"] for member in told["run"]["members"]] == ["pyod:ECOD", "pyod:KNN"]
    done = anomalist("score", "rows.csv", "--model", "both", "--top", "1", **home)
    assert done.returncode == 0, done.stderr
    assert "typically" in done.stdout
