from __future__ import annotations

import numpy as np
import pytest
import torch

from anomalist.deep.layers import MLP
from anomalist.deep.rows import Scaler, saved_widths
from anomalist.deep.transfer import carry_over, positions
from anomalist.errors import ModelFileError, ParameterError


def network(seed: int, inputs: int, outputs: int = 3) -> MLP:
    return MLP(2, (inputs, 5, outputs), torch.Generator().manual_seed(seed), activation="relu")


def test_shared_inputs_move_new_ones_stay_fresh_and_the_rest_is_copied() -> None:
    old, new, fresh = network(0, 4), network(1, 3), network(1, 3)
    carry_over(old, new, [3, None, 1], {"layers.0.weight": 1})
    assert torch.equal(new.layers[0].weight[:, [0, 2]], old.layers[0].weight[:, [3, 1]])
    assert torch.equal(new.layers[0].weight[:, 1], fresh.layers[0].weight[:, 1])
    assert torch.equal(new.layers[1].weight, old.layers[1].weight)


def test_shared_outputs_move_with_their_biases() -> None:
    old, new = network(0, 4, 3), network(1, 4, 2)
    with torch.no_grad():
        old.layers[1].bias.copy_(torch.arange(6.0).reshape(2, 1, 3))
    carry_over(old, new, [2, 0], {"layers.1.weight": 2, "layers.1.bias": 2})
    assert torch.equal(new.layers[1].weight, old.layers[1].weight[:, :, [2, 0]])
    assert new.layers[1].bias.flatten().tolist() == [2.0, 0.0, 5.0, 3.0]


def test_what_lies_beyond_the_columns_is_copied() -> None:
    old, new = network(0, 4 + 2), network(1, 3 + 2)
    carry_over(old, new, [0, None, 2], {"layers.0.weight": 1})
    assert torch.equal(new.layers[0].weight[:, [0, 2, 3, 4]], old.layers[0].weight[:, [0, 2, 4, 5]])


def test_the_trained_network_is_left_alone_and_precision_stays() -> None:
    old, new = network(0, 4).double(), network(1, 4)
    before = {key: value.clone() for key, value in old.state_dict().items()}
    carry_over(old, new, [1, 0, None, 2], {"layers.0.weight": 1})
    with torch.no_grad():
        for parameter in new.parameters():
            parameter.zero_()
    assert all(torch.equal(before[key], value) for key, value in old.state_dict().items())
    assert {parameter.dtype for parameter in new.parameters()} == {torch.float32}


def test_positions_are_checked() -> None:
    now, before = positions([None, None], 3)
    assert now.shape == before.shape == (0,)
    with pytest.raises(ParameterError, match=r"sources must be column numbers from 0 to 2, .*, got \[0, 3\]"):
        positions([0, 3], 3)


def test_a_scale_is_carried_and_completed() -> None:
    values = np.random.default_rng(0).normal(size=(100, 3)) * [1.0, 2.0, 4.0] + 7
    scaler = Scaler.fit(values)
    assert scaler.completed(values) is scaler
    carried = scaler.carried([2, None])
    assert carried.centre[0] == scaler.centre[2]
    assert np.isnan([carried.centre[1], carried.spread[1]]).all()
    completed = carried.completed(values[:, [0, 1]])  # the first column looks otherwise in these rows, and stays
    np.testing.assert_allclose(completed.centre, scaler.centre[[2, 1]])
    np.testing.assert_allclose(completed.spread, scaler.spread[[2, 1]])


def test_saved_widths_are_those_of_the_network() -> None:
    state = {f"weight:encoder.{key}": value.numpy() for key, value in network(0, 4).state_dict().items()}
    assert saved_widths(state, "encoder") == (4, 5, 3)
    with pytest.raises(ModelFileError, match="there is no decoder"):
        saved_widths(state, "decoder")
