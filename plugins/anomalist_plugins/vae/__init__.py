"""The variational autoencoder plugin: says what the detector is; importing it does not import torch."""

from __future__ import annotations

from anomalist.detector import DetectorSpec, Trait, hookimpl


@hookimpl
def anomalist_detectors() -> list[DetectorSpec]:
    """Describe the detector."""
    return [
        DetectorSpec(
            name="vae",
            summary="Finds rows that are improbable under a latent variable model of the bulk of the rows.",
            factory="anomalist_plugins.vae.detector:VAE",
            family="deep",
            kin="reconstruction",
            handles=frozenset({Trait.TABULAR, Trait.WARM_START, Trait.EXPLAINS}),
            requires=("torch",),
            panels=frozenset({"default", "full", "deep"}),
        )
    ]
