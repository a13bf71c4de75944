"""Plugins that take their process with them: those that need `--isolate`."""

from __future__ import annotations

from tests.hostile.case import Case, Fate, fails, method, overdue, unharmed

__all__ = ["DEADLY"]

ENDS = Fate(dies="exit code 3")
DEADLY = (
    Case(
        alone=True,
        apart=True,
        name="os_exit_at_import",
        does="calls `os._exit` when imported",
        code="""
            import os
            os._exit(3)
        """,
        whole=True,
        threads=ENDS,
        isolate=fails("it ended its process with code 3"),
    ),
    Case(
        alone=True,
        apart=True,
        name="sleeps_at_import",
        does="sleeps without end when imported",
        code="import time\ntime.sleep(3600)",
        whole=True,
        threads=Fate(dies="no end"),
        isolate=fails("it took longer than 4 seconds"),
    ),
    Case(
        alone=True,
        apart=True,
        name="sleeps_when_built",
        does="sleeps without end in its constructor",
        code="""
            class Hostile(Good):
                def __init__(self):
                    time.sleep(3600)
        """,
        threads=Fate(dies="no end"),
        isolate=fails("took too long to be imported and built"),
    ),
    Case(
        alone=True,
        name="os_exit",
        does="calls `os._exit` in `fit`",
        code=method("fit", "os._exit(3)"),
        threads=ENDS,
        isolate=fails("ended its process with code 3"),
    ),
    Case(
        alone=True,
        name="crashes",
        does="reads memory that it has not: a segmentation fault",
        code=method(
            "fit",
            """
            import ctypes
            ctypes.string_at(0)
        """,
        ),
        threads=Fate(dies="SIGSEGV"),
        isolate=fails("was killed by signal SIGSEGV"),
    ),
    Case(
        alone=True,
        name="overflows_the_stack",
        does="lifts the limit of recursion and recurses in C code",
        code=method(
            "fit",
            """
            time.sleep(0.7)  # the others are done: whoever ends beside it has the limit put back
            sys.setrecursionlimit(10**9)
            nest = []
            for _ in range(10**5):
                nest = [nest]
            repr(nest)
        """,
        ),
        threads=Fate(dies="SIGSEGV"),
        isolate=fails("was killed by signal SIGSEGV"),
    ),
    Case(
        alone=True,
        name="kills_itself",
        does="sends SIGKILL to its own process",
        code=method("fit", "os.kill(os.getpid(), signal.SIGKILL)"),
        threads=Fate(dies="SIGKILL"),
        isolate=fails("was killed by signal SIGKILL"),
    ),
    Case(
        alone=True,
        name="ends_its_group",
        does="sends SIGTERM to its process group",
        code=method(
            "fit",
            """
            os.killpg(0, signal.SIGTERM)
            time.sleep(1)
        """,
        ),
        threads=Fate(dies="SIGTERM"),
        isolate=fails("was killed by signal SIGTERM"),
    ),
    Case(
        alone=True,
        name="interrupts_the_host",
        does="sends SIGINT, as Ctrl-C does",
        code=method(
            "fit",
            """
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        """,
        ),
        threads=Fate(dies="exit code 130"),
        isolate=fails("KeyboardInterrupt"),
    ),
    Case(
        alone=True,
        apart=True,
        name="holds_the_interpreter",
        does="sleeps in C code that holds the interpreter",
        code=method(
            "fit",
            """
            import ctypes
            ctypes.PyDLL(None).sleep(60)
        """,
        ),
        threads=Fate(dies="no end"),
        isolate=overdue("had no time left, and its process was ended"),
    ),
    Case(
        alone=True,
        apart=True,
        name="memory_hog",
        does="takes all memory that it gets",
        code=method(
            "fit",
            """
            hog = []
            while True: hog.append(bytearray(10**8))
        """,
        ),
        threads=Fate(dies="no memory"),
        isolate=fails("needs more than the memory limit of 1.0 GiB (--memory)"),
        options=("--memory", "1GiB"),
    ),
    Case(
        alone=True,
        name="writes_to_descriptor_1",
        does="writes to stdout as C code does",
        code=method("fit", "os.write(1, b'not JSON')"),
        threads=Fate(dies="broken output"),
        isolate=unharmed(),
    ),
    Case(
        alone=True,
        name="closes_descriptor_1",
        does="closes the file descriptors of stdin, stdout and stderr",
        code=method("fit", "for number in range(3): os.close(number)"),
        threads=Fate(dies="exit code 1"),
        isolate=unharmed(),
    ),
    Case(
        alone=True,
        name="takes_all_files",
        does="opens files until there are no more to be had",
        code=method(
            "fit",
            """
            self.files = []
            try:
                while True: self.files.append(open(os.devnull))
            except OSError:
                pass
        """,
        ),
        threads=Fate(dies="exit code 1"),
        isolate=fails("ended its process with code 1"),
    ),
    Case(
        alone=True,
        name="replaces_functions",
        does="replaces functions of numpy under everybody's feet",
        code=method("fit", "np.median = np.sort = np.quantile = np.unique = lambda *a, **k: 1 / 0"),
        threads=Fate(dies="exit code 1"),
        isolate=unharmed(),
    ),
)
