from __future__ import annotations

import pytest
import torch

from anomalist.deep.layers import ACTIVATIONS, MLP, add_noise, check_network, check_sizes, drop
from anomalist.errors import ParameterError


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_members_are_independent_networks(activation: str) -> None:
    network = MLP(3, (4, 5, 2), generator(), activation=activation)
    rows = torch.randn(3, 7, 4, generator=generator())
    out = network(rows)
    assert out.shape == (3, 7, 2)
    x = rows[1]
    for index, layer in enumerate(network.layers):
        x = x @ layer.weight[1] + layer.bias[1]
        x = ACTIVATIONS[activation](x) if index == 0 else x
    torch.testing.assert_close(out[1], x)
    assert not torch.allclose(network.layers[0].weight[0], network.layers[0].weight[1])


def test_hidden_is_what_the_last_layer_sees() -> None:
    network = MLP(2, (4, 6, 5, 1), generator(), activation="elu", dropout=0.5)
    rows = torch.randn(2, 7, 4, generator=generator())
    torch.testing.assert_close(network.layers[-1](network.hidden(rows)), network(rows))


def test_initial_weights_come_from_the_generator() -> None:
    first, again = (MLP(1, (3, 4), generator(5), activation="relu") for _ in range(2))
    other = MLP(1, (3, 4), generator(6), activation="relu")
    assert torch.equal(first.layers[0].weight, again.layers[0].weight)
    assert not torch.equal(first.layers[0].weight, other.layers[0].weight)


def test_dropout_keeps_the_mean_and_is_off_without_a_generator() -> None:
    ones = torch.ones(1, 4000, 10)
    assert drop(ones, 0.3, None) is ones
    dropped = drop(ones, 0.3, generator())
    assert abs(float(dropped.mean()) - 1.0) < 0.02
    assert abs(float((dropped == 0).float().mean()) - 0.3) < 0.02


def test_noise_has_its_scale_and_is_off_without_a_generator() -> None:
    zeros = torch.zeros(1, 4000, 10)
    assert add_noise(zeros, 0.3, None) is zeros
    assert abs(float(add_noise(zeros, 0.3, generator()).std()) - 0.3) < 0.01


def test_sizes() -> None:
    check_sizes(hidden=(3, 1), latent=None, members=1)
    with pytest.raises(ParameterError, match=r"hidden must be whole numbers of at least 1, got \(3, 0\)"):
        check_sizes(hidden=(3, 0))
    with pytest.raises(ParameterError, match=r"latent must be a whole number of at least 1, got 1\.5"):
        check_sizes(latent=1.5)  # type: ignore[arg-type] # what is refused


def test_network_parameters() -> None:
    check_network(activation="relu", dropout=0.0)
    with pytest.raises(ParameterError, match=r"activation must be one of relu, .*, got 'rleu'"):
        check_network(activation="rleu", dropout=0.0)
    with pytest.raises(ParameterError, match="dropout must be a share from 0 to below 1, got 1"):
        check_network(activation="relu", dropout=1.0)
