"""Isolation forest: rows that a few random cuts set apart."""

from __future__ import annotations

from anomalist.detector import DetectorSpec, Trait, hookimpl


@hookimpl
def anomalist_detectors() -> list[DetectorSpec]:
    """Describe the detector without importing it."""
    return [
        DetectorSpec(
            name="isolation_forest",
            summary="Rows that a few random cuts separate from all others.",
            factory="anomalist_plugins.isolation_forest.detector:IsolationForest",
            family="classical",
            handles=frozenset({Trait.TABULAR, Trait.EXPLAINS}),
            panels=frozenset({"default", "fast", "full"}),
            search=(
                "trees=100..400",
                "subsample=32..2048:log",
                "columns=0.3..1",
            ),
        )
    ]
