from __future__ import annotations

import numpy as np
import pytest

from anomalist.data.dataset import Dataset
from anomalist.errors import ParameterError
from anomalist_plugins.gan.detector import GAN


def two_clusters(seed: int = 0) -> tuple[Dataset, Dataset]:
    """Rows of two clusters, and rows between them."""
    rng = np.random.default_rng(seed)
    centres = np.where(rng.random((600, 1)) < 0.5, -3.0, 3.0) * np.resize([1.0, -1.0], 6)
    return (
        Dataset.from_array(centres + 0.3 * rng.normal(size=(600, 6))),
        Dataset.from_array(rng.normal(size=(60, 6)) * 3.0),
    )


@pytest.mark.parametrize("mix", [0.0, 0.3, 1.0])
def test_polarity_holds_for_each_part_of_the_score(mix: float) -> None:
    normal, odd = two_clusters()
    detector = GAN(mix=mix, members=2).fit(normal)
    assert np.median(detector.score(odd)) > 2 * np.median(detector.score(normal))


def test_a_typical_row_scores_about_one() -> None:
    normal, _ = two_clusters()
    assert 0.3 < float(np.median(GAN().fit(normal).score(normal))) < 3.0


def test_contributions_are_the_squared_errors_of_the_score() -> None:
    normal, _ = two_clusters()
    detector = GAN(mix=0.0, max_steps=30).fit(normal)
    np.testing.assert_allclose(detector.contributions(normal).sum(1), detector.score(normal), rtol=1e-9)
    mixed = GAN(mix=0.3, max_steps=30).fit(normal)
    assert (mixed.contributions(normal).sum(1) <= mixed.score(normal) + 1e-12).all()


def test_nothing_is_drawn_or_dropped_at_scoring() -> None:
    normal, _ = two_clusters()
    detector = GAN(dropout=0.5, noise=0.5, max_steps=30).fit(normal)
    np.testing.assert_array_equal(detector.score(normal), detector.score(normal))


@pytest.mark.parametrize(
    ("parameter", "value"), [("noise", -1.0), ("rebuild", -1.0), ("mix", 1.1), ("discriminator_rate", 0.0)]
)
def test_parameters_of_its_own(parameter: str, value: float) -> None:
    with pytest.raises(ParameterError, match=rf"^{parameter} must be"):
        GAN(**{parameter: value})
