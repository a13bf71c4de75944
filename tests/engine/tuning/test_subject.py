"""What of a detector is searched, and how a point of that space is typed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from anomalist.engine.tuning.subject import Subject
from anomalist.errors import ParameterError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from anomalist.engine.workspace import Workspace
    from anomalist.plugins.registry import Registry


@pytest.fixture
def careful(searching: Workspace) -> Registry:
    return searching.registry


def test_a_parameter_that_is_given_is_not_searched(careful: Registry) -> None:
    subject = Subject.of(careful, "weighted:turned=yes,steps=5", None)
    assert [axis.name for axis in subject.space.axes] == ["weight"]
    assert subject.line(None) == "careful:weighted:turned=yes,steps=5"
    assert subject.space.start == {"weight": 0.0}


def test_a_line_is_read_back_as_it_was(careful: Registry) -> None:
    space = "weight=0..1,layers=none|[32]|[64,32]"
    subject = Subject.of(careful, "weighted:steps=5", space)
    assert subject.space.start == {"weight": 0.0, "layers": "none"}
    line = subject.line({"weight": 0.1234, "layers": "[64,32]"})
    assert line == "careful:weighted:steps=5,weight=0.1234,layers=[64,32]"
    built = careful.build(*careful.parse(line))
    assert (built.weight, built.layers, built.steps) == (0.1234, (64, 32), 5)


def test_a_range_is_of_whole_numbers_where_the_parameter_is_one(careful: Registry) -> None:
    assert Subject.of(careful, "weighted", "weight=0..1,steps=1..3").space.whole == {"steps"}


def test_its_corners_have_every_end_and_every_choice(careful: Registry) -> None:
    corners = Subject.of(careful, "weighted", "weight=0.2..0.8,steps=2..9,turned=no|yes|maybe").space.corners()
    tried = {name: {corner[name] for corner in corners} for name in ("weight", "steps", "turned")}
    assert tried == {"weight": {0.2, 0.8}, "steps": {2, 9}, "turned": {"no", "yes", "maybe"}}


def test_a_point_at_random_is_in_the_space_and_spread_as_it_says(careful: Registry) -> None:
    space = Subject.of(careful, "weighted", "weight=0.01..1:log,steps=2..4,turned=no|yes").space
    rng = np.random.default_rng(0)
    drawn = [space.drawn(rng) for _ in range(200)]
    assert {type(point["steps"]) for point in drawn} == {int}
    assert {point["steps"] for point in drawn} == {2, 3, 4}
    assert {point["turned"] for point in drawn} == {"no", "yes"}
    assert all(0.01 <= point["weight"] <= 1.0 for point in drawn)
    assert 0.35 < np.mean([point["weight"] < 0.1 for point in drawn]) < 0.65


def test_a_default_is_found_among_choices_however_it_is_written(careful: Registry) -> None:
    subject = Subject.of(careful, "weighted", "weight=0.00|0.5,steps=1|3,layers=None|[32]")
    assert subject.space.start == {"weight": "0.00", "steps": "3", "layers": "None"}


def test_a_truth_value_is_found_however_it_is_written(registry: Registry) -> None:
    assert Subject.of(registry, "isolation_forest", "replace=False|True").space.start == {"replace": "False"}


def test_defaults_outside_of_the_space_are_no_point_of_it(careful: Registry) -> None:
    assert Subject.of(careful, "weighted", "steps=50..90").space.start is None
    assert Subject.of(careful, "weighted", "turned=yes|maybe").space.start is None


@pytest.mark.parametrize(
    ("text", "space", "message"),
    [
        ("weighted", "wait=1..5", "weighted has no parameter 'wait' to search; it has weight, turned, layers, steps"),
        ("weighted", "steps=0..5", "steps must be at least 1, got 0"),
        ("weighted", "steps=1.5..5", "steps is a whole number, and so must be the ends of its range"),
        ("weighted", "turned=1..5", "turned is str, no number: give choices, turned=A|B|C"),
        ("weighted", "turned=no|never|yes", "turned must be no, yes or maybe, got 'never'"),
        ("weighted", "", "the space names nothing to search; write it as 'NAME=LOW..HIGH,NAME=A|B'"),
        ("weighted:steps=2", "steps=1..5", "steps is given with the detector and searched by the space"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(careful: Registry, text: str, space: str, message: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(message)):
        Subject.of(careful, text, space)


def test_nothing_to_search_is_refused_with_what_there_is(registry: Registry, careful: Registry) -> None:
    with pytest.raises(UsageError, match=r"distance does not say what .* a space such as .*; it has power \(float\)$"):
        Subject.of(registry, "distance", None)
    with pytest.raises(
        UsageError, match="nothing is left to search of weighted: give fewer parameters with the detector"
    ):
        Subject.of(careful, "weighted:weight=0,turned=no", None)
    with pytest.raises(UnknownNameError):
        Subject.of(careful, "no_such", None)
