"""Plugins are found without importing any of a third party; each fails alone, whatever it does to its process."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from anomalist.isolation import discovery
from anomalist.plugins.manager import PluginManager
from tests.helpers import PLUGIN, install_plugin

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

OBSERVER = """
from anomalist import hookimpl

@hookimpl
def anomalist_run_finished(run):
    BODY
"""

BAD = {
    "dies": ("import os; os._exit(3)", "it ended its process with code 3"),
    "exits": ("raise SystemExit(2)", "SystemExit: 2"),
    "faults": ("import ctypes; ctypes.string_at(0)", "it was killed by signal SIGSEGV"),
    "floods": ("while True: print('x' * 10000)", "it printed more than 1 MiB"),
    "hangs": ("while True: pass", "it took longer than 2 seconds"),
    "slips": (PLUGIN.replace("NAME", "Bad Name"), "anomalist_detectors: name 'Bad Name' must be lower-case"),
    "stale": ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
}


def test_each_fails_alone_and_says_how(folder: Path) -> None:
    modules = [install_plugin(folder, f"{name}-pkg", source, entry=name) for name, (source, _) in BAD.items()]
    modules.append(install_plugin(folder, "good-pkg", PLUGIN.replace("NAME", "good"), entry="good"))
    heard: list[str] = []
    started = time.monotonic()
    plugins = discovery.load(["blocked"], trace=heard.append, timeout=2.0)
    assert time.monotonic() - started < 15.0
    assert not {*modules} & {*sys.modules}
    found = {plugin.name: plugin for plugin in plugins.plugins}
    for name, (_, line) in BAD.items():
        assert found[name].state == "failed"
        assert found[name].error.startswith(line)
    assert found["good"].state == "active"
    assert any(line.startswith("plugin 'good' of good-pkg 1.0: imported") for line in heard)
    assert plugins.unknown == ("blocked",)


def test_what_is_described_is_the_same_as_here(folder: Path) -> None:
    source = """
from anomalist.detector import CombinerSpec, DetectorSpec, ReaderSpec, StackerSpec, Trait, hookimpl

@hookimpl
def anomalist_detectors():
    return [DetectorSpec(name="one", summary="One.", factory="a.b:C", family="deep", eats="windows", kin="k", extra="e",
        handles=frozenset({Trait.SERIES, Trait.EXPLAINS}), requires=("a", "b"),
        panels=frozenset({"p", "q"}), pickles=True)]

@hookimpl
def anomalist_combiners():
    return [CombinerSpec(name="two", summary="Two.", factory="a:b"),
        StackerSpec(name="three", summary="3.", factory="a:B")]

@hookimpl
def anomalist_readers():
    return [ReaderSpec(name="four", summary="Four.", suffixes=(".four",), factory="a:b")]
"""
    install_plugin(folder, "rich-pkg", source, entry="rich")
    there, here = ({p.name: p for p in place().plugins} for place in (discovery.load, PluginManager.load))
    assert there["rich"] == here["rich"]
    assert {name: (plugin.state, plugin.specs) for name, plugin in there.items()} == {
        name: (plugin.state, plugin.specs) for name, plugin in here.items()
    }


def test_observers_are_told_in_a_process_of_their_own(folder: Path) -> None:
    told = folder / "told"
    body = f"import os, pathlib; pathlib.Path({str(told)!r}).write_text(f\"{{run['name']}} {{os.getpid()}}\")"
    install_plugin(folder, "watch-pkg", OBSERVER.replace("BODY", body), entry="watch")
    install_plugin(folder, "kill-pkg", OBSERVER.replace("BODY", "import os; os._exit(9)"), entry="kill")
    install_plugin(folder, "hang-pkg", OBSERVER.replace("BODY", "import time; time.sleep(60)"), entry="hang")
    plugins = discovery.load(timeout=2.0)
    assert sorted(plugins.run_finished({"name": "r1", "flagged": [1, 2], "score": 0.5})) == [
        "plugin 'hang' of hang-pkg 1.0: anomalist_run_finished failed: it took longer than 2 seconds",
        "plugin 'kill' of kill-pkg 1.0: anomalist_run_finished failed: it ended its process with code 9",
    ]
    assert told.read_text().startswith("r1 ")


def test_without_third_parties_no_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert all(plugin.state in ("active", "blocked") for plugin in discovery.load(bundled_only=True).plugins)
