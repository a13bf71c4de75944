"""One broken plugin is reported; nothing else fails with it."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from anomalist.detector import DetectorSpec
from anomalist.errors import PluginError
from anomalist.plugins.manager import BUNDLED, PluginManager
from anomalist.plugins.shared_state import changes, snapshot
from tests.helpers import PLUGIN, install_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.plugins.found import Found
    from anomalist.plugins.manager import Plugin, Trace

HOOK = "from anomalist import DetectorSpec, hookimpl\n@hookimpl\ndef anomalist_detectors():\n    "
SPEC = 'DetectorSpec(name="odd", summary="A detector.", factory="m:C", family="other"'

BROKEN = {
    "import fails": ("import no_such_module_anywhere", "ModuleNotFoundError"),
    "syntax error": ("def", "SyntaxError"),
    "exits at import": ("raise SystemExit(3)", "SystemExit: 3"),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "generator exit": ("raise GeneratorExit", "GeneratorExit"),
    "cancels": ("import asyncio\nraise asyncio.CancelledError", "CancelledError"),
    "an error of its own": ("class Own(BaseException): pass\nraise Own('x' * 1000)", "Own: xxx"),
    "recursion": ("def f(): f()\nf()", "RecursionError"),
    "its message raises": (
        "class E(Exception):\n    def __str__(self): 1 / 0\nraise E",
        "E: its message cannot be read",
    ),
    "colours": ("raise ValueError('\\x1b[31mred')", "ValueError: ?[31mred"),
    "hook raises": (HOOK + "raise RuntimeError('no\\nluck')", "RuntimeError: no luck"),
    "hook exits": (HOOK + "raise SystemExit", "SystemExit"),
    "no hook": ("x = 1", "it implements no hook; mark its functions with @anomalist.hookimpl"),
    "not marked": (
        HOOK.replace("@hookimpl\n", "") + "return []",
        "anomalist_detectors is not marked; write @anomalist",
    ),
    "misspelt hook": (
        HOOK.replace("anomalist_detectors", "anomalist_detector") + "return []",
        "it implements 'anomalist_detector', which is no hook; did you mean 'anomalist_detectors'?",
    ),
    "unknown argument": (
        HOOK.replace("detectors()", "detectors(app)") + "return []",
        "anomalist_detectors must take (), got (app)",
    ),
    "wrapper": (HOOK.replace("@hookimpl", "@hookimpl(wrapper=True)") + "yield", "is marked as a wrapper"),
    "returns nothing": (HOOK + "return None", "must return a list of DetectorSpec, got NoneType"),
    "returns one": (HOOK + f"return {SPEC})", "must return a list of DetectorSpec, got DetectorSpec"),
    "returns lazily": (HOOK + f"yield {SPEC})", "must return a list of DetectorSpec, got generator"),
    "returns names": (HOOK + "return ['odd']", "must return a list of DetectorSpec, got str in it"),
    "bad name": (HOOK + f"return [{SPEC.replace('odd', 'Odd One')})]", "'Odd One' must be lower-case"),
    "described twice": (HOOK + f"return [{SPEC}), {SPEC})]", "'odd' is described twice"),
    "no summary": (HOOK + f"return [{SPEC.replace('A detector.', ' ')})]", "needs a summary"),
    "two lines": (
        HOOK + f"return [{SPEC.replace('A detector.', 'a' + chr(92) + 'nb')})]",
        "summary must be one line of",
    ),
    "bad factory": (HOOK + f"return [{SPEC.replace('m:C', 'm.C')})]", "needs a factory of the form"),
    "bad family": (HOOK + f"return [{SPEC.replace('other', 'shallow')})]", "family must be one of deep, classical"),
    "bad view": (HOOK + f"return [{SPEC}, eats='words')]", "eats must be one of rows, windows, got 'words'"),
    "bad trait": (HOOK + f"return [{SPEC}, handles={{'flying'}})]", "handles must be one of tabular, series"),
    "list for a text": (HOOK + f"return [{SPEC}, kin=['trees'])]", "kin must be a text, got ['trees']"),
    "string for a tuple": (HOOK + f"return [{SPEC}, requires='torch')]", "requires must be a collection of strings"),
    "no module": (HOOK + f"return [{SPEC}, requires=[''])]", "requires must be names of modules, got ''"),
    "not a bool": (HOOK + f"return [{SPEC}, pickles='no')]", "pickles must be True or False, got str"),
    "changes the folder": ("import os\nos.chdir('/')", "it changed the working directory of the process"),
    "seeds for all": ("import random\nrandom.seed(70002)", "it changed Python's global random state"),
    "silences all": ("import warnings\nwarnings.simplefilter('ignore')", "it changed the filters of warnings"),
    "changes a variable": ("import os\nos.environ['PATH'] = ''", "it changed the environment variables"),
    "takes stderr": ("import sys\nsys.stderr = sys.stdin", "it changed sys.stdin, sys.stdout or sys.stderr"),
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for distributions that are found beside the installed ones."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def plugin_of(manager: PluginManager, distribution: str) -> Plugin:
    return next(plugin for plugin in manager.plugins if plugin.distribution == distribution)


@pytest.mark.parametrize(("source", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_named_and_the_others_work(site: Path, source: str, message: str) -> None:
    if "changed" in message:
        source += "\n" + HOOK + "return []"
    install_plugin(site, "broken-one", source, entry="bad", version="2.1")
    install_plugin(site, "good-one", PLUGIN.replace("NAME", "simple"))
    before = snapshot()
    manager = PluginManager.load()
    assert [change.name for change in changes(before)] == []
    broken = plugin_of(manager, "broken-one")
    assert (broken.name, broken.version, broken.state, broken.specs) == ("bad", "2.1", "failed", ())
    assert message in broken.error
    assert broken.error.isprintable()
    assert len(broken.error) < 600
    assert f"plugin 'bad' of broken-one 2.1 is left out: {broken.error}" in manager.failures()
    assert plugin_of(manager, "good-one").state == "active"


def test_a_plugin_half_of_which_is_broken_brings_nothing(site: Path) -> None:
    source = PLUGIN.replace("NAME", "simple") + "\n@hookimpl\ndef anomalist_readers():\n    return 3\n"
    install_plugin(site, "half", source)
    half = plugin_of(PluginManager.load(), "half")
    assert half.state == "failed"
    assert half.specs == ()


def test_the_users_interrupt_is_not_swallowed(site: Path) -> None:
    install_plugin(site, "slow", "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(5)")
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        PluginManager.load()
    assert signal.getsignal(signal.SIGINT) is handler


def test_the_status_of_an_active_plugin(site: Path) -> None:
    install_plugin(site, "good-one", PLUGIN.replace("NAME", "simple"), version="3.0")
    assert plugin_of(PluginManager.load(), "good-one").to_dict() == {
        "name": "plugin",
        "distribution": "good-one",
        "version": "3.0",
        "state": "active",
        "error": None,
        "hooks": ["anomalist_detectors"],
        "detectors": ["simple"],
        "combiners": [],
        "stackers": [],
        "features": [],
        "readers": [],
        "commands": [],
    }


@pytest.mark.parametrize("name", ["odd_entry", "Odd-Entry", "my-dist", "my_dist"])
def test_plugins_are_blocked_by_entry_point_or_distribution(site: Path, name: str) -> None:
    install_plugin(site, "my-dist", "raise RuntimeError('imported')", entry="odd_entry")
    manager = PluginManager.load([name, "no-such-plugin"])
    plugin = plugin_of(manager, "my-dist")
    assert (plugin.state, plugin.error) == ("blocked", "the setting disable_plugins names it")
    assert manager.failures() == []
    assert manager.unknown == ("no-such-plugin",)


def test_bundled_plugins_come_first(site: Path) -> None:
    install_plugin(site, "aaa", PLUGIN.replace("NAME", "simple"))
    bundled = [plugin.bundled for plugin in PluginManager.load().plugins]
    assert bundled == sorted(bundled, reverse=True)
    assert bundled[-1] is False


def test_two_plugins_of_one_distribution_may_not_share_a_name(site: Path) -> None:
    module = install_plugin(site, "twin", PLUGIN.replace("NAME", "simple"), entry="one")
    (site / f"{module}_b.py").write_text((site / f"{module}.py").read_text())
    (site / "twin-1.0.dist-info" / "entry_points.txt").write_text(f"[anomalist]\none = {module}\ntwo = {module}_b\n")
    one, two = (plugin for plugin in PluginManager.load().plugins if plugin.distribution == "twin")
    assert (one.state, two.state) == ("active", "failed")
    assert two.error == "it describes 'simple', and so does plugin 'one' of the same distribution"


def test_observers_see_the_run_and_cannot_break_it(site: Path) -> None:
    observer = "from anomalist import hookimpl\nseen = []\n@hookimpl\ndef anomalist_run_finished(run):\n    "
    module = install_plugin(site, "good-observer", observer + "seen.append(run['id'])")
    install_plugin(site, "bad-observer", observer + "raise SystemExit('no')", entry="watch")
    manager = PluginManager.load()
    assert manager.run_finished({"id": "r1"}) == [
        "plugin 'watch' of bad-observer 1.0: anomalist_run_finished failed: SystemExit: no"
    ]
    assert __import__(module).seen == ["r1"]


def test_each_observer_gets_the_run_as_it_was_stored(site: Path) -> None:
    observer = "from anomalist import hookimpl\nseen = []\n@hookimpl\ndef anomalist_run_finished(run):\n    "
    names = [
        install_plugin(site, home, observer + "seen.append(run['notes'].copy())\n    run['notes'].append('mine')")
        for home in ("first-observer", "second-observer")
    ]
    run = {"notes": ["stored"]}
    assert PluginManager.load().run_finished(run) == []
    assert [__import__(name).seen for name in names] == [[["stored"]], [["stored"]]]
    assert run == {"notes": ["stored"]}


def test_what_a_plugin_prints_when_it_is_imported_goes_to_stderr(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install_plugin(site, "talking", "print('hello')\n" + HOOK + "print('there')\n    return []")
    install_plugin(site, "closing", "import sys\nsys.stdout.close()\n" + HOOK + "return []")
    manager = PluginManager.load()
    assert [plugin_of(manager, home).state for home in ("talking", "closing")] == ["active", "active"]
    sys.stdout.write("result\n")
    assert capsys.readouterr() == ("result\n", "hello\nthere\n")


def test_descriptions_hold_no_object_of_the_plugin(site: Path) -> None:
    source = """
from anomalist import DetectorSpec, hookimpl

class Evil(str):
    def __eq__(self, other): raise RuntimeError("no")
    def __hash__(self): raise RuntimeError("no")
    def __str__(self): return "other"

class Spec(DetectorSpec):
    def __eq__(self, other): raise RuntimeError("no")

@hookimpl
def anomalist_detectors():
    return [Spec(name=Evil("odd"), summary=Evil("A detector."), factory=Evil("m:C"), family=Evil("other"))]
"""
    install_plugin(site, "evil", source)
    (spec,) = plugin_of(PluginManager.load(), "evil").specs
    assert spec == DetectorSpec(name="odd", summary="A detector.", factory="m:C", family="other")
    assert {type(spec.name), type(spec.summary), type(spec.factory)} == {str}


def test_a_plugin_may_import_libraries_that_set_up_themselves(site: Path) -> None:
    library = "import os, warnings\nos.environ.setdefault('A_NEW_VARIABLE', '1')\n"
    library += "warnings.filterwarnings('ignore', message='one thing')\n"
    install_plugin(site, "importing", library + HOOK + "return []")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("A_NEW_VARIABLE", "1")
        patch.delenv("A_NEW_VARIABLE")
        assert plugin_of(PluginManager.load(), "importing").state == "active"
        assert os.environ["A_NEW_VARIABLE"] == "1"


def test_only_bundled_plugins_where_that_is_asked_for(site: Path) -> None:
    install_plugin(site, "good-one", "raise RuntimeError('imported')")
    manager = PluginManager.load(bundled_only=True)
    assert {plugin.distribution for plugin in manager.plugins if plugin.state == "active"} == {BUNDLED}
    assert plugin_of(manager, "good-one").state == "blocked"
    assert manager.failures() == []


@pytest.mark.parametrize("name", ["entry", "Entry", "my-dist", "my_dist", "my-dist:lof", "entry:LOF"])
def test_a_name_that_is_missing_for_a_plugin_that_is_not_active(site: Path, name: str) -> None:
    install_plugin(site, "my-dist", "1 / 0", entry="entry")
    manager = PluginManager.load()
    expected = "plugin 'entry' of my-dist 1.0 failed: ZeroDivisionError: division by zero"
    missing = manager.missing(name)
    assert missing is not None
    assert missing.standing == expected
    assert manager.missing("something_else") is None
    assert manager.missing("knn") is None


def test_damaged_packages_are_named_and_stop_nothing(site: Path) -> None:
    install_plugin(site, "no-lines", "", entry="bad")
    (site / "no_lines-1.0.dist-info" / "entry_points.txt").write_text("[anomalist]\nthis is no entry\n")
    install_plugin(site, "no-text", "")
    (site / "no_text-1.0.dist-info" / "entry_points.txt").write_bytes(b"[anomalist]\nx = \xff\n")
    install_plugin(site, "no-name", "")
    (site / "no_name-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\n")
    install_plugin(site, "no-module", "")
    (site / "no_module-1.0.dist-info" / "entry_points.txt").write_text("[anomalist]\nx = 1 + 1\n")
    install_plugin(site, "good-one", PLUGIN.replace("NAME", "simple"))
    manager = PluginManager.load()
    assert plugin_of(manager, "good-one").state == "active"
    assert {plugin.state for plugin in manager.plugins if plugin.bundled} == {"active"}
    errors = {plugin.distribution: plugin.error for plugin in manager.plugins if plugin.state == "failed"}
    assert "its entry_points.txt cannot be read" in errors["no-lines"]
    assert errors["no_name"] == "its METADATA has no name and version; install it again"
    assert errors["no-module"] == "its entry point names no module, got '1 + 1'"


def test_a_plugin_may_be_an_object_and_may_know_hooks_of_later_versions(site: Path) -> None:
    source = """
from anomalist import DetectorSpec, hookimpl

class Plugin:
    @hookimpl(specname="anomalist_detectors")
    def detectors(self):
        return (DetectorSpec(name="odd", summary="A detector.", factory="m:C", family="other"),)

    @hookimpl(optionalhook=True)
    def anomalist_of_tomorrow(self, app):
        raise RuntimeError("called")

plugin = Plugin()
"""
    module = install_plugin(site, "acme", source)
    (site / "acme-1.0.dist-info" / "entry_points.txt").write_text(f"[anomalist]\nacme = {module}:plugin\n")
    plugin = plugin_of(PluginManager.load(), "acme")
    assert (plugin.state, plugin.hooks, [spec.name for spec in plugin.specs]) == (
        "active",
        ("anomalist_detectors",),
        ["odd"],
    )


def test_plugins_of_others_can_be_loaded_elsewhere(site: Path) -> None:
    for home in ("aa-off", "bb-on", "cc-bad"):
        install_plugin(site, home, "raise RuntimeError('imported')", entry="x")
    seen = []

    def elsewhere(found: Found, plugin: Plugin, trace: Trace | None) -> Plugin:
        seen.append(found.distribution)
        if found.distribution == "cc-bad":
            raise PluginError("it ended its process")
        return replace(plugin, state="active")

    lines: list[str] = []
    manager = PluginManager.load(["aa-off"], elsewhere=elsewhere, trace=lines.append)
    assert sorted(seen) == ["bb-on", "cc-bad"]
    states = {home: plugin_of(manager, home).state for home in ("aa-off", "bb-on", "cc-bad")}
    assert states == {"aa-off": "blocked", "bb-on": "active", "cc-bad": "failed"}
    assert plugin_of(manager, "cc-bad").standing in lines
    assert {plugin.state for plugin in manager.plugins if plugin.bundled} == {"active"}
