from __future__ import annotations

import gc
import threading

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from anomalist.deep.layers import MLP
from anomalist.deep.train import Loss, Schedule, Training, Turn, resolve_device, train
from anomalist.errors import DataError, DetectorTimeoutError, ParameterError, TrainingError
from tests.helpers import no_time_left


class Mean(nn.Module):
    """One number for each member and column, drawn to the mean of the rows."""

    def __init__(self, members: int, columns: int) -> None:
        super().__init__()
        self.centre = nn.Parameter(torch.zeros(members, 1, columns))

    def loss(self, rows: Tensor, _generator: torch.Generator | None) -> Tensor:
        return (rows - self.centre).square().mean(2)


def run(module: Mean, rows: np.ndarray, members: int = 1, loss: Loss | None = None, **changes: object) -> Training:
    schedule = Schedule(**({"learning_rate": 0.1, "device": "cpu"} | changes))
    turn = Turn(parameters=list(module.parameters()), loss=loss or module.loss)
    return train(module, rows, [turn], schedule, name="mean", members=members)


def normal(rows: int, columns: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(3.0, 1.0, (rows, columns)).astype(np.float32)


def test_each_member_finds_the_minimum() -> None:
    module, rows = Mean(3, 2), normal(2000)
    run(module, rows, members=3, learning_rate=0.3)
    found = module.centre.detach().numpy()
    assert found.shape == (3, 1, 2)
    np.testing.assert_allclose(found[:, 0], np.tile(rows.mean(0), (3, 1)), atol=0.2)


def test_members_see_the_rows_in_their_own_order() -> None:
    module = Mean(2, 2)
    run(module, normal(300), members=2, max_steps=5)
    assert not torch.equal(module.centre[0], module.centre[1])


def test_trimming_ignores_contamination() -> None:
    rows = np.r_[normal(900), np.full((100, 2), 30.0, np.float32)]
    plain, trimmed = Mean(1, 2), Mean(1, 2)
    run(plain, rows, max_steps=600, epochs=600)
    run(trimmed, rows, max_steps=600, epochs=600, trim=0.2)
    assert plain.centre.min() > 4.5
    assert torch.allclose(trimmed.centre, torch.tensor(3.0), atol=0.25)


def kept(**changes: object) -> list[int]:
    """How many rows of each batch of 40 the gradient comes from, step after step."""
    counts, module = [], Mean(1, 2)

    def loss(rows: Tensor, _generator: torch.Generator | None) -> Tensor:
        losses = module.loss(rows, None)
        losses.register_hook(lambda gradient: counts.append(int((gradient != 0).sum())))
        return losses

    run(module, normal(320), loss=loss, validation=0, trim=0.25, **changes)
    return counts


def test_trimming_rises_over_the_first_epochs() -> None:
    counts = kept(rise=1.0, max_steps=40)
    assert counts[0] == 40
    assert counts[:8] == sorted(counts[:8], reverse=True)
    assert counts[4] == 35
    assert counts[8:] == [30] * 32


def test_trimming_rises_in_three_tenths_of_the_steps_at_most_and_not_at_all_unless_asked() -> None:
    assert kept(rise=5.0, max_steps=10)[3:] == [30] * 7
    assert kept(max_steps=3) == [30] * 3


def test_held_out_losses_are_comparable_while_trimming_rises() -> None:
    rows = normal(400)
    rows[::5] = 100.0
    history = run(Mean(1, 2), rows, trim=0.5, rise=5.0, epochs=8, learning_rate=1e-9, validation=0.25).history
    assert history == pytest.approx([history[0]] * 8, rel=1e-4)
    assert history[0] < 20.0  # wild rows are left out there from the first epoch on


def test_each_member_keeps_its_own_best_weights() -> None:
    module = Mean(2, 2)

    def validate(rows: Tensor, _generator: torch.Generator | None) -> Tensor:
        return module.loss(rows, None) * torch.tensor([[1.0], [-1.0]])  # the second only gets worse

    turn = Turn(parameters=list(module.parameters()), loss=module.loss)
    schedule = Schedule(learning_rate=0.1, device="cpu", max_steps=40)
    train(module, normal(320), [turn], schedule, name="mean", members=2, validate=validate)
    assert (module.centre[0] > 0.5).all()
    assert (module.centre[1] == 0.0).all()


def test_same_seed_same_numbers_and_another_seed_others() -> None:
    first, again, other = Mean(1, 2), Mean(1, 2), Mean(1, 2)
    for module, seed in ((first, 4), (again, 4), (other, 5)):
        run(module, normal(300), max_steps=20, seed=seed)
    assert torch.equal(first.centre, again.centre)
    assert not torch.equal(first.centre, other.centre)


def test_global_random_state_is_left_alone() -> None:
    torch.manual_seed(1)  # of this test only: to see whether training draws from it
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(0)
    module = MLP(2, (2, 4, 2), generator, activation="relu", dropout=0.5)
    turn = Turn(parameters=list(module.parameters()), loss=lambda x, g: (module(x, g) - x).square().mean(2))
    train(module, normal(200), [turn], Schedule(max_steps=10), name="net", members=2)
    assert torch.equal(before, torch.get_rng_state())


def test_concurrent_fits_equal_one_after_another() -> None:
    alone, together = [Mean(1, 2) for _ in range(4)], [Mean(1, 2) for _ in range(4)]
    for seed, module in enumerate(alone):
        run(module, normal(300), seed=seed)
    threads = [
        threading.Thread(target=run, args=(module, normal(300)), kwargs={"seed": seed})
        for seed, module in enumerate(together)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, together, strict=True):
        assert torch.equal(one.centre, other.centre)


def test_stops_when_the_held_out_rows_get_no_better() -> None:
    training = run(Mean(1, 2), normal(2000), epochs=1000, max_steps=100_000, patience=3)
    assert training.epochs < 200
    assert len(training.history) == training.epochs


def test_keeps_the_weights_that_were_best_on_the_held_out_rows() -> None:
    module = Mean(1, 1)
    rows = np.r_[np.full((80, 1), 10.0), np.full((20, 1), 1.0)].astype(np.float32)
    # the held-out rows, the last ones, are at 1: the path from 0 to 10 passes there once
    training = run(module, rows, validation=0.2, last=True, learning_rate=0.05, patience=1000, epochs=500)
    assert training.history[-1] > 10 * min(training.history)
    assert abs(float(module.centre.detach()) - 1.0) < 0.3


def test_keeps_the_weights_that_it_began_with_where_nothing_better_comes() -> None:
    rows = normal(100, 1)
    rows[-20:] = 0.0  # the held-out rows are where the weights begin, and all others pull away from there
    module = Mean(1, 1)
    training = run(module, rows, validation=0.2, last=True, patience=3)
    assert float(module.centre.detach()) == 0.0
    assert training.epochs == 3


def test_budget_of_steps_holds_for_many_rows() -> None:
    training = run(Mean(1, 2), normal(50_000), max_steps=37, epochs=1000)
    assert training.steps == 37


@pytest.mark.parametrize("rows", [1, 2, 3, 19, 20, 21])
@pytest.mark.parametrize("members", [1, 2])
def test_few_rows(rows: int, members: int) -> None:
    module = Mean(members, 2)
    training = run(module, normal(rows), members=members, epochs=3)
    assert training.epochs == 3
    assert torch.isfinite(module.centre).all()


def test_windows_of_three_dimensions() -> None:
    module, windows = Mean(1, 2), normal(500).reshape(50, 10, 2)

    def loss(batch: Tensor, _generator: torch.Generator | None) -> Tensor:
        assert batch.shape[0] == 1
        assert batch.shape[2:] == (10, 2)
        return (batch - module.centre[..., None, :]).square().mean((2, 3))

    run(module, windows, loss=loss, learning_rate=0.5)
    np.testing.assert_allclose(module.centre.detach().numpy()[0, 0], windows.mean((0, 1)), atol=0.3)


def test_turns_alternate() -> None:
    module, seen = Mean(1, 2), []

    def noted(name: str) -> Loss:
        def loss(rows: Tensor, _generator: torch.Generator | None) -> Tensor:
            seen.append(name)
            return module.loss(rows, None)

        return loss

    turns = [Turn(parameters=[module.centre], loss=noted(name)) for name in ("judge", "make")]
    train(module, normal(64), turns, Schedule(max_steps=3, validation=0), name="pair")
    assert seen == ["judge", "make"] * 3


def test_no_rows_are_refused() -> None:
    with pytest.raises(DataError, match="mean needs at least one row"):
        run(Mean(1, 2), normal(0))


def test_a_loss_that_is_not_finite_names_the_detector() -> None:
    module = Mean(1, 2)
    with pytest.raises(TrainingError, match=r"^mean: the loss is no longer finite after 1 epochs; .*learning_rate"):
        run(module, normal(100), loss=lambda rows, g: module.loss(rows, g) * float("nan"))


def test_out_of_memory_takes_smaller_batches_and_says_so() -> None:
    module = Mean(1, 2)

    def loss(rows: Tensor, generator: torch.Generator | None) -> Tensor:
        if generator is not None and rows.shape[1] > 70:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return module.loss(rows, generator)

    training = run(module, normal(4000), loss=loss)
    assert training.notes == (
        "mean: cpu ran out of memory; trained again in batches of 128 rows",
        "mean: cpu ran out of memory; trained again in batches of 64 rows",
    )
    assert torch.allclose(module.centre, torch.tensor(3.0), atol=0.2)


def test_a_failed_attempt_holds_no_memory_when_the_next_one_begins() -> None:
    attempts_alive = []

    class Watching(Mean):
        def to(self, *args: object, **kwargs: object) -> Watching:
            attempts_alive.append(sum(type(thing).__name__ == "_Run" for thing in gc.get_objects()))
            return super().to(*args, **kwargs)

    module = Watching(1, 2)

    def loss(rows: Tensor, generator: torch.Generator | None) -> Tensor:
        if generator is not None and rows.shape[1] > 30:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return module.loss(rows, generator)

    with pytest.raises(TrainingError, match="ran out of memory in batches of 32 rows"):
        run(module, normal(500), loss=loss)
    assert attempts_alive == [0] * len(attempts_alive)
    assert len(attempts_alive) > 2


def test_out_of_memory_for_good_is_an_error() -> None:
    def loss(rows: Tensor, generator: torch.Generator | None) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(TrainingError, match="mean ran out of memory in batches of 32 rows"):
        run(Mean(1, 2), normal(4000), loss=loss)


def test_other_runtime_errors_pass() -> None:
    def loss(rows: Tensor, generator: torch.Generator | None) -> Tensor:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        run(Mean(1, 2), normal(100), loss=loss)


def test_deadline_stops_training() -> None:
    with no_time_left(), pytest.raises(DetectorTimeoutError, match="the time that it was given is over"):
        run(Mean(1, 2), normal(100))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"max_steps": 1.5}, "max_steps must be a whole number"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number above 0"),
        ({"trim": 0.6}, "trim must be a share from 0 to 0.5"),
        ({"validation": -0.1}, "validation must be a share from 0 to 0.5"),
        ({"weight_decay": -1.0}, "weight_decay must be a number of at least 0"),
        ({"rise": -1.0}, "rise must be a number of at least 0"),
        ({"seed": -1}, "seed must be a whole number of at least 0"),
    ],
)
def test_bad_schedules_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Schedule(**change)


def test_devices() -> None:
    assert resolve_device("cpu").type == "cpu"
    assert resolve_device("auto").type in ("cpu", "cuda", "mps")
    for name in ("abacus", "cuda:99"):
        with pytest.raises(ParameterError, match="device must be auto, cpu or a device that is there"):
            resolve_device(name)


def test_schedule_takes_the_parameters_of_a_detector() -> None:
    class Detector:
        epochs, trim, hidden = 7, 0.2, (3,)

    assert Schedule.of(Detector(), trim=0.1) == Schedule(epochs=7, trim=0.1)
