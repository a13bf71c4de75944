"""Fitted objects as arrays and plain values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import BallTree, KDTree, NearestNeighbors
from sklearn.tree import ExtraTreeRegressor

from anomalist.errors import DetectorError, ModelFileError
from anomalist.store.state import join_state, split_state
from anomalist_plugins.pyod.codec import decode, encode

ROWS = np.random.default_rng(0).normal(size=(40, 3))


def through(value: object) -> object:
    """The object, written as a model file is and read again."""
    text, arrays = split_state(encode(value), "test")
    return decode(join_state(text, {name: array.copy() for name, array in arrays.items()}))


def test_plain_values_and_containers() -> None:
    value = {"a": [1, 2.5, None, True, "x"], 3: (1, (2,)), "r": range(2, 9, 3), "n": np.int64(4), "inf": float("inf")}
    assert through(value) == value


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8", "bool"])
def test_arrays_keep_dtype_and_shape(dtype: str) -> None:
    array = ROWS[::2].T.astype(dtype)
    found = through([array, np.array(7, dtype=dtype)])
    assert found[0].dtype == array.dtype
    assert np.array_equal(found[0], array)
    assert found[1].shape == ()


def test_what_is_shared_stays_shared_and_what_holds_itself_too() -> None:
    inner: list[object] = [1]
    inner.append(inner)
    one, other = through([inner, inner])
    assert one is other
    assert one[1] is one


@pytest.mark.parametrize("index", [KDTree, BallTree])
@pytest.mark.parametrize("options", [{}, {"metric": "manhattan"}, {"metric": "minkowski", "p": 3}])
def test_indices_find_the_same_neighbours(index: type, options: dict[str, object]) -> None:
    made = index(ROWS, leaf_size=5, **options)
    for found, expected in zip(through(made).query(ROWS[:9], k=4), made.query(ROWS[:9], k=4), strict=True):
        assert np.array_equal(found, expected)


def test_trees_predict_the_same() -> None:
    tree = ExtraTreeRegressor(random_state=0).fit(ROWS, ROWS[:, 0])
    assert np.array_equal(through(tree).predict(ROWS), tree.predict(ROWS))


def test_sparse_matrices_tensors_modules_and_devices() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Tanh()).eval()
    sparse = csr_matrix(np.diag([1.0, 0.0, 2.0]))
    found = through([network, sparse, torch.device("cpu"), torch.arange(3)])
    rows = torch.from_numpy(ROWS.astype(np.float32))
    assert torch.equal(found[0](rows), network(rows))
    assert not found[0].training
    assert (found[1] != sparse).nnz == 0
    assert found[2] == "cpu"
    assert torch.equal(found[3], torch.arange(3))


def test_functions_and_generators_are_forgotten() -> None:
    assert through([np.mean, lambda: 1, np.random.RandomState(0), np.random.default_rng(0), int]) == [None] * 5


def test_a_class_that_is_not_known_is_not_written() -> None:
    with pytest.raises(DetectorError, match="LogisticRegression cannot be saved without pickle"):
        encode(LogisticRegression())


@pytest.mark.parametrize("name", ["os:system", "builtins:eval", "subprocess:Popen", "pyod.utils.utility:standardizer"])
def test_a_class_that_is_not_known_is_not_read(name: str) -> None:
    part = {"kind": "object", "class": name, "attributes": {}}
    with pytest.raises(ModelFileError, match="is no class of its"):
        decode({"root": {"part": 0}, "parts": [part]})


@pytest.mark.parametrize(
    "state",
    [
        {"root": {"part": 3}, "parts": []},
        {"root": {"part": 0}, "parts": [{"kind": "exec", "items": []}]},
        {"root": {"part": 0}, "parts": [{"kind": "list"}]},
        {"root": {"part": 0}, "parts": [{"kind": "index", "index": "Path", "data": 1, "leaf": 1, "metric": 0}]},
    ],
)
def test_a_damaged_state_is_said_to_be(state: dict[str, object]) -> None:
    with pytest.raises(ModelFileError, match="is damaged"):
        decode(state)


@pytest.mark.parametrize(("field", "value"), [("left_child", 10**6), ("right_child", 0), ("feature", 99)])
def test_a_tree_that_would_be_walked_outside_of_itself_is_refused(field: str, value: int) -> None:
    tree = ExtraTreeRegressor(random_state=0).fit(ROWS, ROWS[:, 0])
    state = encode(tree)
    part = next(part for part in state["parts"] if part["kind"] == "tree")
    state["parts"][part[f"node_{field}"]["part"]]["values"][0] = value
    with pytest.raises(ModelFileError, match="damaged"):
        decode(state)


def test_arrays_of_the_same_numbers_are_written_once() -> None:
    near = NearestNeighbors().fit(ROWS)
    _, arrays = split_state(encode([near, ROWS.copy()]), "test")
    assert sum(array.size for array in arrays.values()) == ROWS.size
