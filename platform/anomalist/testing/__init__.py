"""The conformance kit: holds what a plugin brings to the promises that runs rely on, one sentence a check.

In a test of the plugin, where each check becomes a test case:

>>> from anomalist.testing import parametrize_with_checks
>>> @parametrize_with_checks(["knn"])
... def test_conformance(check):
...     check()

or in one go, from anywhere: `check_detector("knn")`; or from the command line: `anomalist plugins check knn`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anomalist.plugins.plugin import Kind
    from anomalist.testing.cases import Check, parametrize_with_checks
    from anomalist.testing.kit import (
        check_combiner,
        check_detector,
        check_features,
        check_reader,
        check_stacker,
        checks_of,
        run_checks,
    )
    from anomalist.testing.promise import CheckResult, Failure, NotApplicable, Promise

_HOMES = {
    "Check": "anomalist.testing.cases",
    "Promise": "anomalist.testing.promise",
    "CheckResult": "anomalist.testing.promise",
    "Failure": "anomalist.testing.promise",
    "Kind": "anomalist.plugins.plugin",
    "NotApplicable": "anomalist.testing.promise",
    "check_combiner": "anomalist.testing.kit",
    "check_detector": "anomalist.testing.kit",
    "check_features": "anomalist.testing.kit",
    "check_reader": "anomalist.testing.kit",
    "check_stacker": "anomalist.testing.kit",
    "checks_of": "anomalist.testing.kit",
    "parametrize_with_checks": "anomalist.testing.cases",
    "run_checks": "anomalist.testing.kit",
}

__all__ = [
    "Check",
    "CheckResult",
    "Failure",
    "Kind",
    "NotApplicable",
    "Promise",
    "check_combiner",
    "check_detector",
    "check_features",
    "check_reader",
    "check_stacker",
    "checks_of",
    "parametrize_with_checks",
    "run_checks",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use: the interpreter that a check starts must begin light."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'anomalist.testing' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
