"""Who changed what all code shares: told from one another where that can be, all named where it cannot."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import re
import sys
import threading
import time
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from anomalist.engine.execution.executor import Threads
from anomalist.engine.execution.turns import Turn
from anomalist.errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Callable


class Foreign:
    """A detector of somebody else."""


class Ours:
    """One that comes with anomalist."""


Ours.__module__ = "anomalist_plugins.ours"


@dataclass
class Item:
    """A seat whose work is a function."""

    name: str
    work: Callable[[], object]
    detector: object = field(default_factory=Foreign)


def errors_of(*items: Item, workers: int = 1, timeout: float | None = None) -> dict[str, str]:
    outcomes = Threads(workers=workers, timeout=timeout).outcomes(lambda item: item.work() or 1, items)
    return {outcome.item.name: str(outcome.error or "") for outcome in outcomes}


SEEDED = "changed Python's global random state: use random.Random(seed)"


def test_the_one_that_changes_shared_state_fails_and_the_next_finds_it_as_it_was() -> None:
    before, seen = random.getstate(), []
    found = errors_of(
        Item("good", lambda: None),
        Item("bad", lambda: random.seed(70001)),
        Item("next", lambda: seen.append(random.getstate())),
    )
    assert found == {"good": "", "bad": SEEDED, "next": ""}
    assert seen == [before]
    assert random.getstate() == before


def test_beside_detectors_of_anomalist_it_is_the_one_that_is_not() -> None:
    go = threading.Event()
    bad = Item("bad", lambda: (random.seed(70001), go.set()))
    ours = Item("ours", lambda: go.wait(5), Ours())
    assert errors_of(ours, bad, workers=2) == {"ours": "", "bad": SEEDED}


def test_of_two_that_ran_side_by_side_each_names_the_other() -> None:
    both, done = threading.Barrier(2, timeout=5), threading.Event()
    bad = Item("bad", lambda: (both.wait(), random.seed(70001), done.set()))
    good = Item("good", lambda: (both.wait(), done.wait(5)))
    doubt = " (or {} did, beside which it ran: --threads 1 or --isolate tells)"
    found = errors_of(bad, good, workers=2)
    assert found == {"bad": SEEDED + doubt.format("good"), "good": SEEDED + doubt.format("bad")}


def test_while_an_abandoned_one_runs_nobody_else_is_blamed() -> None:
    abandoned, ended = threading.Event(), threading.Event()

    def linger() -> None:
        abandoned.wait(5)
        random.seed(70001)
        ended.set()

    good = Item("good", lambda: (abandoned.set(), ended.wait(5)))
    found = errors_of(Item("bad", linger), good, timeout=0.1)
    assert found["bad"] == "did not finish within 0.1 seconds and was abandoned"
    assert found["good"] == ""


def test_what_the_program_does_once_it_stopped_listening_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after Ctrl-C: an item still runs, and when it ends nobody may take its time for that of the program."""
    monkeypatch.setenv("ANOMALIST_TEST_TURNS", "before")
    seeded, stopped, before = threading.Event(), threading.Event(), random.getstate()
    threads: list[threading.Thread] = []

    def linger() -> None:
        threads.append(threading.current_thread())
        random.seed(70001)
        seeded.set()
        stopped.wait(5)

    slow = Item("slow", linger)
    quick = Item("quick", lambda: seeded.wait(5))
    outcomes = Threads(workers=2).outcomes(lambda item: item.work(), [slow, quick])
    assert next(outcomes).item.name == "quick"
    outcomes.close()  # type: ignore[attr-defined]
    assert random.getstate() == before
    monkeypatch.setenv("ANOMALIST_TEST_TURNS", "after")
    stopped.set()
    threads[0].join(5)
    assert not threads[0].is_alive()
    assert os.environ["ANOMALIST_TEST_TURNS"] == "after"


def test_one_that_was_given_up_before_it_began_is_not_held_to_be_running() -> None:
    """Ctrl-C may come while its thread starts."""
    turn, before = Turn(Item("late", lambda: None)), random.getstate()
    turn.abandon()
    with turn:
        random.seed(70001)
    assert turn.lines == []
    random.setstate(before)


def test_what_it_changed_until_it_was_given_up_is_put_back_then() -> None:
    turn, before = Turn(Item("slow", lambda: None)), random.getstate()
    turn.__enter__()
    random.seed(70001)
    turn.abandon()
    assert random.getstate() == before
    with pytest.raises(DetectorError, match=re.escape(SEEDED)):
        turn.__exit__(None, None, None)


def test_what_is_changed_for_a_while_is_no_fault_beside_others() -> None:
    inside, done = threading.Event(), threading.Event()

    def patient() -> None:
        with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
            warnings.simplefilter("ignore")
            inside.set()
            done.wait(5)

    stdout, filters = sys.stdout, list(warnings.filters)
    quick = Item("quick", lambda: (inside.wait(5), done.set()))
    assert errors_of(Item("patient", patient), quick, workers=2) == {"patient": "", "quick": ""}
    assert (sys.stdout, warnings.filters) == (stdout, filters)
    found = errors_of(Item("bad", lambda: warnings.simplefilter("ignore")))
    assert found["bad"].startswith("changed the filters of warnings")
    assert warnings.filters == filters


def test_an_error_of_its_own_comes_before_what_it_changed() -> None:
    before = random.getstate()
    assert errors_of(Item("bad", lambda: (random.seed(70001), 1 / 0))) == {"bad": "division by zero"}
    assert random.getstate() == before


def test_what_items_print_does_not_reach_stdout(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def chat() -> None:
        print("one")  # noqa: T201 - as a plugin does
        sys.stdout.writelines(["two", "\n"])
        sys.stdout.buffer.write(b"three\n")
        print("four", file=sys.stderr)  # noqa: T201 - as a plugin does
        sys.stdout.close()

    with caplog.at_level(logging.INFO):
        for outcome in Threads(workers=2).outcomes(lambda item: item.work(), [Item("chatty", chat)]):
            print("from", outcome.item.name)  # noqa: T201 - the program goes on as ever
    out, err = capsys.readouterr()
    assert (out, err) == ("from chatty\n", "four\n")
    assert caplog.messages == ["chatty printed 19 characters, which end: one two three four"]


def test_a_thread_that_an_item_starts_prints_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    def delegate() -> None:
        thread = threading.Thread(target=lambda: print("from inside"))  # noqa: T201 - as a plugin does
        thread.start()
        thread.join()

    assert errors_of(Item("threaded", delegate)) == {"threaded": ""}
    assert capsys.readouterr() == ("", "from inside\n")


def test_who_prints_without_end_fails_even_where_it_swallows_the_error(capsys: pytest.CaptureFixture[str]) -> None:
    def flood() -> None:
        for _ in range(2000):
            with contextlib.suppress(Exception):
                print("x" * 1000)  # noqa: T201 - as a plugin does
                print("y" * 1000, file=sys.stderr)  # noqa: T201 - as a plugin does

    found = errors_of(Item("loud", flood))
    assert found == {"loud": "printed more than 1 MiB: what a detector has to say goes to its notes"}
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err) <= 1 << 14


def test_streams_are_back_when_all_is_done_and_stay_guarded_while_an_abandoned_one_prints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, stop = sys.stdout, threading.Event()

    def mutter() -> None:
        while not stop.wait(0.01):
            print("still here")  # noqa: T201 - as a plugin does

    assert "abandoned" in errors_of(Item("mutters", mutter), timeout=0.05)["mutters"]
    assert sys.stdout is not before
    print("the result")  # noqa: T201 - as the program does
    time.sleep(0.05)
    stop.set()
    assert capsys.readouterr().out == "the result\n"
    time.sleep(0.05)
    assert errors_of(Item("good", lambda: None)) == {"good": ""}
    assert sys.stdout is before
