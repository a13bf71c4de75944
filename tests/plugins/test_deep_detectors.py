"""What every bundled torch detector of rows must do."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import fields
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score

from anomalist.data.dataset import Dataset
from anomalist.detector import Detector, Explainable, Resumable
from anomalist.errors import (
    DataError,
    DetectorTimeoutError,
    ModelFileError,
    NotFittedError,
    ParameterError,
    SchemaMismatchError,
    TrainingError,
)
from anomalist_plugins.autoencoder.detector import Autoencoder
from anomalist_plugins.gan.detector import GAN
from anomalist_plugins.vae.detector import VAE
from tests.helpers import no_time_left

if TYPE_CHECKING:
    from collections.abc import Callable

Kind: TypeAlias = type[Autoencoder] | type[VAE] | type[GAN]

every = pytest.mark.parametrize("kind", [Autoencoder, VAE, GAN])


def table(rows: int = 300, columns: int = 6, seed: int = 0) -> np.ndarray:
    """Rows near a plane of two dimensions."""
    rng = np.random.default_rng(seed)
    plane = rng.normal(size=(rows, 2)) @ rng.normal(size=(2, columns))
    return (plane + 0.1 * rng.normal(size=(rows, columns))).astype(np.float32)


def data(*args: int, change: Callable[[np.ndarray], object] = lambda _: None) -> Dataset:
    values = table(*args)
    change(values)
    return Dataset.from_array(values)


@every
def test_it_fulfils_the_roles_and_its_parameters_are_plain(kind: Kind) -> None:
    detector = kind()
    assert isinstance(detector, Detector)
    assert isinstance(detector, Explainable)
    assert isinstance(detector, Resumable)
    json.dumps({f.name: getattr(detector, f.name) for f in fields(kind) if f.init})


@every
def test_anomalies_score_higher(kind: Kind) -> None:
    features, target = load_breast_cancer(return_X_y=True)
    benign, malignant = features[target == 1], features[target == 0][:30]
    values = np.r_[benign, malignant]
    labels = np.r_[np.zeros(len(benign)), np.ones(len(malignant))]
    everything = Dataset.from_array(values)
    assert roc_auc_score(labels, kind().fit(everything).score(everything)) > 0.9


@every
def test_a_row_off_the_plane_stands_out(kind: Kind) -> None:
    def spoil(values: np.ndarray) -> None:
        values[11] = -values[11] * np.resize([1, -1], 6) + 1.5 * np.resize([1, -1], 6)

    spoiled = data(400, change=spoil)
    scores = kind().fit(spoiled).score(spoiled)
    assert (scores > scores[11]).sum() < 4


@every
@pytest.mark.parametrize("rows", [1, 2, 3, 17, 25])
def test_few_rows(kind: Kind, rows: int) -> None:
    few = data(rows)
    scores = kind(max_steps=20).fit(few).score(few)
    assert scores.shape == (rows,)
    assert np.isfinite(scores).all()


@every
def test_one_column(kind: Kind) -> None:
    one = data(300, 1, change=lambda values: values.__setitem__((5, 0), 40.0))
    scores = kind().fit(one).score(one)
    assert scores.argmax() == 5


@every
def test_constant_columns_and_gross_values(kind: Kind) -> None:
    def spoil(values: np.ndarray) -> None:
        values[:, 2], values[:, 3], values[9, 0] = 7.0, 0.0, 1e30

    spoiled = data(200, change=spoil)
    detector = kind().fit(spoiled)
    scores = detector.score(spoiled)
    assert np.isfinite(scores).all()
    assert scores.argmax() == 9
    assert detector.contributions(spoiled)[9].argmax() == 0


@every
def test_all_rows_equal(kind: Kind) -> None:
    equal = Dataset.from_array(np.full((50, 4), 3.3))
    scores = kind(max_steps=20).fit(equal).score(equal)
    assert np.isfinite(scores).all()
    assert np.ptp(scores) == 0


@every
def test_scores_do_not_depend_on_units(kind: Kind) -> None:
    scale = np.float32([1e-6, 1, 1e6, 1, 1, 1])
    plain, scaled = Dataset.from_array(table()), Dataset.from_array(table() * scale)
    first = kind(max_steps=50).fit(plain).score(plain)
    second = kind(max_steps=50).fit(scaled).score(scaled)
    assert np.corrcoef(first, second)[0, 1] > 0.99


@every
def test_wide_tables(kind: Kind) -> None:
    wide = data(64, 1500)
    detector = kind(max_steps=5).fit(wide)
    assert detector.score(wide).shape == (64,)
    assert detector.contributions(wide).shape == (64, 1500)


@every
def test_many_rows_are_sampled_and_said_so(kind: Kind) -> None:
    many = data(5000)
    detector = kind(max_rows=1000, max_steps=20).fit(many)
    assert detector.notes == ("trained on 1,000 of 5,000 rows, drawn at random (max_rows=1000)",)
    assert detector.score(many).shape == (5000,)
    assert kind(max_steps=5).fit(data()).notes == ()


@every
def test_a_row_alone_equals_the_row_in_a_batch_and_in_any_order(kind: Kind) -> None:
    rows = data(500)
    detector = kind(max_steps=30).fit(rows)
    scores = detector.score(rows)
    alone = np.concatenate([detector.score(rows.take(slice(i, i + 1))) for i in range(20)])
    np.testing.assert_allclose(alone, scores[:20], rtol=1e-9)
    order = np.random.default_rng(0).permutation(500)
    np.testing.assert_allclose(detector.score(rows.take(order)), scores[order], rtol=1e-9)
    assert detector.score(rows.take(slice(0, 0))).shape == (0,)


@every
def test_same_seed_same_numbers(kind: Kind) -> None:
    rows = data()
    first, again, other = (kind(seed=seed, max_steps=30, dropout=0.1).fit(rows).score(rows) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@every
def test_fits_in_threads_equal_fits_one_after_another(kind: Kind) -> None:
    rows, found = data(), {}

    def fit(seed: int) -> None:
        found[seed] = kind(seed=seed, max_steps=30).fit(rows).score(rows)

    threads = [threading.Thread(target=fit, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in range(3):
        np.testing.assert_array_equal(found[seed], kind(seed=seed, max_steps=30).fit(rows).score(rows))


@every
def test_global_state_is_left_alone(kind: Kind) -> None:
    before = torch.get_rng_state(), torch.get_num_threads(), np.random.get_state()[2]  # noqa: NPY002 looked at only
    rows = data()
    kind(max_steps=10, dropout=0.2).fit(rows).score(rows)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (torch.get_num_threads(), np.random.get_state()[2])  # noqa: NPY002 looked at only


@every
def test_state_is_arrays_and_plain_values_and_restores(kind: Kind) -> None:
    rows = data()
    detector = kind(max_steps=30).fit(rows)
    state = detector.state()
    assert all(isinstance(value, np.ndarray | int | float | str | list) for value in state.values())
    restored = kind(max_steps=30).restore(dict(state))
    np.testing.assert_array_equal(restored.score(rows), detector.score(rows))
    np.testing.assert_array_equal(restored.contributions(rows), detector.contributions(rows))
    with pytest.raises(ModelFileError, match="do not fit the network"):
        kind(hidden=(5,)).restore(state)


@every
def test_contributions_name_the_column(kind: Kind) -> None:
    spoiled = data(400, change=lambda values: values.__setitem__((3, 4), 30.0))
    detector = kind().fit(spoiled)
    contributions = detector.contributions(spoiled)
    assert contributions.shape == (400, 6)
    assert (contributions >= 0).all()
    assert contributions[3].argmax() == 4


@every
def test_update_learns_the_new_and_leaves_the_scale(kind: Kind) -> None:
    old, new = Dataset.from_array(table(600)), Dataset.from_array(table(600) @ np.diag([1, -1, 1, 1, -1, 1]))
    detector = kind().fit(old)
    before = detector.score(new).mean()
    assert detector.update(new) is detector
    assert detector.score(new).mean() < 0.9 * before
    with pytest.raises(SchemaMismatchError, match="fitted on 6 columns, got 2"):
        detector.update(data(50, 2))


@every
def test_what_is_not_fitted_or_does_not_fit_is_refused(kind: Kind) -> None:
    rows = data()
    for call in (kind().score, kind().contributions, kind().update):
        with pytest.raises(NotFittedError, match="is not fitted yet; call fit or restore first"):
            call(rows)
    with pytest.raises(NotFittedError):
        kind().state()
    with pytest.raises(SchemaMismatchError, match="fitted on 6 columns, got 5"):
        kind(max_steps=2).fit(rows).score(data(10, 5))
    with pytest.raises(DataError, match="needs at least one row to learn from, got none"):
        kind().fit(data(0))


@every
@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("hidden", (0,)),
        ("latent", 0),
        ("activation", "rleu"),
        ("dropout", 1.0),
        ("trim", 0.9),
        ("epochs", 0),
        ("batch_size", 0),
        ("learning_rate", -1.0),
        ("weight_decay", -1.0),
        ("patience", 0),
        ("validation", 0.9),
        ("members", 0),
        ("max_steps", 0),
        ("max_rows", 0),
        ("seed", -1),
    ],
)
def test_parameters_out_of_range_are_refused(kind: Kind, parameter: str, value: object) -> None:
    with pytest.raises(ParameterError, match=rf"^{parameter} must be .*, got"):
        kind(**{parameter: value})


@every
def test_every_parameter_of_the_network_can_be_set(kind: Kind) -> None:
    rows = data()
    detector = kind(hidden=(8, 4), latent=2, activation="gelu", dropout=0.2, members=3, validation=0.0, max_steps=10)
    assert np.isfinite(detector.fit(rows).score(rows)).all()


@every
def test_divergence_names_the_detector(kind: Kind) -> None:
    with pytest.raises(TrainingError, match=rf"^{kind.__name__.lower()}: the loss is no longer finite"):
        kind(learning_rate=1e30, trim=0.0).fit(data())


@every
def test_a_deadline_stops_the_fit_and_leaves_it_unfitted(kind: Kind) -> None:
    detector = kind()
    with no_time_left(), pytest.raises(DetectorTimeoutError, match="the time that it was given is over"):
        detector.fit(data())
    with pytest.raises(NotFittedError):
        detector.state()


@pytest.mark.parametrize("name", ["autoencoder", "vae", "gan"])
def test_the_plugin_is_described_without_torch(name: str) -> None:
    code = (
        f"import sys, anomalist_plugins.{name} as p; s, = p.anomalist_detectors();"
        f"sys.exit(s.name != {name!r} or 'torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
