"""Names, panels and building."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from anomalist.errors import ParameterError, PluginError, UnknownNameError
from anomalist.plugins.registry import Registry
from tests.helpers import PLUGIN, install_plugin

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for distributions that are found beside the installed ones."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_third_party_detector_has_its_bare_name(site: Path) -> None:
    install_plugin(site, "acme-tools", PLUGIN.replace("NAME", "simple"))
    registry = Registry.load()
    assert registry.spec("simple") == registry.spec("acme-tools:simple")
    assert registry.spec("acme-tools:simple").name == "simple"
    assert registry.package("simple") == "acme-tools"


def test_the_bundled_detector_keeps_its_bare_name(site: Path) -> None:
    taken = next(spec.name for spec in Registry.load().specs())
    install_plugin(site, "acme-tools", PLUGIN.replace("NAME", taken))
    registry = Registry.load()
    assert registry.package(taken) == "anomalist"
    assert registry.spec(f"anomalist:{taken}") == registry.spec(taken)
    other = registry.spec(f"acme-tools:{taken}")
    assert other.name == f"acme-tools:{taken}"
    assert type(registry.build(other.name)).__name__ == "Simple"


def test_third_parties_with_the_same_name_have_it_only_with_their_own(site: Path) -> None:
    install_plugin(site, "acme", PLUGIN.replace("NAME", "simple"))
    install_plugin(site, "zeta", PLUGIN.replace("NAME", "simple"))
    registry = Registry.load()
    names = [spec.name for spec in registry.specs() if spec.name.endswith("simple")]
    assert names == ["acme:simple", "zeta:simple"]
    with pytest.raises(UnknownNameError, match=r"several packages; use acme:simple or zeta:simple$"):
        registry.spec("simple")


def test_an_unknown_detector_gets_a_suggestion(site: Path) -> None:
    install_plugin(site, "acme", PLUGIN.replace("NAME", "simple_thing"))
    with pytest.raises(UnknownNameError, match=r"no detector is called 'simpel_thing'; did you mean 'simple_thing'\?"):
        Registry.load().spec("simpel_thing")


def test_a_panel_holds_what_says_so(site: Path) -> None:
    install_plugin(site, "acme", PLUGIN.replace("NAME", "simple").replace('"other"', '"other", panels={"mine"}'))
    registry = Registry.load()
    assert [spec.name for spec in registry.panel("mine")] == ["simple"]
    with pytest.raises(UnknownNameError, match=r"no panel is called 'theirs'; there are .*mine"):
        registry.panel("theirs")


def test_the_default_panel_does_not_change_with_what_is_installed(site: Path) -> None:
    before = [spec.name for spec in Registry.load().panel("default")]
    install_plugin(site, "acme", PLUGIN.replace("NAME", "simple").replace('"other"', '"other", panels={"default"}'))
    registry = Registry.load()
    assert [spec.name for spec in registry.panel("default")] == before
    assert "simple" in [spec.name for spec in registry.specs()]


def test_the_bundled_panels() -> None:
    registry = Registry.load()
    assert {"default", "fast", "deep", "full"} <= set(registry.panels())
    ours = [spec.name for spec in registry.specs() if ":" not in spec.name]  # the rest is the catalogue of a library
    assert [spec.name for spec in registry.panel("full")] == ours
    assert {spec.family for spec in registry.panel("deep")} == {"deep"}


@pytest.mark.parametrize("name", [spec.name for spec in Registry.load().panel("full")])
def test_every_bundled_detector_can_be_built_and_explains_its_parameters(name: str) -> None:
    registry = Registry.load()
    parameters = registry.parameters(name)
    assert [parameter.name for parameter in parameters if not parameter.help] == []
    typed, default = registry.build(name, {p.name: p.default for p in parameters}), registry.build(name)
    assert {p.name: getattr(typed, p.name) for p in parameters} == {
        p.name: getattr(default, p.name) for p in parameters
    }


def test_what_is_missing_is_said_with_what_to_install(site: Path) -> None:
    extra = '"other", requires=("no_such_library.part",), extra="acme[full]"'
    install_plugin(site, "acme", PLUGIN.replace("NAME", "simple").replace('"other"', extra))
    registry = Registry.load()
    reason = "needs no_such_library.part: pip install 'acme[full]'"
    assert registry.available(registry.spec("simple")) == (False, reason)
    with pytest.raises(PluginError, match=r"^detector 'simple' needs no_such_library"):
        registry.build("simple")


@pytest.mark.parametrize(
    ("factory", "reason"),
    [('"no_such_module:C"', "ModuleNotFoundError"), ('__name__ + ":Missing"', "AttributeError")],
)
def test_a_factory_that_cannot_be_imported_names_its_package(site: Path, factory: str, reason: str) -> None:
    install_plugin(site, "acme", PLUGIN.replace("NAME", "simple").replace('__name__ + ":Simple"', factory))
    with pytest.raises(PluginError, match=rf"^detector 'simple' of acme cannot be imported: {reason}"):
        Registry.load().build("simple")


def test_a_constructor_that_fails_names_its_package(site: Path) -> None:
    failing = 'metric: str = "l2"\n    __post_init__ = lambda self: 1 / 0'
    source = PLUGIN.replace("NAME", "simple").replace('metric: str = "l2"', failing)
    install_plugin(site, "acme", source)
    with pytest.raises(PluginError, match=r"^detector 'simple' of acme failed to build: ZeroDivisionError"):
        Registry.load().build("simple")


def test_build_reads_texts_and_takes_values(site: Path) -> None:
    install_plugin(site, "acme", PLUGIN.replace("NAME", "simple"))
    registry = Registry.load()
    name, texts = registry.parse("acme:simple:k=7,metric=l1")
    assert vars(registry.build(name, texts)) == vars(registry.build("simple", {"k": 7, "metric": "l1"}))
    with pytest.raises(ParameterError, match=r"^simple has no parameter 'metrik'; did you mean 'metric'\?$"):
        registry.build("simple", {"metrik": "l1"})
    with pytest.raises(ParameterError, match=r"^simple: k must be int, got 'many'$"):
        registry.build("simple", {"k": "many"})


def test_readers_and_combiners_are_imported_when_they_are_used(site: Path) -> None:
    source = """
from anomalist import hookimpl
from anomalist.detector import CombinerSpec, ReaderSpec

@hookimpl
def anomalist_readers():
    return [ReaderSpec(name="ini", summary="Settings.", suffixes=(".ini", ".cfg"), factory="posixpath:basename")]

@hookimpl
def anomalist_combiners():
    return [
        CombinerSpec(name="sums", summary="Sums.", factory="math:fsum"),
        CombinerSpec(name="circle", summary="No function.", factory="math:pi"),
    ]
"""
    install_plugin(site, "acme", source)
    registry = Registry.load()
    functions = registry.reader_functions()
    assert sorted(functions) == [".cfg", ".ini"]
    with pytest.raises(PluginError, match=r"^reader 'ini' of acme must return a polars DataFrame, got str$"):
        functions[".ini"](site / "a.ini")
    assert registry.combiner("sums")([1.0, 2.0]) == 3.0
    assert [spec.name for spec in registry.combiners()] == ["circle", "sums"]
    with pytest.raises(PluginError, match=r"^combiner 'circle' of acme: 3.14\d+ is not a function$"):
        registry.combiner("circle")
    with pytest.raises(UnknownNameError, match="no combiner is called 'sum'; did you mean 'sums'"):
        registry.combiner("sum")


def test_listing_imports_no_detector(site: Path) -> None:
    source = PLUGIN.replace("NAME", "simple").replace('__name__ + ":Simple"', '"this.is.not:Imported"')
    install_plugin(site, "acme", source)
    before = set(sys.modules)
    registry = Registry.load()
    assert all(registry.available(spec)[0] for spec in registry.specs() if registry.package(spec.name) == "acme")
    assert not any(module.startswith("this") for module in set(sys.modules) - before)
