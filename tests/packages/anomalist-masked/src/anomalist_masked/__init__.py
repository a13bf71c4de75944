"""A plugin that trains a network of its own with `anomalist.deep`."""

from __future__ import annotations

from anomalist.detector import DetectorSpec, Trait, hookimpl


@hookimpl
def anomalist_detectors() -> list[DetectorSpec]:
    """Describe the detector."""
    return [
        DetectorSpec(
            name="masked",
            summary="Columns that are not what the other columns of their row let expect.",
            factory="anomalist_masked.detector:Masked",
            family="deep",
            handles=frozenset({Trait.TABULAR, Trait.EXPLAINS}),
            requires=("torch",),
            extra="torch",
            panels=frozenset({"full", "deep"}),
        )
    ]
