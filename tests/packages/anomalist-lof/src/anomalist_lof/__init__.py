"""A plugin that wraps an estimator of another library: the local outlier factor of scikit-learn."""

from __future__ import annotations

from anomalist.detector import DetectorSpec, hookimpl


@hookimpl
def anomalist_detectors() -> list[DetectorSpec]:
    """Describe the detector."""
    return [
        DetectorSpec(
            name="local_outliers",
            summary="Rows in places less dense than those of their neighbours.",
            factory="anomalist_lof.detector:Lof",
            family="classical",
            requires=("sklearn",),
            extra="scikit-learn",
            panels=frozenset({"full"}),
        )
    ]
