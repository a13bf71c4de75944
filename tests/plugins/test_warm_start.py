"""What every bundled torch detector does when it goes on: with the same columns, and with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from anomalist.data.dataset import Dataset
from anomalist.detector import Transferable
from anomalist.errors import NotFittedError, ParameterError, SchemaMismatchError
from anomalist_plugins.autoencoder.detector import Autoencoder
from anomalist_plugins.gan.detector import GAN
from anomalist_plugins.rnn.detector import RNN
from anomalist_plugins.vae.detector import VAE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anomalist.detector import Floats

WIDTH = 12
ROWS = (Autoencoder, VAE, GAN)
EVERY = [pytest.param(kind, kind.__name__, id=kind.__name__) for kind in ROWS] + [
    pytest.param(RNN, mode, id=mode) for mode in ("forecaster", "autoencoder", "both")
]

of_rows = pytest.mark.parametrize("kind", ROWS)
every = pytest.mark.parametrize(("kind", "mode"), EVERY)


def plane(rows: int, seed: int, *, odd: bool = False) -> Floats:
    """Rows near one and the same plane of three dimensions; odd ones have the spread of the columns, and no plane."""
    mixing = np.random.default_rng(99).normal(size=(3, WIDTH))
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(rows, WIDTH))
    return noise * np.linalg.norm(mixing, axis=0) if odd else rng.normal(size=(rows, 3)) @ mixing + 0.1 * noise


def waves(windows: int, seed: int) -> Floats:
    """Windows of twelve columns that repeat three waves."""
    rng = np.random.default_rng(seed)
    clock = np.arange(12)[None, :, None] * 2 * np.pi / 8 + rng.uniform(0, 2 * np.pi, size=(windows, 1, 3))
    return np.tile(np.sin(clock), 4) + 0.1 * rng.normal(size=(windows, 12, WIDTH))


def examples(kind: Any, count: int, seed: int) -> Floats:
    return waves(count, seed) if kind is RNN else plane(count, seed)


def data(values: Floats, columns: Sequence[int] = range(WIDTH)) -> Dataset:
    return Dataset.from_array(values[..., list(columns)])


def made(kind: Any, mode: str, max_steps: int = 40) -> Any:
    return kind(mode=mode, hidden=8, max_steps=max_steps) if kind is RNN else kind(max_steps=max_steps)


def error(kind: Any, detector: Any, columns: Sequence[int] = range(WIDTH)) -> float:
    """How badly it tells unseen rows of the first kind from odd ones: 0 is perfect."""
    values = np.r_[plane(400, 7), plane(400, 8, odd=True)]
    return 1.0 - float(roc_auc_score(np.repeat([0, 1], 400), detector.score(data(values, columns))))


@of_rows
def test_a_few_new_rows_do_not_make_it_forget_what_a_cold_fit_never_knew(kind: Any) -> None:
    old, new = data(plane(2000, 0)), data(plane(12, 1))
    cold = error(kind, kind().fit(new))
    warm = error(kind, kind().fit(old).update(new))
    assert warm < 0.5 * cold
    assert warm < 0.1


@every
def test_it_starts_where_it_stood(kind: Any, mode: str) -> None:
    old, new = data(examples(kind, 600, 0)), data(examples(kind, 60, 1))
    detector = made(kind, mode).fit(old)
    before = np.median(detector.score(new))
    after = np.median(made(kind, mode, max_steps=1).restore(detector.state()).update(new).score(new))
    assert after < 1.1 * before
    if kind in (Autoencoder, VAE):  # they score in units of their usual error, so that is what tells
        warm = made(kind, mode, max_steps=1).restore(detector.state()).update(new).state()
        cold = kind(max_steps=1).fit(new).state()
        assert warm["weight:typical"].mean() < 0.7 * cold["weight:typical"].mean()


@every
def test_rows_that_it_knows_leave_the_best_weights_alone(kind: Any, mode: str) -> None:
    rows = data(examples(kind, 600, 0))
    detector = made(kind, mode).fit(rows)
    usual = detector.score(rows)
    again = detector.update(rows).score(rows)
    assert np.corrcoef(usual, again)[0, 1] > 0.8


@every
def test_going_on_is_repeatable_and_leaves_the_saved_state_alone(kind: Any, mode: str) -> None:
    old, new = data(examples(kind, 200, 0)), data(examples(kind, 40, 1))
    state = made(kind, mode).fit(old).state()
    kept = {name: np.array(value) for name, value in state.items()}
    first, again = (made(kind, mode).restore(state).update(new).score(old) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    sources = [*range(1, WIDTH), None]
    moved = [made(kind, mode).restore(state).transfer(sources).update(new).score(old) for _ in range(2)]
    np.testing.assert_array_equal(*moved)
    assert all(np.array_equal(kept[name], state[name]) for name in state)


@every
def test_columns_in_another_order_are_the_same_detector(kind: Any, mode: str) -> None:
    values = examples(kind, 200, 0)
    order = [int(i) for i in np.random.default_rng(3).permutation(WIDTH)]
    detector = made(kind, mode).fit(data(values))
    assert isinstance(made(kind, mode), Transferable)
    scores, parts = detector.score(data(values)), detector.contributions(data(values))
    assert detector.transfer(order) is detector
    np.testing.assert_allclose(detector.score(data(values, order)), scores, rtol=1e-6)
    np.testing.assert_allclose(detector.contributions(data(values, order)), parts[:, order], rtol=1e-5, atol=1e-9)


@of_rows
def test_a_column_that_is_gone_counts_as_its_mean(kind: Any) -> None:
    values = plane(500, 0)
    detector = kind(max_steps=60).fit(data(values))
    neutral = values.copy()
    neutral[:, 0] = detector.state()["centre"][0]
    expected = detector.contributions(data(neutral))[:, 1:]
    found = detector.transfer(range(1, WIDTH)).contributions(data(values, range(1, WIDTH)))
    assert np.corrcoef(expected.sum(axis=1), found.sum(axis=1))[0, 1] > 0.999


@every
def test_new_columns_are_learned_by_the_next_update(kind: Any, mode: str) -> None:
    values, later = examples(kind, 300, 0), examples(kind, 100, 1)
    detector = made(kind, mode).fit(data(values, range(8)))
    detector.transfer([*range(2, 8), None, None])
    for call in (detector.score, detector.contributions):
        with pytest.raises(NotFittedError, match="new columns have no scale yet after transfer; call update"):
            call(data(later, range(2, 10)))
    restored = made(kind, mode).restore(detector.state())
    scores = detector.update(data(later, range(2, 10))).score(data(later, range(2, 10)))
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(restored.update(data(later, range(2, 10))).score(data(later, range(2, 10))), scores)
    with pytest.raises(SchemaMismatchError, match="fitted on 8 columns, got 12"):
        detector.update(data(later))


@of_rows
def test_the_scale_of_shared_columns_goes_along_and_that_of_new_ones_comes_from_the_rows(kind: Any) -> None:
    values, later = plane(300, 0), 5 + 3 * plane(300, 1)
    detector = kind(max_steps=20).fit(data(values, range(8)))
    old = detector.state()
    new = detector.transfer([7, None, 0]).update(data(later, [7, 9, 0])).state()
    np.testing.assert_array_equal(new["centre"][[0, 2]], old["centre"][[7, 0]])
    np.testing.assert_array_equal(new["spread"][[0, 2]], old["spread"][[7, 0]])
    np.testing.assert_allclose(new["centre"][1], later[:, 9].mean(), rtol=1e-4)
    np.testing.assert_allclose(new["spread"][1], later[:, 9].std(), rtol=1e-4)


@of_rows
def test_a_related_table_needs_fewer_rows(kind: Any) -> None:
    before, now = range(10), [*range(1, 10), 11]
    detector = kind().fit(data(plane(2000, 0), before))
    few = data(plane(15, 1), now)
    warm = error(kind, detector.transfer([*range(1, 10), None]).update(few), now)
    cold = error(kind, kind().fit(few), now)
    assert warm < 0.7 * cold


@of_rows
def test_the_inner_sizes_stay_though_the_defaults_of_the_new_width_are_others(kind: Any) -> None:
    wide, narrow = np.tile(plane(200, 0), 8), plane(50, 1)
    detector = kind(max_steps=10).fit(Dataset.from_array(wide)).transfer(range(WIDTH)).update(data(narrow))
    scores = detector.score(data(narrow))
    assert detector.state()["weight:encoder.layers.0.weight"].shape[1:] == (WIDTH, 128)
    np.testing.assert_array_equal(kind(max_steps=10).restore(detector.state()).score(data(narrow)), scores)


@every
@pytest.mark.parametrize("sources", [[], [WIDTH], [-1], [None, 3, 40]])
def test_sources_that_do_not_fit_are_refused(kind: Any, mode: str, sources: list[int | None]) -> None:
    values = data(examples(kind, 30, 0))
    detector = made(kind, mode).fit(values)
    scores = detector.score(values)
    with pytest.raises(ParameterError, match="sources must be column numbers from 0 to 11, or None, for each new col"):
        detector.transfer(sources)
    np.testing.assert_array_equal(detector.score(values), scores)


@every
def test_what_was_never_fitted_has_nothing_to_take_along(kind: Any, mode: str) -> None:
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        made(kind, mode).transfer([0])


def test_rnn_moves_its_scale_by_as_much_as_there_is_to_go_by() -> None:
    old, calm = Dataset.from_array(waves(300, 0)), 0.2 * waves(300, 1)
    state = RNN(hidden=8, max_steps=20).fit(old).state()
    few, many = (
        RNN(hidden=8, max_steps=1).restore(state).update(Dataset.from_array(calm[:count])).state()["scale"]
        for count in (5, 300)
    )
    assert 0.8 < np.median(few / state["scale"]) < 1.0
    assert np.median(many / state["scale"]) < 0.5


def test_rnn_goes_on_with_windows_of_another_length() -> None:
    short, long = Dataset.from_array(waves(60, 0)[:, :8]), Dataset.from_array(waves(60, 1))
    detector = RNN(hidden=8, max_steps=20).fit(short)
    assert np.isfinite(detector.update(long).score(long)).all()
    with pytest.raises(SchemaMismatchError, match="fitted on windows of 12 steps, got 8"):
        detector.score(short)
