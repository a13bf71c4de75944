"""Lasting: what a user typed, in words that mean the same when the run is repeated and other plugins are installed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from anomalist.detector import CombinerSpec, DetectorSpec, FeatureSpec
from anomalist.ensemble.combine import BUILT_IN
from anomalist.errors import UnknownNameError

if TYPE_CHECKING:
    from anomalist.engine.fitting.request import RunOptions
    from anomalist.plugins.plugin import Spec
    from anomalist.plugins.registry import Registry

__all__ = ["lasting"]


def lasting(options: RunOptions, registry: Registry) -> RunOptions:
    """The options with the package of whatever third parties bring: others may bring the same names later."""

    def named(kind: type[Spec], text: str) -> str:
        name, _ = registry.parse(text)
        try:
            return registry.lasting(kind, name) + text.strip().removeprefix(name)
        except UnknownNameError:
            return text

    ours = registry.parse(options.combiner)[0] in BUILT_IN
    return replace(
        options,
        detectors=tuple(named(DetectorSpec, text) for text in options.detectors),
        features=tuple(named(FeatureSpec, text) for text in options.features),
        combiner=options.combiner if ours else named(CombinerSpec, options.combiner),
    )
