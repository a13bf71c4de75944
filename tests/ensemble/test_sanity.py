"""What a detector gives is checked, and each fault is told in one line; what is unusual but right passes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from anomalist.data.dataset import Dataset
from anomalist.ensemble.sanity import check_direction, checked_notes, checked_numbers
from anomalist.errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = Dataset.from_array(np.random.default_rng(0).normal(size=(200, 3)))
WINDOWS = Dataset.from_array(np.random.default_rng(0).normal(size=(200, 8, 3)))


def numbers(found: object) -> Any:
    return checked_numbers(found, (3,), "score", "one number for each of 3 rows")


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (np.ones(3, dtype=complex), "score must return real numbers, got ndarray of complex128"),
        (np.array([1, None, 2]), "score must return real numbers, got ndarray of object"),
        (["a", "b", "c"], "score must return real numbers, got list of <U1"),
        (None, "score must return real numbers, got NoneType None"),
        ("high", "score must return real numbers, got str 'high'"),
        (np.zeros(3, dtype="datetime64[s]"), "score must return real numbers, got ndarray of datetime64[s]"),
        (np.ones((3, 1)), "score must return one number for each of 3 rows, got shape (3, 1)"),
        (0.5, "score must return one number for each of 3 rows, got shape ()"),
        (
            np.broadcast_to(np.int8(1), 10**12),
            "score must return one number for each of 3 rows, got shape (1000000000000,)",
        ),
        ([1.0, np.nan, np.inf], "score must return finite numbers, got nan in row 1 (2 in all)"),
        (np.array([1e200, -np.inf, 0.0]), "score must return finite numbers, got -inf in row 1 (1 in all)"),
    ],
)
def test_what_is_not_a_finite_number_a_row_is_refused(found: object, says: str) -> None:
    with pytest.raises(DetectorError) as caught:
        numbers(found)
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize("found", [[1, 2, 3], np.ones(3, dtype=np.float16), np.array([True, False, True])])
def test_numbers_of_any_kind_come_as_a_copy(found: Any) -> None:
    given = numbers(found)
    assert given.dtype == np.float64
    assert given.tolist() == [float(number) for number in found]
    assert not np.shares_memory(given, np.asarray(found))


@dataclass
class Told:
    """A detector that scores by a function."""

    by: Callable[[Any], Any]

    def score(self, data: Dataset) -> Any:
        return self.by(data.values)


def checked(by: Callable[[Any], Any], data: Dataset = ROWS) -> None:
    detector = Told(by)
    check_direction(detector, data, np.asarray(detector.score(data), dtype=np.float64), seed=0)


def distance(values: Any) -> Any:
    return np.square(values.reshape(len(values), -1)).sum(axis=1)


@pytest.mark.parametrize("data", [ROWS, WINDOWS], ids=["rows", "windows"])
def test_scores_upside_down_are_refused(data: Dataset) -> None:
    checked(distance, data)
    with pytest.raises(DetectorError, match=r"gave rows far away .* its lowest scores: .* return the negative"):
        checked(lambda values: -distance(values), data)
    with pytest.raises(DetectorError, match="return the negative"):
        checked(lambda values: 1 / (1 + distance(values)), data)


def test_one_score_for_all_is_refused_where_rows_differ() -> None:
    with pytest.raises(DetectorError, match=r"^gave all 200 rows the same score 0.5, and so rows far away"):
        checked(lambda values: np.full(len(values), 0.5))
    for few in (np.ones((200, 3)), np.tile([[-1.0], [1.0]], (100, 3))):
        checked(lambda values: np.full(len(values), 0.5), Dataset.from_array(few))
    checked(lambda values: (np.abs(values) > 20).any(axis=1) * 1.0)  # of these rows none is anomalous: others would be


@pytest.mark.parametrize(
    "by",
    [
        lambda values: values[:, 0] * 1.0,  # anomalous in one direction only
        lambda values: (np.abs(values) < 0.1).sum(axis=1) * 1.0,  # nothing to do with distance
        lambda values: np.minimum(distance(values), 3.0),  # saturates
        lambda values: np.abs(np.sin(distance(values))),  # looks at anything but distance
    ],
)
def test_detectors_of_other_anomalies_than_far_rows_pass(by: Callable[[Any], Any]) -> None:
    checked(by)


def test_what_watches_windows_that_stand_still_passes() -> None:
    checked(lambda values: -values.std(axis=1).sum(axis=1), WINDOWS)


def test_far_rows_must_get_finite_scores_too() -> None:
    with pytest.raises(DetectorError, match="score must return finite numbers, got nan"):
        checked(lambda values: np.where(np.abs(values).max(axis=1) > 10, np.nan, 1.0 + values[:, 0]))


@pytest.mark.parametrize(
    "data", [ROWS.take(slice(0, 1)), ROWS.take(slice(0, 2)), replace(ROWS, values=ROWS.values * 1e30)]
)
def test_few_and_huge_rows_are_no_trouble(data: Dataset) -> None:
    checked(lambda values: np.abs(values).max(axis=1), data)


def test_notes_are_lines() -> None:
    @dataclass
    class Noted:
        notes: Any

    assert checked_notes(Told(distance)) == ()
    assert checked_notes(Noted(["one\nline", "another"])) == ("one line", "another")
    for notes, says in (
        ("text", "got str 'text'"),
        (3, "got int 3"),
        ([1, 2], r"got list \[1, 2\]"),
        (None, "got NoneType None"),
        (["x" * 1000], "a line of notes may have 500 characters, got 1,000"),
        (repeat("x"), "notes may be 20 lines, got more"),
    ):
        with pytest.raises(DetectorError, match=says):
            checked_notes(Noted(notes))
