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
            search=(
                "hidden=none|[32]|[64]|[128]|[64,32]|[128,64]|[256,128]|[128,64,32]",
                "latent=none|1|2|4|8|16|32",
                "activation=relu|leaky_relu|elu|gelu|silu|tanh",
                "dropout=0..0.3",
                "noise=0..0.6",
                "trim=0..0.4",
                "learning_rate=0.0005..0.02:log",
                "weight_decay=1e-06..0.001:log",
                "max_steps=50..600:log",
            ),
        )
    ]
