"""Find the anomalies in tables and series: ensembles of detectors on one scale, explained and stored.

>>> import anomalist
>>> run = anomalist.run(df)        # doctest: +SKIP
>>> run.top(10)                    # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from anomalist.data.dataset import Dataset
    from anomalist.data.table import Table
    from anomalist.detector import Detector, DetectorSpec, State, Trait, hookimpl
    from anomalist.engine.api import Run, run, score
    from anomalist.ensemble.model import Model
    from anomalist.errors import AnomalistError

_HOMES = {
    "AnomalistError": "anomalist.errors",
    "Dataset": "anomalist.data.dataset",
    "Detector": "anomalist.detector",
    "DetectorSpec": "anomalist.detector",
    "Model": "anomalist.ensemble.model",
    "Run": "anomalist.engine.api",
    "State": "anomalist.detector",
    "Table": "anomalist.data.table",
    "Trait": "anomalist.detector",
    "hookimpl": "anomalist.detector",
    "run": "anomalist.engine.api",
    "score": "anomalist.engine.api",
}

__all__ = [
    "AnomalistError",
    "Dataset",
    "Detector",
    "DetectorSpec",
    "Model",
    "Run",
    "State",
    "Table",
    "Trait",
    "__version__",
    "hookimpl",
    "run",
    "score",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use: `import anomalist` alone loads nothing heavy."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'anomalist' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
