"""Every bundled detector keeps every promise, with no failure that had to be declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anomalist.plugins.manager import PluginManager
from anomalist.plugins.plugin import BUNDLED
from anomalist.plugins.registry import Registry
from anomalist.testing import parametrize_with_checks

if TYPE_CHECKING:
    from anomalist.testing import Check

FEW_STEPS = {"max_steps": 40}
BRIEF = {
    "autoencoder": FEW_STEPS,
    "vae": FEW_STEPS,
    "gan": FEW_STEPS,
    "rnn": FEW_STEPS,
    "isolation_forest": {"trees": 50},
}
"""Parameters that make a check take a moment; the promises are the same."""

OWN = ["autoencoder", "gan", "gmm", "isolation_forest", "knn", "lof", "mahalanobis", "ocsvm", "rnn", "vae"]


@parametrize_with_checks(OWN, params=BRIEF)
def test_conformance(check: Check) -> None:
    check()


def test_every_bundled_detector_but_those_of_the_bridge_is_checked_here_and_declares_nothing() -> None:
    registry = Registry(PluginManager.load())
    bundled = [spec.name for spec in registry.specs() if registry.package(spec.name) == BUNDLED]
    assert sorted(name for name in bundled if ":" not in name) == OWN
    assert not [name for name in OWN if getattr(registry.build(name), "expected_failures", None)]
