"""The autoencoder plugin: says what the detector is; importing it does not import torch."""

from __future__ import annotations

from anomalist.detector import DetectorSpec, Trait, hookimpl


@hookimpl
def anomalist_detectors() -> list[DetectorSpec]:
    """Describe the detector."""
    return [
        DetectorSpec(
            name="autoencoder",
            summary="Finds rows that a network with a narrow middle, trained on the bulk of the rows, cannot rebuild.",
            factory="anomalist_plugins.autoencoder.detector:Autoencoder",
            family="deep",
            kin="reconstruction",
            handles=frozenset({Trait.TABULAR, Trait.WARM_START, Trait.EXPLAINS}),
            requires=("torch",),
            panels=frozenset({"default", "full", "deep"}),
        )
    ]
