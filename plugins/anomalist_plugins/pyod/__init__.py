"""The detectors of PyOD as `pyod:NAME`, each with its own parameters (Zhao, Nasrullah & Li 2019)."""

from __future__ import annotations

from anomalist.detector import DetectorSpec, Trait, hookimpl
from anomalist_plugins.pyod.catalogue import ENTRIES


@hookimpl
def anomalist_detectors() -> list[DetectorSpec]:
    """Describe the detectors without importing PyOD."""
    return [
        DetectorSpec(
            name=f"pyod:{entry.name}",
            summary=entry.summary,
            factory=entry.factory or f"anomalist_plugins.pyod.detectors:{entry.name}",
            family=entry.family,
            eats=entry.eats,
            handles=frozenset(
                {
                    Trait.SERIES if entry.eats == "windows" else Trait.TABULAR,
                    *([Trait.EXPLAINS] if entry.factory else []),
                }
            ),
            requires=() if entry.factory else ("pyod",),
            extra="" if entry.factory else "anomalist[pyod]",
            kin=entry.kin,
        )
        for entry in ENTRIES.values()
    ]
