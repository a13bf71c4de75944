from __future__ import annotations

import numpy as np
import pytest
import torch

from anomalist.data.dataset import Dataset
from anomalist.errors import ParameterError
from anomalist_plugins.vae.detector import VAE
from anomalist_plugins.vae.network import fixed_draws


def plane(rows: int = 800, columns: int = 8) -> Dataset:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(rows, 2)) @ rng.normal(size=(2, columns)) + 0.1 * rng.normal(size=(rows, columns))
    return Dataset.from_array(values)


def divergence(detector: VAE, data: Dataset) -> np.ndarray:
    """The part of the score that no column has."""
    return detector.score(data) - detector.contributions(data).sum(1)


def test_the_kl_term_is_alive_with_the_default_settings() -> None:
    data = plane()
    detector = VAE().fit(data)
    kl = divergence(detector, data)
    assert kl.min() >= 0
    assert kl.mean() > 1.0
    assert kl.std() > 0.1


def test_the_code_counts() -> None:
    """A row far out on the plane is rebuilt, so only its code is odd."""
    data = plane()
    detector = VAE().fit(data)
    far = Dataset.from_array(data.values[:50] * 1.9)
    assert divergence(detector, far).mean() > 1.5 * divergence(detector, data).mean()


def test_without_beta_the_score_is_the_sum_of_the_columns() -> None:
    data = plane()
    detector = VAE(beta=0.0, max_steps=30).fit(data)
    np.testing.assert_allclose(divergence(detector, data), 0.0, atol=1e-9)


def test_scoring_twice_gives_the_same_numbers() -> None:
    data = plane()
    detector = VAE(max_steps=30).fit(data)
    np.testing.assert_array_equal(detector.score(data), detector.score(data))


@pytest.mark.parametrize("count", [1, 2, 7, 16])
def test_draws_are_fixed_and_balanced(count: int) -> None:
    draws = fixed_draws(count, 3, 0)
    assert draws.shape == (count, 3)
    assert torch.equal(draws, fixed_draws(count, 3, 0))
    if count % 2 == 0:
        torch.testing.assert_close(draws.sum(0), torch.zeros(3, dtype=torch.float64))


@pytest.mark.parametrize(("parameter", "value"), [("beta", -1.0), ("floor", 0.0), ("draws", 0)])
def test_parameters_of_its_own(parameter: str, value: float) -> None:
    with pytest.raises(ParameterError, match=rf"^{parameter} must be"):
        VAE(**{parameter: value})
