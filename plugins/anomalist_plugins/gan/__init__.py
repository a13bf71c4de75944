"""The adversarial detector's plugin: says what the detector is; importing it does not import torch."""

from __future__ import annotations

from anomalist.detector import DetectorSpec, Trait, hookimpl


@hookimpl
def anomalist_detectors() -> list[DetectorSpec]:
    """Describe the detector."""
    return [
        DetectorSpec(
            name="gan",
            summary="Finds rows that a generator, trained against a discriminator, cannot make look like themselves.",
            factory="anomalist_plugins.gan.detector:GAN",
            family="deep",
            kin="reconstruction",
            handles=frozenset({Trait.TABULAR, Trait.WARM_START, Trait.EXPLAINS}),
            requires=("torch",),
            panels=frozenset({"default", "full", "deep"}),
        )
    ]
