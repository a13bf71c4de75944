"""Recurrent network over windows of ordered rows: finds rows that do not follow from what came before."""

from __future__ import annotations

from anomalist.detector import DetectorSpec, Trait, hookimpl


@hookimpl
def anomalist_detectors() -> list[DetectorSpec]:
    """Describe the detector without importing torch."""
    return [
        DetectorSpec(
            name="rnn",
            summary="Recurrent network (LSTM or GRU): finds rows that do not follow from the rows before them.",
            factory="anomalist_plugins.rnn.detector:RNN",
            family="deep",
            eats="windows",
            requires=("torch",),
            extra="torch",
            handles=frozenset({Trait.SERIES, Trait.WARM_START, Trait.EXPLAINS}),
            panels=frozenset({"default", "deep", "full"}),
            search=(
                "hidden=8..96:log",
                "layers=1..2",
                "cell=lstm|gru",
                "mode=forecaster|autoencoder|both",
                "dropout=0..0.3",
                "trim=0..0.2",
                "learning_rate=0.001..0.03:log",
                "max_steps=50..400:log",
            ),
        )
    ]
