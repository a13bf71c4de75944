"""The seats of a panel, where the plugin of a detector that was named is not there to bring it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anomalist.engine.fitting.panel import seats
from anomalist.errors import UnknownNameError
from anomalist.plugins.manager import PluginManager
from anomalist.plugins.registry import Registry
from tests.helpers import install_plugin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def registry(folder: Path, monkeypatch: pytest.MonkeyPatch, *, blocked: Sequence[str] = ()) -> Registry:
    install_plugin(folder, "broken-pkg", "1 / 0", entry="broken")
    monkeypatch.syspath_prepend(folder)
    return Registry(PluginManager.load(blocked))


@pytest.mark.parametrize("name", ["broken", "broken-pkg:lof", "broken:Lof"])
def test_a_detector_of_a_broken_plugin_keeps_an_empty_seat(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, empty = seats(registry(tmp_path, monkeypatch), panel="default", chosen=("mahalanobis", name))
    assert good.obstacle is None
    assert (empty.name, empty.package, empty.detector, empty.skipped) == (name, "broken-pkg", None, False)
    assert empty.obstacle == "plugin 'broken' of broken-pkg 1.0 failed: ZeroDivisionError: division by zero"


def test_a_detector_of_a_blocked_plugin_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = registry(tmp_path, monkeypatch, blocked=("broken-pkg",))
    with pytest.raises(UnknownNameError, match=r"no detector is called 'broken': plugin .* is blocked: the setting"):
        seats(found, panel="default", chosen=("mahalanobis", "broken"))


def test_a_name_that_nothing_has_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError, match="no detector is called 'mahalanobs'; did you mean 'mahalanobis'"):
        seats(registry(tmp_path, monkeypatch), panel="default", chosen=("mahalanobs",))
