"""The hooks that a plugin may implement, each by a function of that name marked with `anomalist.hookimpl`.

A plugin is a module named by an entry point of the group `anomalist`. Its hooks return descriptions, never the things
described, so that everything can be listed without importing torch or scikit-learn. A plugin that fails is reported by
`anomalist plugins list` and left out; nothing else fails with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anomalist.detector import CombinerSpec, CommandSpec, DetectorSpec, FeatureSpec, ReaderSpec, StackerSpec

hookspec = pluggy.HookspecMarker("anomalist")


@hookspec
def anomalist_detectors() -> list[DetectorSpec]:  # type: ignore[empty-body]  # a specification has no body
    """Describe the detectors that this plugin brings."""


@hookspec
def anomalist_combiners() -> list[CombinerSpec | StackerSpec]:  # type: ignore[empty-body]  # a specification has no body
    """Describe the combiners that this plugin brings: label-free ones, and stackers that learn from verdicts."""


@hookspec
def anomalist_readers() -> list[ReaderSpec]:  # type: ignore[empty-body]  # a specification has no body
    """Describe the readers of file formats that this plugin brings."""


@hookspec
def anomalist_features() -> list[FeatureSpec]:  # type: ignore[empty-body]  # a specification has no body
    """Describe the makers of features that this plugin brings: columns added to a table before it is encoded."""


@hookspec
def anomalist_commands() -> list[CommandSpec]:  # type: ignore[empty-body]  # a specification has no body
    """Describe the commands that this plugin adds to `anomalist`."""


@hookspec
def anomalist_run_finished(run: Mapping[str, Any]) -> None:
    """Look at a run that has been stored: the object that `anomalist run --json` prints.

    An observer cannot change the run, and one that fails is named in a notice.
    """
