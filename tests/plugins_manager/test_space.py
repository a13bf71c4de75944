"""Search spaces: how axes are written, and what every bundled detector declares."""

from __future__ import annotations

import re

import pytest

from anomalist.detector import DetectorSpec
from anomalist.errors import ParameterError, PluginError
from anomalist.plugins.describe import described
from anomalist.plugins.registry import Registry
from anomalist.plugins.space import Between, OneOf, parse_space


def test_axes_in_one_text_or_several() -> None:
    wanted = (
        Between(name="k", low=5, high=100, log=True),
        Between(name="noise", low=0, high=0.5),
        OneOf(name="hidden", choices=("none", "[32]", "[64,32]")),
    )
    assert parse_space(["k=5..100:log,noise=0..0.5,hidden=none|[32]|[64,32]"]) == wanted
    assert parse_space(["k=5..100:log", "noise=0.0..5e-1", "hidden=none|[32]|[64,32]"]) == wanted
    assert parse_space([axis.text for axis in wanted]) == wanted
    assert parse_space(["t=-1..1"])[0].text == "t=-1..1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k=5", "k is searched between LOW..HIGH or among A|B|C, got '5'"),
        ("k=a|", "got 'a|'"),
        ("k=a|a", "got 'a|a'"),
        ("k=5..", "between two numbers such as 5..100 or 0.001..1:log, got '5..'"),
        ("k=5..2", "got '5..2'"),
        ("k=1..inf", "got '1..inf'"),
        ("k=1..2..3", "got '1..2..3'"),
        ("k=1..2:logs", "got '1..2:logs'"),
        ("k=0..1:log", "only above 0"),
        ("k", "a parameter is written KEY=VALUE, got 'k' in 'k'"),
        ("k=1..2,k=3..4", "'k' is given twice"),
    ],
)
def test_what_is_no_axis_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(message)):
        parse_space([text])


def test_one_parameter_has_one_axis() -> None:
    with pytest.raises(ParameterError, match="'k' is given twice in the search space"):
        parse_space(["k=1..2", "k=a|b"])


def test_a_declaration_is_checked_and_kept_in_one_form() -> None:
    spec = DetectorSpec(name="a", summary="A.", factory="a:A", family="other", search=("noise=0.0..0.50",))
    (copied,) = described("anomalist_detectors", [spec], "entry")
    assert copied.search == ("noise=0..0.5",)
    wrong = DetectorSpec(name="a", summary="A.", factory="a:A", family="other", search=("noise=1..0",))
    with pytest.raises(PluginError, match="name 'a': search: noise is searched between two numbers"):
        described("anomalist_detectors", [wrong], "entry")
    letters = DetectorSpec(name="a", summary="A.", factory="a:A", family="other", search="noise=0..1")
    with pytest.raises(PluginError, match="search must be a collection of strings"):
        described("anomalist_detectors", [letters], "entry")


def test_every_detector_of_a_panel_says_what_to_search_of_it() -> None:
    registry = Registry.load()
    for spec in registry.panel("default"):
        assert spec.search, spec.name
