"""What a stacker answers: log-odds of each row by itself, the same each time, wherever it was restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from anomalist.ensemble.stack import Evidence
from anomalist.errors import NotFittedError
from anomalist.store.state import join_state, split_state
from anomalist.testing.promise import Failure, NotApplicable, attempting, itself, refuses
from anomalist.testing.stacker.bench import COLUMNS, MEMBERS, ROUNDING, made_up, same_answers

if TYPE_CHECKING:
    from anomalist.testing.promise import Checks
    from anomalist.testing.stacker.bench import StackerBench

__all__ = ["add_answers"]


def add_answers(checks: Checks) -> None:
    """Add the checks."""
    checks.add("one-row", "one row gets the same alone as in a batch")(one_row)
    checks.add("seed", "the same lesson gives the same answers")(seed)
    checks.add("far", "rows far out get finite answers")(far)
    checks.add("not-fitted", "before it has learned it says so")(not_fitted)
    checks.add("restored", "restored from plain values and arrays it answers the same")(restored)
    checks.add("unsure", "what it says of being unsure is positive, a number a row")(unsure)
    checks.add("moved", "what it says moved a row is finite, by member and by column")(moved)
    checks.add("input", "it does not write to what it learns from")(input_kept)


def one_row(bench: StackerBench) -> None:
    """The answer for a row depends on that row alone."""
    expected = bench.odds(bench.fitted)
    for row in (0, 17, 99):
        alone = float(bench.odds(bench.fitted, bench.fresh.take(slice(row, row + 1)))[0])
        if abs(alone - expected[row]) > ROUNDING * max(1.0, abs(expected[row])):
            raise Failure(
                expected=f"{expected[row]:.6g} for row {row}, as in the batch",
                got=f"{alone:.6g} alone",
                mend="take means, ranks and scales from the lesson, never from the rows that are asked about",
            )


def seed(bench: StackerBench) -> None:
    """A run can be repeated."""
    expected = bench.odds(bench.fitted)
    same_answers(
        bench.odds(bench.build().fit(bench.lesson())), expected, "the answers of another that learned the same"
    )


def far(bench: StackerBench) -> None:
    """Surprise and columns have no upper bound."""
    rows = Evidence(
        consensus=np.full(1, 1e4),
        surprises=np.full((1, MEMBERS), 1e4),
        columns=np.full((1, COLUMNS), 1e6, dtype=np.float32),
    )
    found = bench.odds(bench.fitted, rows)
    if not np.isfinite(found).all():
        raise Failure(expected="a finite number", got=str(found[0]), mend="bound what overflows, such as exponentials")


def not_fitted(bench: StackerBench) -> None:
    """A mistake of who calls it, said in one line."""
    for name in ("log_odds", "state"):
        mend = f"raise anomalist.errors.NotFittedError in {name} where nothing is learned yet"
        given = [bench.fresh] if name == "log_odds" else []
        refuses(NotFittedError, getattr(bench.build(), name), *given, when="before fit", mend=mend)


def restored(bench: StackerBench) -> None:
    """A model is JSON and safetensors."""
    mend = "give state() arrays of bool, int or float, and numbers, texts, lists and dicts; build the rest in restore"
    expected = bench.odds(bench.fitted)
    with attempting("state() can be written without pickle, and restore takes it", mend):
        text, arrays = split_state(bench.fitted.state(), bench.subject.name)
        again = bench.build()
        found = again.restore(join_state(text, arrays))
    itself(found, again, "restore")
    same_answers(bench.odds(again), expected, "the answers of the one that was saved")


def unsure(bench: StackerBench) -> None:
    """The review queue asks where it is unsure."""
    if not hasattr(bench.loaded, "deviation"):
        raise NotApplicable("it has no method deviation")
    found = np.asarray(cast("Any", bench.fitted).deviation(bench.fresh))
    if found.shape != (len(bench.fresh),) or not np.isfinite(found).all() or not (found > 0).all():
        raise Failure(
            expected=f"{len(bench.fresh)} finite numbers above 0",
            got=f"shape {found.shape}, from {np.min(found):.3g}",
            mend="return the standard deviation of the log-odds of each row",
        )


def moved(bench: StackerBench) -> None:
    """`explain` shows it as factors of the odds."""
    if not hasattr(bench.loaded, "moved"):
        raise NotApplicable("it has no method moved")
    members, columns = (np.asarray(part) for part in cast("Any", bench.fitted).moved(bench.fresh))
    shapes = bench.fresh.surprises.shape, bench.fresh.columns.shape
    if (members.shape, columns.shape) != shapes or not (np.isfinite(members).all() and np.isfinite(columns).all()):
        raise Failure(
            expected=f"finite numbers of shapes {shapes[0]} and {shapes[1]}",
            got=f"shapes {members.shape} and {columns.shape}",
            mend="return by how many nats each member and each column moved each row",
        )


def input_kept(bench: StackerBench) -> None:
    """Others read the same arrays."""
    lesson, fresh = bench.lesson(), made_up(100, seed=1)[0]
    watched = (lesson.labels, lesson.background.columns, lesson.background.surprises, fresh.columns, fresh.surprises)
    before = [array.copy() for array in watched]
    bench.odds(bench.build().fit(lesson), fresh)
    if not all(np.array_equal(now, then) for now, then in zip(watched, before, strict=True)):
        raise Failure(
            expected="the lesson and the rows are afterwards what they were",
            got="changed arrays",
            mend="work on copies: array.copy() makes one",
        )
