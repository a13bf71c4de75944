"""Trimmed Gaussian mixture: rows where a few clouds leave little density."""

from __future__ import annotations

from anomalist.detector import DetectorSpec, Trait, hookimpl


@hookimpl
def anomalist_detectors() -> list[DetectorSpec]:
    """Describe the detector without importing it."""
    return [
        DetectorSpec(
            name="gmm",
            summary="Rows that a mixture of a few Gaussian clouds, fitted to the bulk, makes improbable.",
            factory="anomalist_plugins.gmm.detector:GaussianMixture",
            family="statistical",
            handles=frozenset({Trait.TABULAR, Trait.EXPLAINS}),
            panels=frozenset({"default", "fast", "full"}),
            search=(
                "clouds=none|1|2|3|5|8|12",
                "trim=0..0.4",
                "ridge=0.001..1:log",
            ),
        )
    ]
