"""What a plugin describes is imported when it is used, and fails as its own."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from anomalist.errors import ParameterError, PluginError
from anomalist.plugins.importing import held, imported
from anomalist.plugins.registry import Registry
from anomalist.plugins.shared_state import changes, snapshot
from tests.helpers import PLUGIN, install_plugin

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = {
    "raises": ("raise ValueError('no\\nluck')", "ValueError: no luck"),
    "exits": ("raise SystemExit(3)", "SystemExit: 3"),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "cancels": ("import asyncio\nraise asyncio.CancelledError", "CancelledError"),
    "nothing there": ("x = 1", "AttributeError: module .* has no attribute 'Thing'"),
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that modules are imported from."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("source", "message"), BROKEN.values(), ids=BROKEN)
def test_a_factory_that_cannot_be_imported_names_its_package(site: Path, source: str, message: str) -> None:
    module = install_plugin(site, "acme", source)
    with pytest.raises(PluginError, match=rf"^detector 'x' of acme cannot be imported: {message}$"):
        imported(f"{module}:Thing", "detector 'x'", "acme")


def test_a_factory_prints_to_stderr_and_what_it_changes_is_put_back(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "import os, warnings\nprint('loud')\nos.chdir('/')\nwarnings.simplefilter('ignore')\nThing = 3"
    module = install_plugin(site, "acme", source)
    before = snapshot()
    assert imported(f"{module}:Thing", "detector 'x'", "acme") == 3
    assert changes(before) == ()
    assert capsys.readouterr() == ("", "loud\n")


def test_errors_of_anomalist_pass_as_they_are() -> None:
    with pytest.raises(ParameterError, match=r"^no$"), held("detector 'x' of acme failed", "acme"):
        raise ParameterError("no")


def test_bundled_code_is_not_watched() -> None:
    with warnings.catch_warnings(), held("detector 'x' of anomalist failed", "anomalist"):
        warnings.simplefilter("ignore")
        sys.stdout.write("")
    with (
        pytest.raises(PluginError, match=r"^detector 'x' of anomalist failed: KeyError: 1$"),
        held("detector 'x' of anomalist failed", "anomalist"),
    ):
        raise KeyError(1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def __post_init__(self): raise SystemExit(2)", "failed to build: SystemExit: 2"),
        ("def __post_init__(self): del self.k", "failed to build: AttributeError"),
    ],
)
def test_a_constructor_that_does_anything_names_its_package(site: Path, body: str, message: str) -> None:
    source = PLUGIN.replace("NAME", "simple").replace('metric: str = "l2"', f'metric: str = "l2"\n    {body}')
    install_plugin(
        site,
        "acme",
        source.replace("k: int = 5", "k: int = field(default_factory=int)").replace(
            "import dataclass", "import dataclass, field"
        ),
    )
    with pytest.raises(PluginError, match=rf"^detector 'simple' of acme {message}"):
        Registry.load().build("simple")
