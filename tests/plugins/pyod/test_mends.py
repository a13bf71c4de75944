"""What is done in place of PyOD's own code: the same numbers where that is the aim, else those of the row alone."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from anomalist_plugins.pyod.library import Library, library
from anomalist_plugins.pyod.randomness import drawing

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(60, 4)) @ RNG.normal(size=(4, 4))
NEW = np.concatenate([ROWS[:6], RNG.normal(size=(14, 4))])


@pytest.fixture(scope="module")
def plain() -> Library:
    """PyOD as it is, with nothing mended."""
    spec = importlib.util.find_spec("pyod")
    return Library(Path(spec.submodule_search_locations[0]), mends={})


def scores(of: Library, module: str, name: str, new: np.ndarray = NEW, **params: object) -> np.ndarray:
    with drawing(0, torch=True), np.errstate(all="ignore"):
        return of.find(f"pyod.models.{module}", name)(**params).fit(ROWS.copy()).decision_function(new.copy())


@pytest.mark.parametrize(
    ("module", "name"),
    [("abod", "ABOD"), ("cof", "COF"), ("hbos", "HBOS"), ("pca", "PCA"), ("sos", "SOS")],
)
def test_what_is_only_computed_otherwise_is_the_same(plain: Library, module: str, name: str) -> None:
    new = ROWS if name in ("COF", "SOS") else NEW
    np.testing.assert_allclose(scores(library(), module, name, new), scores(plain, module, name, new), rtol=1e-9)


@pytest.mark.parametrize("params", [{}, {"alpha": 0.3, "k": 1}])
def test_radii_are_scanned_as_pyod_does(plain: Library, params: dict[str, float]) -> None:
    theirs, ours = (of.find("pyod.models.loci", "LOCI")(**params) for of in (plain, library()))
    expected = theirs._calculate_decision_score(ROWS)
    np.testing.assert_allclose(ours._calculate_decision_score(ROWS), expected, rtol=1e-9)
    assert ours.fit(ROWS).decision_function(ROWS) == pytest.approx(expected[-1:])  # of the row that is asked about


@pytest.mark.parametrize("measure", ["aad", "var", "iqr"])
def test_what_rows_add_to_the_spread_is_the_same(plain: Library, measure: str) -> None:
    params = {"dis_measure": measure, "n_iter": 2, "random_state": 0}
    found = scores(library(), "lmdd", "LMDD", ROWS, **params)
    np.testing.assert_allclose(found, scores(plain, "lmdd", "LMDD", ROWS, **params), rtol=1e-9, atol=1e-9)
    assert found.max() > 0


def test_the_discrepancy_is_the_same_within_the_range_and_goes_on_from_its_rim(plain: Library) -> None:
    inside = ROWS * 0.9 + 0.1 * ROWS.mean(axis=0)
    expected = scores(plain, "qmcd", "QMCD", inside)
    np.testing.assert_allclose(scores(library(), "qmcd", "QMCD", inside), expected, rtol=1e-9)
    far = np.stack([ROWS.max(axis=0) + 10, ROWS.max(axis=0)])
    found = scores(library(), "qmcd", "QMCD", far)
    assert found[0] == pytest.approx(found[1])
    assert found[0] > np.median(expected)


def test_shared_neighbours_are_those_that_share_most() -> None:
    near = np.array([[1, 2], [0, 2], [0, 1], [0, 1]])
    shared = library().module("pyod.models.sod")._snn_imp(near, 2)
    assert shared.tolist() == [[1, 2], [0, 2], [3, 0], [2, 0]]


def test_distances_in_subspaces_are_the_same_but_for_ties_among_neighbours(plain: Library) -> None:
    theirs = plain.find("pyod.models.sod", "SOD")()
    plain.module("pyod.models.sod")._snn_imp = library().module("pyod.models.sod")._snn_imp
    np.testing.assert_allclose(scores(library(), "sod", "SOD", ROWS), theirs.decision_function(ROWS), rtol=1e-9)


@pytest.mark.parametrize(("module", "name"), [("dif", "DIF"), ("rod", "ROD")])
def test_rows_are_scaled_by_the_rows_fitted_on(plain: Library, module: str, name: str) -> None:
    params = {"n_ensemble": 3, "max_samples": 60, "random_state": 0, "device": "cpu"} if name == "DIF" else {}
    together = scores(library(), module, name, **params)
    alone = np.concatenate([scores(library(), module, name, row[None], **params) for row in NEW[:3]])
    np.testing.assert_allclose(alone, together[:3], rtol=1e-4)
    # of the training rows themselves the scale is the same, and so are the scores
    ours, theirs = scores(library(), module, name, ROWS, **params), scores(plain, module, name, ROWS, **params)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def test_a_component_without_variance_is_not_divided_by() -> None:
    detector = library().find("pyod.models.pca", "PCA")()
    constant = np.concatenate([ROWS, np.ones((60, 1))], axis=1)
    assert np.isfinite(detector.fit(constant).decision_function(constant)).all()
    assert detector.n_components_ == 4
