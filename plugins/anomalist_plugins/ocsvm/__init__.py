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
            search=(
                "nu=none|0.05|0.1|0.2|0.4|0.6|0.8|0.95",
                "gamma=none|0.001|0.003|0.01|0.03|0.1|0.3|1",
            ),
        )
    ]
