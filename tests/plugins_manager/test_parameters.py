"""Text to values, and values to help."""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - the types of fields are looked up
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest

from anomalist.errors import ParameterError, PluginError
from anomalist.plugins.parameters import check_parameters, describe_parameters, parse_detector

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(kw_only=True)
class Example:
    """A detector's worth of types.

    Attributes:
        count: How many.
        rate: How fast: a share
            of the rows.
        gamma: A number, or a rule.
    """

    count: int = 3
    rate: float = 0.5
    gamma: float | Literal["scale", "auto"] = "scale"
    depth: int | None = None
    robust: bool = True
    hidden: tuple[int, ...] = (64, 32)
    span: tuple[int, float] = (1, 2.0)
    names: Sequence[str] = field(default_factory=list)
    label: str | None = None
    kernel: Literal["rbf", "poly"] = "rbf"
    fitted: Decimal | None = field(default=None, init=False)


GOOD = [
    ("count", "7", 7),
    ("count", 7, 7),
    ("count", np.int64(7), 7),
    ("rate", "1e-3", 0.001),
    ("rate", 1, 1.0),
    ("rate", np.float32(0.5), 0.5),
    ("gamma", "auto", "auto"),
    ("gamma", "0.25", 0.25),
    ("gamma", 2, 2.0),
    ("depth", "none", None),
    ("depth", None, None),
    ("depth", "4", 4),
    ("robust", "no", False),
    ("robust", True, True),
    ("hidden", "[8,4]", (8, 4)),
    ("hidden", "(8, 4)", (8, 4)),
    ("hidden", "[]", ()),
    ("hidden", [8, 4], (8, 4)),
    ("span", "[2, 3]", (2, 3.0)),
    ("names", '["a", "b"]', ("a", "b")),
    ("label", "none", None),
    ("label", "y", "y"),
    ("kernel", "poly", "poly"),
]

BAD = [
    ("count", "7.5", "int"),
    ("count", 7.0, "int"),
    ("count", True, "int"),
    ("count", None, "int"),
    ("rate", "fast", "float"),
    ("rate", True, "float"),
    ("rate", "inf", "float"),
    ("rate", float("nan"), "float"),
    ("gamma", float("inf"), r"float or scale\|auto"),
    ("gamma", "wide", r"float or scale\|auto"),
    ("depth", "deep", "int or none"),
    ("robust", "maybe", "bool"),
    ("robust", 1, "bool"),
    ("hidden", "8", "list of int"),
    ("hidden", "[8,x]", "list of int"),
    ("hidden", [8, 4.5], "list of int"),
    ("span", [1], r"\[int,float\]"),
    ("kernel", "linear", r"rbf\|poly"),
    ("kernel", ["rbf"], r"rbf\|poly"),
]


@pytest.mark.parametrize(("name", "given", "value"), GOOD)
def test_good_values(name: str, given: object, value: object) -> None:
    got = check_parameters("example", Example, {name: given})[name]
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(("name", "given", "expected"), BAD)
def test_bad_values_are_refused_in_one_line(name: str, given: object, expected: str) -> None:
    with pytest.raises(ParameterError, match=rf"^example: {name} must be {expected}, got [^\n]*$"):
        check_parameters("example", Example, {name: given})


def test_unknown_parameters_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"^example has no parameter 'hiden'; did you mean 'hidden'\?$"):
        check_parameters("example", Example, {"hiden": 3})
    with pytest.raises(ParameterError, match=r"^example has no parameter 'fitted'; it has count, rate"):
        check_parameters("example", Example, {"fitted": 3})


def test_help_comes_from_the_docstring() -> None:
    described = {parameter.name: parameter for parameter in describe_parameters("example", Example)}
    assert list(described) == [name for name in Example.__dataclass_fields__ if name != "fitted"]
    assert described["rate"].help == "How fast: a share of the rows."
    assert described["depth"].help == ""
    assert (described["gamma"].type, described["gamma"].default) == ("float or scale|auto", "scale")
    assert (described["hidden"].type, described["hidden"].default) == ("list of int", "[64,32]")
    assert (described["depth"].type, described["depth"].default) == ("int or none", "none")


def test_every_default_can_be_typed() -> None:
    typed = {parameter.name: parameter.default for parameter in describe_parameters("example", Example)}
    assert Example(**check_parameters("example", Example, typed)).hidden == (64, 32)


def test_a_class_that_is_no_dataclass_or_has_no_defaults_is_a_plugin_error() -> None:
    @dataclass
    class Needy:
        k: int

    with pytest.raises(PluginError, match="is not a dataclass"):
        check_parameters("example", dict, {})
    with pytest.raises(PluginError, match="parameter 'k' needs a default"):
        check_parameters("example", Needy, {})


def test_a_type_that_only_a_checker_sees_is_a_plugin_error() -> None:
    @dataclass
    class Hidden:
        amount: Decimal | None = None

    with pytest.raises(PluginError, match="the type of parameter 'amount': name 'Decimal' is not defined"):
        describe_parameters("example", Hidden)


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("knn", "knn", {}),
        ("knn:", "knn", {}),
        ("knn:k=5", "knn", {"k": "5"}),
        (" knn : k = 5 , metric = l1 ", "knn", {"k": "5", "metric": "l1"}),
        ("ae:hidden=[64,32],activation=relu", "ae", {"hidden": "[64,32]", "activation": "relu"}),
        ("ae:hidden=(64,32)", "ae", {"hidden": "(64,32)"}),
        ("ae:note='a,b=c'", "ae", {"note": "a,b=c"}),
        ("ae:path=a:b", "ae", {"path": "a:b"}),
        ("acme:knn", "acme:knn", {}),
        ("acme:knn:k=5", "acme:knn", {"k": "5"}),
    ],
)
def test_parse(text: str, name: str, values: dict[str, str]) -> None:
    assert parse_detector(text) == (name, values)


@pytest.mark.parametrize("text", ["", ":k=5", "knn:k=5,k=6", "knn:k=5,6", "knn:=5", "knn:h=[1,2", "knn:h='x", "k=5"])
def test_what_is_no_detector_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match=r"^[^\n]+$"):
        parse_detector(text)
