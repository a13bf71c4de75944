"""One broken plugin is reported; nothing else fails with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anomalist.plugins.manager import PluginManager
from tests.helpers import PLUGIN, install_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.plugins.manager import Plugin

HOOK = "from anomalist import DetectorSpec, hookimpl\n@hookimpl\ndef anomalist_detectors():\n    "
SPEC = 'DetectorSpec(name="odd", summary="A detector.", factory="m:C", family="other"'

BROKEN = {
    "import fails": ("import no_such_module_anywhere", "ModuleNotFoundError"),
    "syntax error": ("def", "SyntaxError"),
    "exits at import": ("raise SystemExit(3)", "SystemExit: 3"),
    "hook raises": (HOOK + "raise RuntimeError('no\\nluck')", "RuntimeError: no luck"),
    "hook exits": (HOOK + "raise SystemExit", "SystemExit"),
    "no hook": ("x = 1", "it implements no hook; mark its functions with @anomalist.hookimpl"),
    "misspelt hook": (HOOK.replace("anomalist_detectors", "anomalist_detector") + "return []", "anomalist_detector"),
    "unknown argument": (HOOK.replace("detectors()", "detectors(app)") + "return []", "app"),
    "returns nothing": (HOOK + "return None", "must return a list of DetectorSpec, got NoneType"),
    "returns one": (HOOK + f"return {SPEC})", "must return a list of DetectorSpec, got DetectorSpec"),
    "returns names": (HOOK + "return ['odd']", "must return a list of DetectorSpec, got str in it"),
    "bad name": (HOOK + f"return [{SPEC.replace('odd', 'Odd One')})]", "'Odd One' must be lower-case"),
    "described twice": (HOOK + f"return [{SPEC}), {SPEC})]", "'odd' is described twice"),
    "no summary": (HOOK + f"return [{SPEC.replace('A detector.', ' ')})]", "needs a summary"),
    "bad factory": (HOOK + f"return [{SPEC.replace('m:C', 'm.C')})]", "needs a factory of the form"),
    "bad family": (HOOK + f"return [{SPEC.replace('other', 'shallow')})]", "family must be one of deep, classical"),
    "bad view": (HOOK + f"return [{SPEC}, eats='words')]", "eats must be one of rows, windows, got 'words'"),
    "list for a text": (HOOK + f"return [{SPEC}, kin=['trees'])]", "kin must be a text, got ['trees']"),
    "string for a tuple": (HOOK + f"return [{SPEC}, requires='torch')]", "requires must be a collection of strings"),
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
    install_plugin(site, "broken-one", source, entry="bad", version="2.1")
    install_plugin(site, "good-one", PLUGIN.replace("NAME", "simple"))
    manager = PluginManager.load()
    broken = plugin_of(manager, "broken-one")
    assert (broken.name, broken.version, broken.state, broken.specs) == ("bad", "2.1", "failed", ())
    assert message in broken.error
    assert "\n" not in broken.error
    assert f"plugin 'bad' of broken-one 2.1 is left out: {broken.error}" in manager.failures()
    assert plugin_of(manager, "good-one").state == "active"


def test_a_plugin_half_of_which_is_broken_brings_nothing(site: Path) -> None:
    source = PLUGIN.replace("NAME", "simple") + "\n@hookimpl\ndef anomalist_readers():\n    return 3\n"
    install_plugin(site, "half", source)
    half = plugin_of(PluginManager.load(), "half")
    assert half.state == "failed"
    assert half.specs == ()


def test_an_interrupt_is_not_swallowed(site: Path) -> None:
    install_plugin(site, "interrupting", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        PluginManager.load()


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
        "readers": [],
        "commands": [],
    }


@pytest.mark.parametrize("name", ["odd_entry", "Odd-Entry", "my-dist", "my_dist"])
def test_plugins_are_disabled_by_entry_point_or_distribution(site: Path, name: str) -> None:
    install_plugin(site, "my-dist", "raise RuntimeError('imported')", entry="odd_entry")
    manager = PluginManager.load([name, "no-such-plugin"])
    plugin = plugin_of(manager, "my-dist")
    assert (plugin.state, plugin.error) == ("disabled", "")
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
        "plugin 'watch' of bad-observer: anomalist_run_finished failed: SystemExit: no"
    ]
    assert __import__(module).seen == ["r1"]
