"""Detectors that do not end in their time, or do not let the program end."""

from __future__ import annotations

from tests.hostile.case import Case, fails, method, overdue, unharmed

__all__ = ["WAITING"]

ENDED = overdue("had no time left, and its process was ended")

WAITING = (
    Case(
        name="loops",
        does="loops without end",
        code=method("fit", "while True: pass"),
        threads=overdue(),
        isolate=ENDED,
        waits=True,
    ),
    Case(
        name="sleeps",
        does="sleeps past its deadline with all signals blocked",
        code=method(
            "score",
            """
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            time.sleep(60)
        """,
        ),
        threads=overdue(),
        isolate=ENDED,
        waits=True,
    ),
    Case(
        name="deadlocks",
        does="waits for a lock that it holds",
        code=method(
            "fit",
            """
            lock = threading.Lock()
            lock.acquire()
            lock.acquire()
        """,
        ),
        threads=overdue(),
        isolate=ENDED,
        waits=True,
    ),
    Case(
        name="waits_for_input",
        does="waits for input from stdin",
        code=method("fit", "sys.stdin.readline()"),
        threads=overdue(),
        isolate=unharmed(),
        waits=True,
    ),
    Case(
        name="notes_without_end",
        does="has notes without end",
        code=method(
            "fit",
            """
            import itertools
            self.notes = itertools.repeat('on and on')
        """,
        ),
        threads=fails("notes may be 20 lines, got more"),
    ),
    Case(
        name="prints_without_end",
        does="prints until it is stopped",
        code=method(
            "fit",
            """
            while True:
                try:
                    print('still here')
                    time.sleep(0.01)
                except BaseException:
                    pass
        """,
        ),
        threads=overdue(),
        isolate=ENDED,
        waits=True,
    ),
    Case(
        alone=True,
        name="stubborn_thread",
        does="leaves a thread running that keeps the program from ending",
        code=method("fit", "threading.Thread(target=time.sleep, args=(60,), daemon=False).start()"),
        threads=unharmed(),
        isolate="same",
    ),
    Case(
        alone=True,
        name="stubborn_exit",
        does="sleeps, prints and raises when the program ends",
        code=method(
            "fit",
            """
            import atexit
            atexit.register(lambda: (print('bye'), time.sleep(60), 1 / 0))
        """,
        ),
        threads=unharmed(),
    ),
)
