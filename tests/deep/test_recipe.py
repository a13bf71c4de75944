"""A recipe: what differs between a fit and going on, and what a detector may add to both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from anomalist.data.dataset import Dataset
from anomalist.deep.recipe import Recipe
from anomalist.deep.rows import UPDATE_RATE
from anomalist.deep.schedule import Turn

if TYPE_CHECKING:
    from collections.abc import Callable


class Mean(nn.Module):
    """One number for each column, drawn to the mean of the rows; it notes how many rows of each batch count."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.centre = nn.Parameter(torch.full((1, 1, columns), 4.0))
        self.counts: list[int] = []

    def loss(self, rows: Tensor, _generator: torch.Generator | None) -> Tensor:
        losses = (rows - self.centre).square().mean(2)
        if losses.requires_grad:
            losses.register_hook(lambda gradient: self.counts.append(int((gradient != 0).sum())))
        return losses


@dataclass(kw_only=True)
class Parameters:
    members: int = 1
    learning_rate: float = 0.1
    max_rows: int = 1000
    seed: int = 0
    trim: float = 0.25
    validation: float = 0.0
    max_steps: int = 10
    device: str = "cpu"
    rise: float = 5.0


def recipe(
    *,
    finish: Callable[[Mean, Tensor], None] | None = None,
    validate: Callable[[Mean], Callable[..., Tensor]] | None = None,
    **changes: float,
) -> Recipe[Mean]:
    return Recipe(
        name="mean",
        parameters=Parameters(**changes),
        make=lambda width, _other: Mean(width),
        turns=lambda network: [Turn(parameters=list(network.parameters()), loss=network.loss)],
        finish=finish,
        validate=validate,
        along=lambda _network: {"centre": 2},
    )


@pytest.fixture
def data() -> Dataset:
    return Dataset.from_array(np.random.default_rng(0).normal(size=(320, 2)))


def test_trimming_rises_in_a_fit_and_is_there_from_the_first_step_of_an_update(data: Dataset) -> None:
    first, _ = recipe().fit(data)
    again, _ = recipe().update(first, data)
    before = len(first.network.counts)
    assert first.network.counts[0] == 40
    assert first.network.counts[-1] == 30
    assert again.network.counts[before:] == [30] * 10


def test_an_update_takes_smaller_steps_and_leaves_what_was_fitted_as_it_is(data: Dataset) -> None:
    first, _ = recipe(max_steps=1).fit(data)
    learned = first.network.centre.detach().clone()
    again, _ = recipe(max_steps=1).update(first, data)
    assert torch.equal(first.network.centre, learned)
    moved, start = again.network.centre.detach() - learned, learned - 4.0
    torch.testing.assert_close(moved, UPDATE_RATE * start, rtol=1e-3, atol=0.0)


def test_weights_are_kept_by_the_loss_on_held_out_rows_that_was_given(data: Dataset) -> None:
    def farther(network: Mean) -> Callable[..., Tensor]:
        return lambda rows, generator: -network.loss(rows, generator)

    kept, _ = recipe(validation=0.2, validate=farther).fit(data)
    assert torch.equal(kept.network.centre, torch.full((1, 1, 2), 4.0, dtype=torch.float64))
    trained, _ = recipe(validation=0.2).fit(data)
    assert (trained.network.centre < 4.0).all()


def test_what_finishes_the_network_sees_scaled_rows_in_full_precision(data: Dataset) -> None:
    seen: list[Tensor] = []
    fitted, notes = recipe(max_rows=100, finish=lambda _network, rows: seen.append(rows)).fit(data)
    (rows,) = seen
    assert (rows.shape, rows.dtype, fitted.network.centre.dtype) == ((100, 2), torch.float64, torch.float64)
    assert rows.mean(0).abs().max() < 1e-9
    assert rows.std(0, correction=0).numpy() == pytest.approx([1.0, 1.0])
    assert len(notes) == 1
