"""Combiners, stackers, makers of features and readers: ours keep every promise, and bad ones fail the right check."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl
import pytest

from anomalist.engine.models.stackers import BUILT_IN as STACKERS
from anomalist.ensemble.combine import BUILT_IN as COMBINERS
from anomalist.ensemble.stackers.logistic import Logistic
from anomalist.errors import DataError, NotFittedError, SchemaMismatchError
from anomalist.testing import (
    check_combiner,
    check_features,
    check_reader,
    check_stacker,
    checks_of,
    run_checks,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from anomalist.data.table import Table
    from anomalist.detector import Floats, State
    from anomalist.ensemble.stack import Evidence, Lesson

DECLARED = {
    "consensus": {
        "learns": "it is what the others are compared with, and learns nothing",
        "not-fitted": "it has nothing to learn, so that it can answer at once",
    }
}


@pytest.mark.parametrize("name", COMBINERS)
def test_our_combiners_pass(name: str) -> None:
    check_combiner(name)


@pytest.mark.parametrize("name", STACKERS)
def test_our_stackers_pass(name: str) -> None:
    check_stacker(name, expected_failures=DECLARED.get(name))


@pytest.mark.parametrize("kind", ["combiner", "stacker", "features", "reader"])
def test_every_check_is_a_sentence(kind: Any) -> None:
    assert len(checks_of(kind)) >= 13
    assert all(len(check.sentence.split()) >= 3 for check in checks_of(kind))


def failed(target: Any, kind: Any, **given: Any) -> dict[str, str]:
    return {each.id: each.message for each in run_checks(target, kind=kind, **given) if each.outcome == "failed"}


def mean(surprises: Floats) -> Floats:
    return surprises.mean(axis=1)


def smallest_less_largest(surprises: Floats) -> Floats:
    return surprises.sum(axis=1) - 1.5 * surprises.max(axis=1)


def second(surprises: Floats) -> Floats:
    return np.sort(surprises, axis=1)[:, -2]


def ranks(surprises: Floats) -> Floats:
    return surprises.mean(axis=1).argsort().argsort().astype(float)


def writes(surprises: Floats) -> Floats:
    surprises *= 2
    return surprises.mean(axis=1)


def deaf(surprises: Floats, *, votes: Floats) -> Floats:
    return surprises.mean(axis=1)


@pytest.mark.parametrize(
    ("function", "checks"),
    [
        (mean, []),
        (lambda surprises: surprises.mean(axis=0), ["shape"]),
        (lambda surprises: np.log(surprises).mean(axis=1), ["finite"]),
        (smallest_less_largest, ["monotone", "one-detector"]),
        (second, ["one-detector"]),
        (lambda surprises: np.minimum(surprises.mean(axis=1), 3.0), ["polarity"]),
        (ranks, ["one-row"]),
        (lambda surprises: surprises.mean(axis=1) + np.random.default_rng().random(len(surprises)) / 1e3, ["again"]),
        (writes, ["input"]),
        (deaf, ["votes"]),
    ],
)
def test_a_bad_combiner_fails(function: Callable[..., Floats], checks: list[str]) -> None:
    found = failed(function, "combiner")
    assert set(checks) <= found.keys(), found
    assert len(found) <= len(checks) + 2
    for message in found.values():
        assert [line.partition(":")[0].strip() for line in message.splitlines()] == ["expected", "got", "mend"]


class Opposite(Logistic):
    def fit(self, lesson: Lesson, /) -> Self:
        object.__setattr__(lesson, "labels", 1.0 - lesson.labels)
        return super().fit(lesson)


class Centred(Logistic):
    def log_odds(self, rows: Evidence, /) -> Floats:
        found = super().log_odds(rows)
        return found - found.mean()


class NeedsTwo(Logistic):
    def fit(self, lesson: Lesson, /) -> Self:
        if len(np.unique(lesson.labels)) < 2:
            raise ValueError("both kinds are needed")
        return super().fit(lesson)


@pytest.mark.parametrize(
    ("cls", "checks"),
    [(Opposite, {"learns", "one-kind"}), (Centred, {"one-row"}), (NeedsTwo, {"fits", "consensus"})],
)
def test_a_bad_stacker_fails(cls: type, checks: set[str]) -> None:
    found = failed(cls, "stacker")
    assert checks <= found.keys(), found
    assert "polarity" not in found


@dataclass
class Dearer:
    """How dear a row is beside all rows.

    Attributes:
        column: What is looked at.
    """

    column: str = "amount"

    _mean: float | None = field(default=None, init=False, repr=False)

    def fit(self, table: Table, /) -> Self:
        self._mean = float(self.values(table).mean() or 0.0)  # type: ignore[arg-type]  # of numbers it is a number
        return self

    def values(self, table: Table) -> pl.Series:
        if self.column not in table.frame.columns:
            raise SchemaMismatchError(f"there is no column {self.column!r}")
        return table.frame.get_column(self.column)

    def transform(self, table: Table, /) -> pl.DataFrame:
        return (self.values(table) - self.state()["mean"]).alias("dearer").to_frame()

    def state(self) -> State:
        if self._mean is None:
            raise NotFittedError("it is not fitted: call fit first")
        return {"mean": self._mean}

    def restore(self, state: State, /) -> Self:
        self._mean = state["mean"]
        return self


class Drops(Dearer):
    def transform(self, table: Table, /) -> pl.DataFrame:
        return super().transform(table).drop_nulls()


class Taken(Dearer):
    def transform(self, table: Table, /) -> pl.DataFrame:
        return super().transform(table).rename({"dearer": "amount"})


class FromTheRows(Dearer):
    def transform(self, table: Table, /) -> pl.DataFrame:
        found = super().transform(table)
        return found.select(pl.col("dearer").alias(f"dearer_{len(table)}"))


class Crashes(Dearer):
    def values(self, table: Table) -> pl.Series:
        return table.frame.get_column(self.column)


def test_a_good_maker_passes_and_one_that_needs_other_columns_says_so() -> None:
    check_features(Dearer)
    outcomes = {each.id: each for each in run_checks(Dearer, kind="features", params={"column": "price"})}
    assert outcomes["fits"].outcome == "not applicable"
    assert "there is no column 'price'; give another by sample=" in outcomes["rows"].message
    frame = pl.DataFrame({"price": np.arange(30.0) ** 2, "name": [f"n{row}" for row in range(30)]})
    check_features(Dearer, params={"column": "price"}, sample=frame)


@pytest.mark.parametrize(
    ("cls", "check", "got"),
    [
        (Drops, "missing", "100"),
        (Taken, "new-names", "amount"),
        (FromTheRows, "same-columns", "dearer_100"),
        (Crashes, "other-table", "ColumnNotFoundError"),
    ],
)
def test_a_bad_maker_fails(cls: type, check: str, got: str) -> None:
    found = failed(cls, "features")
    assert check in found, found
    assert got in found[check]


def lines(path: Path) -> pl.DataFrame:
    try:
        return pl.DataFrame({"line": path.read_text(encoding="utf-8").splitlines()})
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 at byte {error.start}") from None


def careless(path: Path) -> pl.DataFrame:
    return pl.DataFrame({"line": path.read_text(encoding="utf-8").splitlines()})


def lazy(path: Path) -> Any:
    return lines(path).lazy()


def by_name(path: Path) -> pl.DataFrame:
    return lines(Path(path.with_name("sample.txt")))


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.txt"
    path.write_text("one\ntwo\nthree\n", encoding="utf-8")
    return path


def test_a_good_reader_passes_with_a_sample_and_mostly_does_not_apply_without(sample: Path) -> None:
    check_reader(lines, sample=sample)
    results = run_checks(lines, kind="reader")
    assert {each.outcome for each in results if each.id in ("garbage", "factory")} == {"passed"}
    assert {each.outcome for each in results if each.id in ("reads", "again")} == {"not applicable"}


@pytest.mark.parametrize(
    ("reader", "check", "got"),
    [
        (careless, "garbage", "UnicodeDecodeError"),
        (lazy, "reads", "a LazyFrame"),
        (by_name, "any-name", "FileNot"),
    ],
)
def test_a_bad_reader_fails(reader: Callable[[Path], Any], check: str, got: str, sample: Path) -> None:
    found = failed(reader, "reader", sample=sample)
    assert check in found, found
    assert got in found[check]
