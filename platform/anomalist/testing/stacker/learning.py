"""What a stacker learns: what verdicts say, from the first one on, and no more than that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anomalist.ensemble.stack import Evidence, Lesson
from anomalist.testing.promise import Failure, attempting, itself
from anomalist.testing.stacker.bench import ROUNDING, same_answers

if TYPE_CHECKING:
    from anomalist.testing.promise import Checks
    from anomalist.testing.stacker.bench import StackerBench

__all__ = ["add_learning"]


def add_learning(checks: Checks) -> None:
    """Add the checks."""
    checks.add("protocol", "it can learn, answer, be saved and restored")(protocol)
    checks.add("fits", "it learns from verdicts and returns itself")(fits)
    checks.add("consensus", "without verdicts it ranks rows as the consensus does")(consensus)
    checks.add("learns", "rows like those that were called anomalies rise above those that were not")(learns)
    checks.add("one-kind", "verdicts of one kind move it the right way")(one_kind)
    checks.add("narrow", "one member, no columns and constant rows will do")(narrow)
    checks.add("refit", "learning anew forgets the lesson before")(refit)


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


def fits(bench: StackerBench) -> None:
    """From many, from few, of one kind or of both."""
    lessons = {"no verdicts": bench.lesson(0), "40 verdicts": bench.lesson()}
    lessons |= {f"{count} verdicts, all {only}": bench.lesson(count, only=only) for count in (1, 20) for only in (0, 1)}
    for what, lesson in lessons.items():
        stacker = bench.build()
        with attempting(f"it learns from {what}", "fit has to do with few verdicts, with none, and with one kind only"):
            found = stacker.fit(lesson)
            odds = bench.odds(stacker)
        itself(found, stacker, "fit")
        if odds.shape != (len(bench.fresh),) or not np.isfinite(odds).all():
            raise Failure(
                expected=f"after {what}, one finite number for each of {len(bench.fresh)} rows",
                got=f"shape {odds.shape}, {np.sum(~np.isfinite(odds))} not finite",
                mend="return log(p / (1 - p)) of each row, and keep p away from 0 and 1",
            )


def consensus(bench: StackerBench) -> None:
    """The first run after nothing was said must not be worse than no stacker."""
    odds = bench.odds(bench.build().fit(bench.lesson(0)))
    order = np.argsort(bench.fresh.consensus)
    if (np.diff(odds[order]) < -ROUNDING).any():
        raise Failure(
            expected="log-odds that never fall as the consensus rises",
            got=f"a fall at {np.mean(np.diff(odds[order]) < -ROUNDING):.0%} of the rows",
            mend="start from rows.consensus, and add to it what verdicts say",
        )


def learns(bench: StackerBench) -> None:
    """What it is for."""
    judged, labels = bench.lesson().judged, bench.lesson().labels
    apart = []
    for lesson in (bench.lesson(0), bench.lesson()):
        odds = bench.odds(bench.build().fit(lesson), judged)
        apart.append(float(odds[labels == 1].mean() - odds[labels == 0].mean()))
    if not apart[1] > apart[0]:
        raise Failure(
            expected=f"anomalies and the rest further apart than the {apart[0]:.3g} nats before the verdicts",
            got=f"{apart[1]:.3g} nats",
            mend="a label of 1 is an anomaly and has to raise the log-odds of rows like it",
        )


def one_kind(bench: StackerBench) -> None:
    """Most analysts begin with false alarms."""
    before = bench.build().fit(bench.lesson(0))
    for only, way in ((0, -1.0), (1, 1.0)):
        lesson = bench.lesson(10, only=only)
        moved = (bench.odds(bench.build().fit(lesson), lesson.judged) - bench.odds(before, lesson.judged)).mean()
        if way * moved < -ROUNDING:
            raise Failure(
                expected=f"rows that were all labelled {only} {'rise' if only else 'fall'}, or stay",
                got=f"they move by {moved:.3g} nats on average",
                mend="see to it that labels of one kind do not turn the direction round",
            )


def narrow(bench: StackerBench) -> None:
    """A panel of one detector; columns that are all alike."""
    flat = Evidence(consensus=np.ones(50), surprises=np.ones((50, 1)), columns=np.zeros((50, 0), dtype=np.float32))
    lesson = Lesson(judged=flat.take(slice(0, 10)), labels=np.arange(10) % 2.0, background=flat)
    mend = "guard against a spread of 0 and against no columns"
    with attempting("it learns from one member, no columns and rows that are all alike", mend):
        found = bench.odds(bench.build().fit(lesson), flat)
    if not np.isfinite(found).all():
        raise Failure(expected="finite numbers of rows that are all alike", got=str(found[0]), mend=mend)


def refit(bench: StackerBench) -> None:
    """Every version is taught all verdicts from the beginning."""
    expected = bench.odds(bench.fitted)
    again = bench.build().fit(bench.lesson(20, only=0)).fit(bench.lesson())
    same_answers(bench.odds(again), expected, "the answers of one that never learned another lesson")
