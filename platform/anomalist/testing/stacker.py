"""The checks of stackers: combiners that learn from verdicts."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from anomalist.ensemble.stack import Evidence, Lesson, Stacker
from anomalist.errors import NotFittedError
from anomalist.plugins.parameters import check_parameters
from anomalist.store.state import join_state, split_state
from anomalist.testing.bench import Bench
from anomalist.testing.description import add_description
from anomalist.testing.fields import add_fields
from anomalist.testing.process import add_process
from anomalist.testing.promise import Checks, Failure, NotApplicable, attempting, is_one_of_ours, told

if TYPE_CHECKING:
    from anomalist.detector import Bools, Floats

__all__ = ["BENCH", "CHECKS"]

_MEMBERS = 4
_COLUMNS = 5
_ROUNDING = 1e-6

CHECKS = Checks()
add_description(CHECKS)
add_fields(CHECKS)


class StackerBench(Bench):
    """The stacker that is checked, rows, and an analyst who calls some of them anomalies."""

    @cached_property
    def rows(self) -> Evidence:
        """Four hundred rows; a tenth is odd in column 0, and member 0 cries at it."""
        return _rows(400, seed=0)[0]

    @cached_property
    def fresh(self) -> Evidence:
        """A hundred rows that nobody has judged."""
        return _rows(100, seed=1)[0]

    def lesson(self, count: int = 40, *, only: int | None = None) -> Lesson:
        """What an analyst says of the rows that are asked for first."""
        labels = _rows(400, seed=0)[1]
        asked = np.random.default_rng(2).permutation(np.flatnonzero((labels == only) | (only is None)))[:count]
        if only is None and count:
            asked[: count // 2] = np.flatnonzero(labels)[: count // 2]  # both kinds are among them
            asked = np.unique(asked)
        return Lesson(
            judged=self.rows.take(asked), labels=labels[asked].astype(np.float64), background=self.rows, rate=0.05
        )

    def build(self) -> Stacker:
        """A new one, with the parameters that were given."""
        cls = self.loaded
        return cast("Stacker", cls(**check_parameters(self.subject.name, cls, self.subject.params)))

    @cached_property
    def fitted(self) -> Stacker:
        """One that has learned forty verdicts, to be looked at and never changed.

        Raises:
            NotApplicable: It cannot learn, which a check of its own says.
        """
        try:
            stacker = self.build()
            stacker.fit(self.lesson())
            found = self.odds(stacker)
        except NotApplicable:
            raise
        except (Exception, SystemExit) as error:
            raise NotApplicable(f"it cannot learn ordinary verdicts: {told(error)}") from error
        if found.shape != (len(self.fresh),) or not np.isfinite(found).all():
            raise NotApplicable("it does not give one finite number a row, which another check says")
        return stacker

    def odds(self, stacker: Stacker, rows: Evidence | None = None) -> Floats:
        """The log-odds that it gives rows nobody has judged."""
        return np.asarray(stacker.log_odds(self.fresh if rows is None else rows), dtype=np.float64)

    def work(self) -> None:
        """Learn and answer, as a run does."""
        self.odds(self.build().fit(self.lesson()))


BENCH = StackerBench


def _rows(count: int, *, seed: int) -> tuple[Evidence, Bools]:
    rng = np.random.default_rng(seed)
    odd = rng.random(count) < 0.1
    columns = rng.normal(size=(count, _COLUMNS)).astype(np.float32)
    columns[odd, 0] += 3.0
    surprises = rng.exponential(1.0, size=(count, _MEMBERS))
    surprises[odd, 0] += 3.0
    return Evidence(consensus=surprises.mean(axis=1), surprises=surprises, columns=columns), odd


@CHECKS.add("protocol", "it can learn, answer, be saved and restored")
def protocol(bench: StackerBench) -> None:
    """The methods that every stacker has."""
    missing = [
        name for name in ("fit", "log_odds", "state", "restore") if not callable(getattr(bench.loaded, name, None))
    ]
    if missing:
        raise Failure(
            expected="the methods fit, log_odds, state and restore",
            got=f"no {', '.join(missing)}",
            mend="add what is missing: anomalist.ensemble.stack.Stacker says what each takes and returns",
        )


@CHECKS.add("fits", "it learns from verdicts and returns itself")
def fits(bench: StackerBench) -> None:
    """From many, from few, of one kind or of both."""
    lessons = {"no verdicts": bench.lesson(0), "40 verdicts": bench.lesson()}
    lessons |= {f"{count} verdicts, all {only}": bench.lesson(count, only=only) for count in (1, 20) for only in (0, 1)}
    for what, lesson in lessons.items():
        stacker = bench.build()
        with attempting(f"it learns from {what}", "fit has to do with few verdicts, with none, and with one kind only"):
            found = stacker.fit(lesson)
            odds = bench.odds(stacker)
        if found is not stacker:
            raise Failure(
                expected="fit returns the stacker itself",
                got="None" if found is None else f"another {type(found).__name__}",
                mend="end fit with 'return self'",
            )
        if odds.shape != (len(bench.fresh),) or not np.isfinite(odds).all():
            raise Failure(
                expected=f"after {what}, one finite number for each of {len(bench.fresh)} rows",
                got=f"shape {odds.shape}, {np.sum(~np.isfinite(odds))} not finite",
                mend="return log(p / (1 - p)) of each row, and keep p away from 0 and 1",
            )


@CHECKS.add("consensus", "without verdicts it ranks rows as the consensus does")
def consensus(bench: StackerBench) -> None:
    """The first run after nothing was said must not be worse than no stacker."""
    odds = bench.odds(bench.build().fit(bench.lesson(0)))
    order = np.argsort(bench.fresh.consensus)
    if (np.diff(odds[order]) < -_ROUNDING).any():
        raise Failure(
            expected="log-odds that never fall as the consensus rises",
            got=f"a fall at {np.mean(np.diff(odds[order]) < -_ROUNDING):.0%} of the rows",
            mend="start from rows.consensus, and add to it what verdicts say",
        )


@CHECKS.add("learns", "rows like those that were called anomalies rise above those that were not")
def learns(bench: StackerBench) -> None:
    """What it is for."""
    lesson = bench.lesson()
    apart = [
        odds[lesson.labels == 1].mean() - odds[lesson.labels == 0].mean()
        for odds in (bench.odds(bench.build().fit(learned), lesson.judged) for learned in (bench.lesson(0), lesson))
    ]
    if not apart[1] > apart[0]:
        raise Failure(
            expected=f"anomalies and the rest further apart than the {apart[0]:.3g} nats before the verdicts",
            got=f"{apart[1]:.3g} nats",
            mend="a label of 1 is an anomaly and has to raise the log-odds of rows like it",
        )


@CHECKS.add("one-kind", "verdicts of one kind move it the right way")
def one_kind(bench: StackerBench) -> None:
    """Most analysts begin with false alarms."""
    before = bench.build().fit(bench.lesson(0))
    for only, way in ((0, -1.0), (1, 1.0)):
        lesson = bench.lesson(10, only=only)
        moved = (bench.odds(bench.build().fit(lesson), lesson.judged) - bench.odds(before, lesson.judged)).mean()
        if way * moved < -_ROUNDING:
            raise Failure(
                expected=f"rows that were all labelled {only} {'rise' if only else 'fall'}, or stay",
                got=f"they move by {moved:.3g} nats on average",
                mend="see to it that labels of one kind do not turn the direction round",
            )


@CHECKS.add("one-row", "one row gets the same alone as in a batch")
def one_row(bench: StackerBench) -> None:
    """The answer for a row depends on that row alone."""
    expected = bench.odds(bench.fitted)
    for row in (0, 17, 99):
        alone = float(bench.odds(bench.fitted, bench.fresh.take(slice(row, row + 1)))[0])
        if abs(alone - expected[row]) > _ROUNDING * max(1.0, abs(expected[row])):
            raise Failure(
                expected=f"{expected[row]:.6g} for row {row}, as in the batch",
                got=f"{alone:.6g} alone",
                mend="take means, ranks and scales from the lesson, never from the rows that are asked about",
            )


@CHECKS.add("seed", "the same lesson gives the same answers")
def seed(bench: StackerBench) -> None:
    """A run can be repeated."""
    expected = bench.odds(bench.fitted)
    _same(bench.odds(bench.build().fit(bench.lesson())), expected, "the answers of another that learned the same")


@CHECKS.add("refit", "learning anew forgets the lesson before")
def refit(bench: StackerBench) -> None:
    """Every version is taught all verdicts from the beginning."""
    expected = bench.odds(bench.fitted)
    again = bench.build().fit(bench.lesson(20, only=0)).fit(bench.lesson())
    _same(bench.odds(again), expected, "the answers of one that never learned another lesson")


@CHECKS.add("far", "rows far out get finite answers")
def far(bench: StackerBench) -> None:
    """Surprise and columns have no upper bound."""
    rows = Evidence(
        consensus=np.full(1, 1e4),
        surprises=np.full((1, _MEMBERS), 1e4),
        columns=np.full((1, _COLUMNS), 1e6, dtype=np.float32),
    )
    found = bench.odds(bench.fitted, rows)
    if not np.isfinite(found).all():
        raise Failure(expected="a finite number", got=str(found[0]), mend="bound what overflows, such as exponentials")


@CHECKS.add("narrow", "one member, no columns and constant rows will do")
def narrow(bench: StackerBench) -> None:
    """A panel of one detector; columns that are all alike."""
    flat = Evidence(consensus=np.ones(50), surprises=np.ones((50, 1)), columns=np.zeros((50, 0), dtype=np.float32))
    lesson = Lesson(judged=flat.take(slice(0, 10)), labels=np.arange(10) % 2.0, background=flat)
    mend = "guard against a spread of 0 and against no columns"
    with attempting("it learns from one member, no columns and rows that are all alike", mend):
        found = bench.odds(bench.build().fit(lesson), flat)
    if not np.isfinite(found).all():
        raise Failure(expected="finite numbers of rows that are all alike", got=str(found[0]), mend=mend)


@CHECKS.add("not-fitted", "before it has learned it says so")
def not_fitted(bench: StackerBench) -> None:
    """A mistake of who calls it, said in one line."""
    for name in ("log_odds", "state"):
        try:
            getattr(bench.build(), name)(*([bench.fresh] if name == "log_odds" else []))
        except NotFittedError as error:
            if is_one_of_ours(error):
                continue
            got = "one of several lines"
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises is what was got
            got = told(error)
        else:
            got = "an answer"
        raise Failure(
            expected=f"{name} before fit is a NotFittedError in one line",
            got=got,
            mend=f"raise anomalist.errors.NotFittedError in {name} where nothing is learned yet",
        )


@CHECKS.add("restored", "restored from plain values and arrays it answers the same")
def restored(bench: StackerBench) -> None:
    """A model is JSON and safetensors."""
    mend = "give state() arrays of bool, int or float, and numbers, texts, lists and dicts; build the rest in restore"
    expected = bench.odds(bench.fitted)
    with attempting("state() can be written without pickle, and restore takes it", mend):
        text, arrays = split_state(bench.fitted.state(), bench.subject.name)
        again = bench.build()
        found = again.restore(join_state(text, arrays))
    if found is not again:
        raise Failure(
            expected="restore returns the stacker itself", got=told_of(found), mend="end it with 'return self'"
        )
    _same(bench.odds(again), expected, "the answers of the one that was saved")


@CHECKS.add("unsure", "what it says of being unsure is positive, a number a row")
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


@CHECKS.add("moved", "what it says moved a row is finite, by member and by column")
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


@CHECKS.add("input", "it does not write to what it learns from")
def input_kept(bench: StackerBench) -> None:
    """Others read the same arrays."""
    lesson, fresh = bench.lesson(), _rows(100, seed=1)[0]
    watched = (lesson.labels, lesson.background.columns, lesson.background.surprises, fresh.columns, fresh.surprises)
    before = [array.copy() for array in watched]
    bench.odds(bench.build().fit(lesson), fresh)
    if not all(np.array_equal(now, then) for now, then in zip(watched, before, strict=True)):
        raise Failure(
            expected="the lesson and the rows are afterwards what they were",
            got="changed arrays",
            mend="work on copies: array.copy() makes one",
        )


add_process(CHECKS)


def told_of(found: object) -> str:
    """What was returned in place of the thing itself."""
    return "None" if found is None else f"another {type(found).__name__}"


def _same(found: Floats, expected: Floats, what: str) -> None:
    apart = np.abs(found - expected)
    if not (apart <= _ROUNDING * np.maximum(1.0, np.abs(expected))).all():
        raise Failure(
            expected=what,
            got=f"{np.mean(apart > 0):.0%} of the answers differ, by up to {np.max(apart):.3g}",
            mend="learn from nothing but the lesson, draw from default_rng(lesson.seed), and save all that is learned",
        )
