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
            search=(
                "hidden=none|[32]|[64]|[128]|[64,32]|[128,64]|[256,128]|[128,64,32]",
                "latent=none|1|2|4|8|16|32",
                "activation=relu|leaky_relu|elu|gelu|silu|tanh",
                "dropout=0..0.3",
                "beta=0.1..4:log",
                "floor=0.005..0.5:log",
                "trim=0..0.4",
                "learning_rate=0.0005..0.02:log",
                "max_steps=50..800:log",
            ),
        )
    ]
