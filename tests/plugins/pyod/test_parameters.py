"""The parameters of a PyOD class as those of a detector."""

from __future__ import annotations

import pytest

from anomalist.errors import ParameterError
from anomalist.plugins.parameters import check_parameters, describe_parameters
from anomalist.plugins.registry import Registry
from anomalist_plugins.pyod import detectors
from anomalist_plugins.pyod.catalogue import ENTRIES


def described(name: str) -> dict[str, tuple[str, str, str]]:
    return {p.name: (p.type, p.default, p.help) for p in describe_parameters(name, getattr(detectors, name))}


def test_types_defaults_and_help_come_from_pyod() -> None:
    knn = described("KNN")
    assert knn["n_neighbors"][:2] == ("int", "5")
    assert knn["method"][:2] == ("str", "largest")
    assert knn["metric"][2].startswith("metric to use for distance computation")
    assert described("IForest")["max_samples"][:2] == ("str or int or float", "auto")
    assert described("PCA")["n_selected_components"][:2] == ("int or none", "none")
    assert described("AutoEncoder")["hidden_neuron_list"][:2] == ("list of int", "[64,32]")
    assert described("AE1SVM")["hidden_neurons"][:2] == ("list of int or none", "none")
    assert described("VAE")["logvar_clip"][:2] == ("list of float", "[-30.0,20.0]")
    assert described("KPCA")["kernel"][:2] == ("str", "rbf")


def test_the_registry_gives_them_by_the_name_that_users_type() -> None:
    found = {each.name: (each.type, each.default, each.help) for each in Registry.load().parameters("pyod:LOF")}
    assert found["n_neighbors"][:2] == ("int", "20")
    assert found["n_neighbors"][2].startswith("Number of neighbors")


def test_every_parameter_of_every_detector_has_help() -> None:
    for name, entry in ENTRIES.items():
        if not entry.factory:
            assert all(text for _, _, text in described(name).values()), name


def test_what_makes_no_sense_here_is_no_parameter() -> None:
    never = {"contamination", "verbose", "n_jobs", "random_state", "base_estimator", "metric_params", "criterion"}
    for name, entry in ENTRIES.items():
        if not entry.factory:
            assert not never & set(described(name)), name
    assert described("IForest")["seed"][:2] == ("int", "0")
    assert "seed" not in described("KNN")
    assert described("VAE")["device"][:2] == ("str", "auto")
    assert described("SOS")["reference"][:2] == ("int", "100")


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("IForest", {"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ("SOS", {"reference": 1}, "reference must be a whole number of at least 2, got 1"),
        ("AutoEncoder", {"epoch_num": 0}, "epoch_num must be a whole number of at least 1, got 0"),
        ("AutoEncoder", {"device": "tpu"}, "device must be auto, cpu or a device that is there, got 'tpu'"),
        ("QMCD", {"n": 1}, "has no parameter 'n'"),
        ("KNN", {"n_neighbors": "many"}, "n_neighbors must be int, got 'many'"),
        ("LODA", {"n_bins": -1.5}, "n_bins must be int or str, got -1.5"),
    ],
)
def test_a_wrong_parameter_is_refused_in_one_line(name: str, given: dict[str, object], message: str) -> None:
    cls = getattr(detectors, name)
    with pytest.raises(ParameterError) as caught:
        cls(**check_parameters(name, cls, given))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_pyod_refuses_itself_is_a_wrong_parameter() -> None:
    with pytest.raises(ParameterError, match="PyOD refuses the parameters: ValueError"):
        detectors.SOD(alpha=1.5)


def test_lists_are_not_shared() -> None:
    one, other = detectors.AutoEncoder(), detectors.AutoEncoder()
    one.hidden_neuron_list.append(1)
    assert other.hidden_neuron_list == [64, 32]


def test_a_name_that_is_none_of_them_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        detectors.XGBOD  # noqa: B018 - the access is what is tested
