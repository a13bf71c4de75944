from __future__ import annotations

import numpy as np
import pytest

from anomalist.data.dataset import Dataset
from anomalist.errors import ParameterError
from anomalist_plugins.autoencoder.detector import Autoencoder


def contaminated(seed: int = 0) -> tuple[Dataset, np.ndarray]:
    """Rows on a line, and one in ten on another: enough for a network to learn both."""
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(900, 1)) * [1.0, 1.0, 1.0, 1.0]
    odd = rng.normal(size=(100, 1)) * [1.0, -1.0, 1.0, -1.0]
    values = np.r_[normal, odd] + 0.1 * rng.normal(size=(1000, 4))
    return Dataset.from_array(values), np.r_[np.zeros(900), np.ones(100)] == 1


def test_trimming_keeps_it_from_learning_the_anomalies() -> None:
    data, odd = contaminated()

    def contrast(trim: float) -> float:
        scores = Autoencoder(trim=trim, latent=2, epochs=200).fit(data).score(data)
        return float(scores[odd].mean() / scores[~odd].mean())

    assert contrast(0.25) > 2 * contrast(0.0)


def test_trimming_loses_no_cluster_of_normal_rows() -> None:
    """The smallest cluster holds a seventh of the rows, fewer than the share that is trimmed."""
    rng = np.random.default_rng(0)
    cluster = np.repeat(range(4), [600, 500, 300, 220])
    centres, mixing = 2.0 * rng.normal(size=(4, 16)), 0.5 * rng.normal(size=(4, 4, 16))
    inner = (rng.normal(size=(len(cluster), 1, 4)) @ mixing[cluster]).squeeze(1)
    data = Dataset.from_array(centres[cluster] + inner + 0.3 * rng.normal(size=inner.shape))
    scores = Autoencoder().fit(data).score(data)
    medians = [np.median(scores[cluster == number]) for number in range(4)]
    assert max(medians) < 2 * np.median(scores)


def test_contributions_add_up_to_the_score() -> None:
    data, _ = contaminated()
    detector = Autoencoder(max_steps=50).fit(data)
    np.testing.assert_allclose(detector.contributions(data).sum(1), detector.score(data), rtol=1e-12)


def test_more_members_agree_more() -> None:
    data, _ = contaminated()

    def spread(members: int) -> float:
        scores = [Autoencoder(members=members, seed=seed, max_steps=60).fit(data).score(data) for seed in range(4)]
        return float(np.std(scores, axis=0).mean())

    assert spread(8) < spread(1)


def test_noise_must_not_be_negative() -> None:
    with pytest.raises(ParameterError, match=r"noise must be a number of at least 0, got -0\.1"):
        Autoencoder(noise=-0.1)
