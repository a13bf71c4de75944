"""Mahalanobis distance with a robust covariance: the Gaussian baseline."""

from __future__ import annotations

from anomalist.detector import DetectorSpec, Trait, hookimpl


@hookimpl
def anomalist_detectors() -> list[DetectorSpec]:
    """Describe the detector without importing it."""
    return [
        DetectorSpec(
            name="mahalanobis",
            summary="Rows far from the bulk, measured by a covariance that the farthest rows cannot bend.",
            factory="anomalist_plugins.mahalanobis.detector:Mahalanobis",
            family="statistical",
            handles=frozenset({Trait.TABULAR, Trait.EXPLAINS}),
            panels=frozenset({"full"}),
            search=(
                "trim=0..0.5",
                "shrinkage=none|0|0.01|0.1|0.3|1",
            ),
        )
    ]
