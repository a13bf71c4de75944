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
    from anomalist.engine.api.detect import run, score
    from anomalist.engine.api.loop import Drift, Retrained, monitor, promote, retrain, rollback
    from anomalist.engine.api.run import Run
    from anomalist.engine.api.tune import Tuned, tune
    from anomalist.ensemble.model import Model
    from anomalist.errors import AnomalistError

_HOMES = {
    "AnomalistError": "anomalist.errors",
    "Dataset": "anomalist.data.dataset",
    "Detector": "anomalist.detector",
    "DetectorSpec": "anomalist.detector",
    "Drift": "anomalist.engine.api.loop",
    "Model": "anomalist.ensemble.model",
    "Retrained": "anomalist.engine.api.loop",
    "Run": "anomalist.engine.api.run",
    "State": "anomalist.detector",
    "Table": "anomalist.data.table",
    "Trait": "anomalist.detector",
    "Tuned": "anomalist.engine.api.tune",
    "hookimpl": "anomalist.detector",
    "monitor": "anomalist.engine.api.loop",
    "promote": "anomalist.engine.api.loop",
    "retrain": "anomalist.engine.api.loop",
    "rollback": "anomalist.engine.api.loop",
    "run": "anomalist.engine.api.detect",
    "score": "anomalist.engine.api.detect",
    "tune": "anomalist.engine.api.tune",
}

__all__ = [
    "AnomalistError",
    "Dataset",
    "Detector",
    "DetectorSpec",
    "Drift",
    "Model",
    "Retrained",
    "Run",
    "State",
    "Table",
    "Trait",
    "Tuned",
    "__version__",
    "hookimpl",
    "monitor",
    "promote",
    "retrain",
    "rollback",
    "run",
    "score",
    "tune",
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
