"""Threads: order, failures, time limits, and the threads of the numeric libraries."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from anomalist.detector import check_deadline, deadline
from anomalist.engine.execution.executor import Threads, one_thread_each
from anomalist.errors import DetectorTimeoutError, ParameterError


def pools() -> list[int]:
    np.ones((2, 2)) @ np.ones((2, 2))  # a pool is there once it was used
    return [pool["num_threads"] for pool in threadpool_info()]


def test_results_come_in_the_order_of_the_items() -> None:
    def slower_first(item: int) -> int:
        time.sleep(0.02 * (5 - item))
        return item * item

    assert list(Threads(workers=3).attempts(slower_first, range(5))) == [0, 1, 4, 9, 16]
    assert list(Threads().attempts(slower_first, [])) == []
    assert list(Threads(workers=2).attempts(str, ["a", "a"])) == ["a", "a"]


def test_outcomes_come_as_they_end_with_their_time() -> None:
    def wait(seconds: float) -> str:
        time.sleep(seconds)
        return f"{seconds}"

    found = list(Threads(workers=2).outcomes(wait, [0.3, 0.05]))
    assert [outcome.item for outcome in found] == [0.05, 0.3]
    assert [outcome.result for outcome in found] == ["0.05", "0.3"]
    assert all(outcome.seconds >= outcome.item for outcome in found)


def test_one_failure_does_not_stop_the_others() -> None:
    found = {outcome.item: outcome for outcome in Threads(workers=2).outcomes(lambda item: 6 / item, [1, 0, 2])}
    assert (found[1].result, found[2].result) == (6.0, 3.0)
    assert found[0].result is None
    assert isinstance(found[0].error, ZeroDivisionError)


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_an_attempt_that_fails_is_none(error: BaseException) -> None:
    def fail(item: int) -> int:
        if item == 1:
            raise error
        return item

    assert list(Threads(workers=2).attempts(fail, range(3))) == [0, None, 2]


def test_an_attempt_that_runs_out_of_time_is_none() -> None:
    assert list(Threads(workers=2, timeout=0.1).attempts(time.sleep, [0.0, 2.0])) == [None, None]
    assert list(Threads(workers=2, timeout=0.1).attempts(lambda s: time.sleep(s) or s, [0.01, 2.0])) == [0.01, None]


def test_no_more_than_so_many_run_at_once() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def count(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1

    list(Threads(workers=3).attempts(count, range(12)))
    assert most == 3
    most = 0
    list(Threads(workers=1).attempts(count, range(4)))
    assert most == 1


def test_an_item_that_watches_its_deadline_stops_by_itself() -> None:
    stopped = threading.Event()

    def watch(_: int) -> None:
        try:
            while True:
                time.sleep(0.01)
                check_deadline()
        finally:
            stopped.set()

    (outcome,) = Threads(timeout=0.1).outcomes(watch, [1])
    assert isinstance(outcome.error, DetectorTimeoutError)
    assert stopped.is_set()
    assert outcome.seconds < 1.0
    assert deadline.get() is None  # it was the thread's own


def test_an_item_that_hangs_is_abandoned_and_what_it_returns_later_is_thrown_away() -> None:
    release = threading.Event()

    def hang(item: str) -> str:
        if item == "hangs":
            release.wait(10)
        return item

    found = []
    for outcome in Threads(workers=1, timeout=0.1).outcomes(hang, ["hangs", "works"]):
        found.append((outcome.item, outcome.result, type(outcome.error)))
        release.set()
        time.sleep(0.1)
    assert found == [("hangs", None, DetectorTimeoutError), ("works", "works", type(None))]


def test_an_item_is_not_in_time_or_out_of_it_by_the_wait_of_others() -> None:
    found = list(Threads(workers=1, timeout=0.3).outcomes(lambda seconds: time.sleep(seconds), [0.2, 0.2, 0.2]))
    assert [outcome.error for outcome in found] == [None, None, None]


def test_the_numeric_libraries_have_one_thread_each_while_items_run_and_theirs_back_afterwards() -> None:
    import torch

    before, torch_before = pools(), torch.get_num_threads()
    found = list(Threads(workers=2).attempts(lambda _: (max(pools()), torch.get_num_threads()), range(3)))
    assert set(found) == {(1, 1)}
    assert (pools(), torch.get_num_threads()) == (before, torch_before)
    assert list(Threads().attempts(lambda _: int("no"), range(2))) == [None, None]
    assert (pools(), torch.get_num_threads()) == (before, torch_before)


def test_whoever_stops_listening_gets_the_threads_back_too() -> None:
    import torch

    torch_before = torch.get_num_threads()
    outcomes = Threads(workers=2).outcomes(lambda item: item, range(5))
    next(outcomes)
    assert torch.get_num_threads() == 1
    outcomes.close()
    assert torch.get_num_threads() == torch_before


def test_results_do_not_depend_on_the_number_of_workers() -> None:
    matrix = np.random.default_rng(0).normal(size=(200, 200))
    one, four = (list(Threads(workers=n).attempts(lambda k: matrix @ matrix * k, range(4))) for n in (1, 4))
    for a, b in zip(one, four, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("workers", "timeout"), [(0, None), (-1, None), (1, 0.0), (1, -2.0)])
def test_wrong_limits_are_refused(workers: int, timeout: float | None) -> None:
    with pytest.raises(ParameterError, match=r"threads must be|timeout must be"):
        Threads(workers=workers, timeout=timeout)


def test_two_bodies_that_overlap_give_back_what_there_was() -> None:
    import torch

    before, torch_before = pools(), torch.get_num_threads()
    first, second = one_thread_each(), one_thread_each()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert (max(pools()), torch.get_num_threads()) == (1, 1)
    second.__exit__(None, None, None)
    assert (pools(), torch.get_num_threads()) == (before, torch_before)
