"""One-class support vector machine: rows outside the region that holds most of the others."""

from __future__ import annotations

from anomalist.detector import DetectorSpec, Trait, hookimpl


@hookimpl
def anomalist_detectors() -> list[DetectorSpec]:
    """Describe the detector without importing it."""
    return [
        DetectorSpec(
            name="ocsvm",
            summary="Rows outside the smoothest region that holds most of the others.",
            factory="anomalist_plugins.ocsvm.detector:OneClassSVM",
            family="classical",
            handles=frozenset({Trait.TABULAR}),
            panels=frozenset({"default", "fast", "full"}),
        )
    ]
