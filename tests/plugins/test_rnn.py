from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from anomalist.data.dataset import Dataset
from anomalist.data.windows import Windower
from anomalist.detector import Detector, Explainable, Resumable
from anomalist.errors import DataError, NotFittedError, ParameterError, SchemaMismatchError
from anomalist_plugins.rnn import anomalist_detectors
from anomalist_plugins.rnn.detector import RNN

MODES = ["forecaster", "autoencoder", "both"]


def short(**parameters):
    return RNN(**{"max_steps": 20, "hidden": 8, "device": "cpu"} | parameters)


def waves(windows=60, length=16, columns=2, seed=0):
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 2 * np.pi, size=(windows, 1, columns))
    clock = np.arange(length)[None, :, None] * 2 * np.pi / 8
    return Dataset.from_array(np.sin(clock + phase) + 0.05 * rng.normal(size=(windows, length, columns)))


def test_the_description_matches_the_detector():
    (spec,) = anomalist_detectors()
    module, _, name = spec.factory.partition(":")
    assert (module, name) == (RNN.__module__, RNN.__name__)
    assert spec.eats == "windows"
    assert "default" in spec.panels
    assert isinstance(RNN(), Detector)
    assert isinstance(RNN(), Explainable)
    assert isinstance(RNN(), Resumable)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("mode", MODES)
def test_odd_windows_score_higher(mode, cell):
    normal = waves(200, columns=1)
    odd = np.array(waves(20, columns=1, seed=1).values)
    odd[:, 4:12] = odd[:, 4:5]  # the wave stands still
    rnn = RNN(mode=mode, cell=cell, hidden=16, max_steps=100, batch_size=32, learning_rate=4e-2, device="cpu").fit(
        normal
    )
    usual = rnn.score(waves(100, columns=1, seed=2))
    assert np.isfinite(usual).all()
    assert usual.min() >= 0
    assert np.median(rnn.score(Dataset.from_array(odd))) > 1.5 * np.median(usual)


@pytest.mark.parametrize("kind", ["spike", "shape", "level"])
def test_it_finds_what_is_wrong_in_a_series(kind):
    rng = np.random.default_rng(3)
    values = np.sin(np.arange(3000) * 2 * np.pi / 40) + 0.1 * rng.normal(size=3000)
    wrong = {"spike": slice(2000, 2003), "shape": slice(2000, 2040), "level": slice(2000, 2040)}[kind]
    values[wrong] = {"spike": 4.0, "shape": rng.normal(size=40), "level": values[wrong] + 2.5}[kind]
    data = replace(Dataset.from_array(values[:, None]), time=np.arange(3000.0))
    windows = Windower.fit(data).windows(data)
    scores = windows.to_rows(RNN(device="cpu").fit(windows.dataset).score(windows.dataset))
    assert 1960 <= scores.argmax() < 2080
    assert scores[wrong].mean() > np.quantile(scores, 0.97)


@pytest.mark.parametrize("mode", MODES)
def test_a_window_scores_the_same_alone_in_a_batch_and_in_any_order(mode):
    data = waves(3000, length=12)
    rnn = short(mode=mode).fit(data.take(slice(0, 100)))
    scores = rnn.score(data)
    alone = np.concatenate([rnn.score(data.take(slice(i, i + 1))) for i in range(0, 3000, 500)])
    assert np.allclose(scores[::500], alone, rtol=1e-9)
    assert np.allclose(rnn.score(data.take(np.arange(3000)[::-1]))[::-1], scores, rtol=1e-9)


@pytest.mark.parametrize("mode", MODES)
def test_the_same_seed_gives_the_same_scores_and_another_seed_others(mode):
    data = waves()
    first, same, other = (short(mode=mode, seed=seed, dropout=0.2).fit(data).score(data) for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.allclose(first, other)


def test_no_global_state_is_touched():
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002 - compared only
    threads = torch.get_num_threads()
    data = waves()
    before = data.values.copy()
    short(mode="both", layers=2, dropout=0.3).fit(data).score(data)
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002 - compared only
    assert torch.get_num_threads() == threads
    assert np.array_equal(data.values, before)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_state_brings_back_the_scores(mode, cell):
    data = waves()
    rnn = short(mode=mode, cell=cell, layers=2).fit(data)
    state = rnn.state()
    assert all(isinstance(value, np.ndarray) for value in state.values())
    again = short(mode=mode, cell=cell, layers=2).restore(state)
    assert np.array_equal(again.score(data), rnn.score(data))


def test_the_state_is_not_changed_by_further_training():
    data = waves()
    rnn = short().fit(data)
    state = {name: value.copy() for name, value in rnn.state().items()}
    kept = rnn.state()
    rnn.update(waves(seed=5))
    assert all(np.array_equal(kept[name], state[name]) for name in state)


def test_update_goes_on_from_the_weights():
    odd = np.array(waves(100, columns=1, seed=12).values)
    odd[:, 8:] = odd[:, 8:9]  # the wave stops, in a way that the first training never saw
    data, new = waves(300, columns=1), Dataset.from_array(odd)
    rnn = RNN(max_steps=60, learning_rate=2e-2, device="cpu")
    usual, first = np.median(rnn.fit(data).score(data)), np.median(rnn.score(new))
    state = rnn.state()
    after = rnn.update(new)
    assert after is rnn
    assert np.median(rnn.score(new)) < first
    assert np.median(rnn.restore(state).score(data)) == usual


def test_fitting_twice_equals_fitting_once():
    data = waves()
    rnn = short().fit(waves(seed=8))
    assert np.array_equal(rnn.fit(data).score(data), short().fit(data).score(data))


@pytest.mark.parametrize("mode", MODES)
def test_contributions_add_up_to_the_score_and_name_the_column(mode):
    data = waves(200, columns=3)
    odd = np.array(waves(5, columns=3, seed=9).values)
    odd[:, 8, 1] += 6
    rnn = short(mode=mode).fit(data)
    parts = rnn.contributions(Dataset.from_array(odd))
    assert parts.shape == (5, 3)
    assert parts.min() >= 0
    assert np.allclose(parts.sum(axis=1), rnn.score(Dataset.from_array(odd)))
    assert np.all(parts.argmax(axis=1) == 1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(1, 4, 1), (1, 2, 3), (2, 32, 1), (19, 5, 2)])
def test_very_few_or_short_windows(mode, shape):
    data = Dataset.from_array(np.random.default_rng(10).normal(size=shape))
    assert np.isfinite(short(mode=mode).fit(data).score(data)).all()


@pytest.mark.parametrize("mode", MODES)
def test_constant_columns_say_nothing_until_they_move(mode):
    values = np.array(waves(100, columns=2).values)
    values[:, :, 1] = 0
    rnn = RNN(mode=mode, device="cpu").fit(Dataset.from_array(values))
    moved = values[:10].copy()
    moved[:, 8:, 1] = 5
    assert rnn.contributions(Dataset.from_array(values))[:, 1].mean() < 0.2
    assert rnn.score(Dataset.from_array(moved)).min() > 5 * rnn.score(Dataset.from_array(values[:10])).max()


def test_all_values_equal():
    data = Dataset.from_array(np.zeros((30, 8, 1)))
    assert np.ptp(short().fit(data).score(data)) == 0


def test_a_contaminated_training_set_still_ranks_the_odd_windows_first():
    values = np.array(waves(400, columns=1).values)
    values[::20] = np.random.default_rng(11).normal(size=values[::20].shape)
    data = Dataset.from_array(values)
    scores = RNN(device="cpu").fit(data).score(data)
    odd = np.zeros(400, dtype=bool)
    odd[::20] = True
    assert odd[np.argsort(-scores)[:20]].mean() > 0.8


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden": 0}, "hidden must be a whole number of at least 1, got 0"),
        ({"layers": 1.5}, "layers must be a whole number of at least 1, got 1.5"),
        ({"cell": "rnn"}, "cell must be lstm or gru, got 'rnn'"),
        ({"mode": "vae"}, "mode must be forecaster or autoencoder or both, got 'vae'"),
        ({"dropout": 1.0}, "dropout must be a share from 0 to below 1, got 1.0"),
        ({"max_steps": 0}, "max_steps must be a whole number of at least 1, got 0"),
        ({"trim": 0.9}, "trim must be a share from 0 to 0.5, got 0.9"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0, got 0.0"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, message):
    with pytest.raises(ParameterError) as caught:
        RNN(**parameters)
    assert str(caught.value) == message


def test_wrong_data_are_refused_in_one_line():
    with pytest.raises(NotFittedError, match="rnn is not fitted yet"):
        RNN().score(waves())
    with pytest.raises(NotFittedError, match="rnn is not fitted yet"):
        RNN().state()
    with pytest.raises(NotFittedError, match="rnn is not fitted yet"):
        RNN().update(waves())
    with pytest.raises(DataError, match=r"needs windows of at least 2 steps, .* got \(5, 3\)"):
        RNN().fit(Dataset.from_array(np.zeros((5, 3))))
    with pytest.raises(DataError, match=r"got \(5, 1, 3\)"):
        RNN().fit(Dataset.from_array(np.zeros((5, 1, 3))))
    with pytest.raises(DataError, match="rnn needs at least one row"):
        RNN().fit(Dataset.from_array(np.zeros((0, 4, 3))))
    rnn = short().fit(waves(columns=2))
    with pytest.raises(SchemaMismatchError, match="fitted on 2 columns, got 3"):
        rnn.score(waves(columns=3))
    with pytest.raises(SchemaMismatchError, match="fitted on windows of 16 steps, got 12"):
        rnn.score(waves(columns=2, length=12))
    with pytest.raises(DataError, match=r"needs windows of at least 2 steps, .* got \(5, 2\)"):
        rnn.score(Dataset.from_array(np.zeros((5, 2))))
