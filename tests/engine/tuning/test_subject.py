"""What of a detector is searched, and how a point of that space is typed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from anomalist.engine.tuning.subject import Subject
from anomalist.errors import ParameterError, UnknownNameError, UsageError
from anomalist.plugins.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def bundled() -> Iterator[Registry]:
    return Registry.load()


def test_the_declared_space_can_be_built_at_every_end_and_choice(bundled: Registry) -> None:
    for spec in bundled.panel("default"):
        subject = Subject.of(bundled, spec.name, None)
        assert [axis.text for axis in subject.axes] == list(spec.search)
        assert subject.start is not None, "the defaults lie in the space, so that the search can learn from them"
        assert set(subject.start) == {axis.name for axis in subject.axes}


def test_a_parameter_that_is_given_is_not_searched(bundled: Registry) -> None:
    subject = Subject.of(bundled, "knn:rows=500,metric=manhattan", None)
    assert [axis.name for axis in subject.axes] == ["neighbours", "aggregate"]
    assert subject.line(None) == "knn:rows=500,metric=manhattan"
    assert subject.start == {"neighbours": 20, "aggregate": "mean"}


def test_a_line_is_read_back_as_it_was(bundled: Registry) -> None:
    subject = Subject.of(bundled, "autoencoder:members=1", None)
    line = subject.line({"hidden": "[64,32]", "latent": "none", "noise": 0.1234, "max_steps": 77})
    assert line == "autoencoder:members=1,hidden=[64,32],latent=none,noise=0.1234,max_steps=77"
    name, given = bundled.parse(line)
    built = bundled.build(name, given)
    assert (built.hidden, built.latent, built.noise, built.max_steps) == ((64, 32), None, 0.1234, 77)


def test_a_range_is_of_whole_numbers_where_the_parameter_is_one(bundled: Registry) -> None:
    assert Subject.of(bundled, "knn", "neighbours=1..5,p=1..3").whole == {"neighbours"}


def test_defaults_outside_of_the_space_are_no_point_of_it(bundled: Registry) -> None:
    assert Subject.of(bundled, "knn", "neighbours=50..90").start is None
    assert Subject.of(bundled, "knn", "metric=manhattan|chebyshev").start is None


@pytest.mark.parametrize(
    ("text", "space", "message"),
    [
        ("knn", "neighbors=1..5", "knn has no parameter 'neighbors' to search; it has neighbours, aggregate,"),
        ("knn", "neighbours=0..5", "neighbours must be a whole number of at least 1, got 0"),
        ("knn", "neighbours=1.5..5", "neighbours is a whole number, and so must be the ends of its range"),
        ("knn", "metric=1..5", "metric is str, no number: give choices, metric=A|B|C"),
        ("knn", "metric=euclidean|manhatan|chebyshev", "metric must be one of"),
        ("knn:rows=50", "rows=10..90", "rows is given with --detector and searched with --space"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(bundled: Registry, text: str, space: str, message: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(message)):
        Subject.of(bundled, text, space)


def test_nothing_to_search_is_refused_with_what_there_is(registry: Registry, bundled: Registry) -> None:
    with pytest.raises(UsageError, match=r"distance does not say what .* --space .*; it has power \(float\)$"):
        Subject.of(registry, "distance", None)
    given = "gmm:clouds=2,trim=0.1,ridge=0.1"
    with pytest.raises(UsageError, match="nothing is left to search of gmm: leave a parameter out of --detector"):
        Subject.of(bundled, given, None)
    with pytest.raises(UnknownNameError):
        Subject.of(bundled, "no_such", None)


def test_a_detector_of_somebody_else_is_called_with_its_package(registry: Registry) -> None:
    subject = Subject.of(registry, "distance", "power=1..3")
    assert subject.name == "tempers:distance"
    assert registry.build(*registry.parse(subject.line({"power": 2.5}))).power == 2.5
