from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch

from anomalist.data.dataset import Dataset
from anomalist.deep.layers import MLP
from anomalist.deep.rows import Fitted, Scaler, need_fitted, sample
from anomalist.errors import DataError, ModelFileError, NotFittedError, SchemaMismatchError


def fitted(values: np.ndarray) -> Fitted[MLP]:
    generator = torch.Generator().manual_seed(0)
    return Fitted.of(MLP(2, (values.shape[1], 3, 1), generator, activation="relu"), Scaler.fit(values))


def values(rows: int = 50, columns: int = 4) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)


def score(model: Fitted[MLP], rows: np.ndarray) -> np.ndarray:
    return model.over(Dataset.from_array(rows), lambda x: model.network(x.expand(2, *x.shape)).mean((0, 2)))


def test_sample_keeps_what_fits() -> None:
    data = Dataset.from_array(values())
    kept, notes = sample(data, 50, seed=0, name="vae")
    assert kept is data.values
    assert notes == ()


def test_sample_draws_distinct_rows_and_says_so() -> None:
    kept, notes = sample(Dataset.from_array(values()), 20, seed=0, name="vae")
    assert len(np.unique(kept, axis=0)) == 20
    assert notes == ("trained on 20 of 50 rows, drawn at random (max_rows=20)",)


def test_sample_refuses_no_rows() -> None:
    with pytest.raises(DataError, match="vae needs at least one row to learn from, got none"):
        sample(Dataset.from_array(values(0)), 20, seed=0, name="vae")


def test_scaler_is_free_of_units_and_strictly_monotone() -> None:
    rows = values() * np.float32([1e-6, 1.0, 1e6, 0.0]) + np.float32([0.0, 5.0, 1e3, 7.0])
    scaled = Scaler.fit(rows).apply(rows)
    assert scaled.dtype == np.float64
    np.testing.assert_allclose(scaled[:, :3].std(0), 1.0, rtol=1e-3)
    assert (np.abs(scaled[:, 3]) < 1e-5).all()
    steps = Scaler(centre=np.zeros(1), spread=np.ones(1)).apply(np.linspace(-100, 100, 999)[:, None])
    assert (np.diff(steps[:, 0]) > 0).all()


def test_scaler_sees_a_constant_column_of_any_size_as_constant() -> None:
    for constant in (0.0, 3.3, 1e30, -1e-30):
        scaler = Scaler.fit(np.full((1000, 1), constant, np.float32))
        assert scaler.spread[0] == 1.0


def test_one_gross_value_does_not_flatten_its_column() -> None:
    rows = values(200)
    plain = Scaler.fit(rows)
    rows[7, 1] = 1e30
    spoiled = Scaler.fit(rows)
    assert spoiled.spread[1] < 3 * plain.spread[1]
    assert plain.bound < spoiled.apply(rows)[7, 1] < 3 * spoiled.bound


def test_rows_alone_equal_rows_in_a_batch() -> None:
    rows = values(3000)
    model = fitted(rows)
    together = score(model, rows)
    alone = np.concatenate([score(model, rows[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(alone, together[:20], rtol=1e-12)


def test_no_rows_to_score_give_no_scores() -> None:
    assert score(fitted(values()), values(0)).shape == (0,)


def test_another_width_is_refused() -> None:
    with pytest.raises(SchemaMismatchError, match="fitted on 4 columns, got 3"):
        score(fitted(values()), values(5, 3))


def test_state_is_arrays_and_brings_the_same_numbers_back() -> None:
    model = fitted(values())
    state = model.state()
    assert all(isinstance(value, np.ndarray | float) for value in state.values())
    other = MLP(2, (4, 3, 1), torch.Generator().manual_seed(9), activation="relu")
    np.testing.assert_array_equal(score(Fitted.from_state(state, other), values()), score(model, values()))


def test_state_of_another_network_is_refused() -> None:
    other = MLP(2, (4, 5, 1), torch.Generator().manual_seed(9), activation="relu")
    with pytest.raises(ModelFileError, match="the saved weights do not fit the network") as caught:
        Fitted.from_state(fitted(values()).state(), other)
    assert "\n" not in str(caught.value)


def test_what_is_not_fitted_says_so() -> None:
    with pytest.raises(NotFittedError, match="vae is not fitted yet"):
        need_fitted(None, "vae")


def test_rows_to_train_on_are_the_scaled_ones_in_float32_without_large_copies() -> None:
    values = np.random.default_rng(0).standard_cauchy((200_000, 20)).astype(np.float32)
    scaler = Scaler.fit(values)
    tracemalloc.start()
    rows = scaler.training_rows(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows.dtype == np.float32
    assert np.array_equal(rows, scaler.apply(values).astype(np.float32))
    assert peak < 5 * values.nbytes  # the rows, and the float64 steps of one block out of four
