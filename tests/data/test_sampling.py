"""Samples of rows to train on, and what is said of them."""

from __future__ import annotations

import numpy as np

from anomalist.data.dataset import Dataset
from anomalist.data.sampling import draw

DATA = Dataset.from_array(np.arange(50.0)[:, None])


def test_what_fits_is_taken_whole_and_draws_nothing() -> None:
    rng = np.random.default_rng(0)
    values, notes = draw(DATA, 50, rng, parameter="rows")
    assert values is DATA.values
    assert notes == ()
    assert rng.random() == np.random.default_rng(0).random()


def test_of_more_rows_different_ones_are_drawn_in_order_and_it_is_said() -> None:
    values, notes = draw(DATA, 20, np.random.default_rng(0), parameter="max_rows")
    assert len(values) == 20
    assert (np.diff(values[:, 0]) > 0).all()
    assert notes == ("trained on 20 of 50 rows, drawn at random (max_rows=20)",)
    again, _ = draw(DATA, 20, np.random.default_rng(0), parameter="max_rows")
    np.testing.assert_array_equal(values, again)
