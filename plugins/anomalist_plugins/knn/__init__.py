"""Nearest neighbours: rows far from their closest reference rows, or farther than those are from theirs."""

from __future__ import annotations

from anomalist.detector import DetectorSpec, Trait, hookimpl


@hookimpl
def anomalist_detectors() -> list[DetectorSpec]:
    """Describe the detectors without importing them."""
    return [
        DetectorSpec(
            name="knn",
            summary="Rows far from their nearest neighbours.",
            factory="anomalist_plugins.knn.detector:KNearestNeighbours",
            family="classical",
            handles=frozenset({Trait.TABULAR, Trait.EXPLAINS}),
            panels=frozenset({"default", "fast", "full"}),
            search=(
                "neighbours=none|2|3|5|10|20|40|80",
                "aggregate=mean|median|max",
                "metric=euclidean|manhattan|chebyshev",
                "trim=0..0.5",
                "rows=none|300|1000|3000|10000",
            ),
        ),
        DetectorSpec(
            name="lof",
            summary="Rows in places that are emptier than those of their nearest neighbours.",
            factory="anomalist_plugins.knn.lof:LocalOutlierFactor",
            family="classical",
            handles=frozenset({Trait.TABULAR, Trait.EXPLAINS, Trait.NOVELTY}),
            panels=frozenset({"default", "full"}),
            search=("neighbours=5..100:log", "metric=euclidean|manhattan|chebyshev", "rows=500..10000:log"),
        ),
    ]
