"""k nearest neighbours: rows far from their closest reference rows."""

from __future__ import annotations

from anomalist.detector import DetectorSpec, Trait, hookimpl


@hookimpl
def anomalist_detectors() -> list[DetectorSpec]:
    """Describe the detector without importing it."""
    return [
        DetectorSpec(
            name="knn",
            summary="Rows far from their nearest neighbours.",
            factory="anomalist_plugins.knn.detector:KNearestNeighbours",
            family="classical",
            handles=frozenset({Trait.TABULAR, Trait.EXPLAINS}),
            panels=frozenset({"default", "fast", "full"}),
            search=(
                "neighbours=2..100:log",
                "aggregate=mean|median|max",
                "metric=euclidean|manhattan|chebyshev",
                "rows=200..5000:log",
            ),
        )
    ]
