"""Detectors that raise, or give what is wrong."""

from __future__ import annotations

from tests.hostile.case import Case, fails, method, scores, unharmed

__all__ = ["WORKING"]

WORKING = (
    Case(
        name="raises",
        does="raises in `fit`",
        code=method("fit", "raise RuntimeError('out of\\nluck')"),
        threads=fails("RuntimeError: out of luck"),
        isolate="same",
    ),
    Case(
        name="exits",
        does="raises `SystemExit` in `fit`",
        code=method("fit", "sys.exit(7)"),
        threads=fails("SystemExit: 7"),
    ),
    Case(
        name="interrupts",
        does="raises `KeyboardInterrupt` in `fit`",
        code=method("fit", "raise KeyboardInterrupt"),
        threads=fails("KeyboardInterrupt"),
    ),
    Case(
        name="cannot_be_pickled",
        does="raises an exception that cannot be pickled, of a class of its own",
        code=method(
            "fit",
            "raise Odd(threading.Lock())",
            """
            class Odd(BaseException):
                def __init__(self, lock):
                    super().__init__('locked')
                    self.lock = lock
                def __reduce__(self):
                    raise RuntimeError('not this way')
        """,
        ),
        threads=fails("Odd: locked"),
        isolate="same",
    ),
    Case(
        name="cannot_be_said",
        does="raises an exception whose message raises",
        code=method(
            "fit",
            "raise Mute",
            """
            class Mute(Exception):
                def __str__(self):
                    raise SystemExit(4)
        """,
        ),
        threads=fails("Mute: its message cannot be read"),
    ),
    Case(
        name="long_message",
        does="raises an exception with a message of 10 MB",
        code=method("fit", "raise RuntimeError('no ' * 3_000_000)"),
        threads=fails("RuntimeError: no no no"),
        isolate="same",
    ),
    Case(
        name="recursion",
        does="calls itself without end",
        code=method("fit", "return self.fit(*given)"),
        threads=fails("RecursionError: maximum recursion depth exceeded"),
    ),
    Case(
        name="returns_nothing",
        does="forgets `return self` in `fit`",
        code="""
            class Hostile(Good):
                def fit(self, data):
                    super().fit(data)
        """,
        threads=fails("fit must return the detector itself, got NoneType; end it with return self"),
    ),
    Case(
        name="nan",
        does="gives NaN as scores",
        code=scores("np.where(np.arange(len(s)) % 20 == 3, np.nan, s)"),
        threads=fails("score must return finite numbers, got nan in row 3"),
        isolate="same",
    ),
    Case(
        name="infinity",
        does="gives infinity as scores",
        code=scores("s / 0.0"),
        threads=fails("score must return finite numbers, got inf in row 0"),
    ),
    Case(
        name="wrong_shape",
        does="gives a score too few",
        code=scores("s[:-1]"),
        threads=fails("score must return one number for each of 60 rows, got shape (59,)"),
    ),
    Case(
        name="complex",
        does="gives complex numbers",
        code=scores("s + 1j"),
        threads=fails("score must return real numbers, got ndarray of complex128"),
    ),
    Case(
        name="texts",
        does="gives texts",
        code=scores("s.astype(str)"),
        threads=fails("score must return real numbers, got ndarray of <U"),
    ),
    Case(
        name="nothing",
        does="gives None in place of scores",
        code=scores("None"),
        threads=fails("score must return real numbers, got NoneType None"),
    ),
    Case(
        name="constant",
        does="gives every row the same score",
        code=scores("s * 0 + 0.5"),
        threads=fails(
            "gave all 60 rows the same score 0.5, and so rows far away from all others: it cannot tell rows apart"
        ),
    ),
    Case(
        name="upside_down",
        does="gives the rarest rows the lowest scores",
        code=scores("-s"),
        threads=fails(
            "gave rows far away from all others its lowest scores: higher must mean more anomalous; return the negative"
        ),
        isolate="same",
    ),
    Case(
        name="writes",
        does="writes to its input",
        code=method("fit", "given[0].values[:] = 0"),
        threads=fails("ValueError: assignment destination is read-only"),
    ),
    Case(
        name="writes_by_force",
        does="makes its input writable first, and what that is a view of",
        code=method(
            "fit",
            """
            array = given[0].values
            while isinstance(array.base, np.ndarray):
                array = array.base
            array.flags.writeable = True
            array[:] = 0
        """,
        ),
        threads=fails("ValueError: cannot set WRITEABLE flag to True of this array"),
        isolate="same",
    ),
    Case(
        name="state_of_objects",
        does="has a state that is no state",
        code="""
            class Hostile(Good):
                def state(self):
                    return {'me': self}
        """,
        threads=fails("a state holds arrays of bool, int or float and plain values only, got a Hostile at me"),
    ),
    Case(
        name="state_in_itself",
        does="has a state that holds itself",
        code="""
            class Hostile(Good):
                def state(self):
                    s = {}
                    s['s'] = s
                    return s
        """,
        threads=fails("the state is nested too deeply or holds itself"),
        isolate="same",
    ),
    Case(
        name="state_too_large",
        does="has a state of 7 TiB",
        code="""
            class Hostile(Good):
                def state(self):
                    return {'all': np.broadcast_to(np.float64(0), 10**12)}
        """,
        threads=fails("MemoryError: Unable to allocate 7.28 TiB"),
        isolate=fails("needs more than the memory limit"),
    ),
    Case(
        name="state_once",
        does="gives its state once and never again",
        code="""
            class Hostile(Good):
                calls = 0
                def state(self):
                    self.calls += 1
                    if self.calls > 1:
                        raise RuntimeError('again?')
                    return super().state()
        """,
        threads=unharmed(),
    ),
    Case(
        name="notes_of_numbers",
        does="has notes that are no texts",
        code=method("fit", "self.notes = [1, 2]"),
        threads=fails("notes must be a list of lines of text, got list [1, 2]"),
    ),
    Case(
        name="long_notes",
        does="has a note of 10 MB",
        code=method("fit", "self.notes = ['x' * 10_000_000]"),
        threads=fails("a line of notes may have 500 characters, got 10,000,000"),
    ),
    Case(
        name="prints",
        does="prints to stdout and stderr",
        code=method(
            "fit",
            """
            print('a word')
            print('another', file=sys.stderr)
            sys.stdout.buffer.write(b'bytes')
        """,
        ),
        threads=unharmed(),
    ),
    Case(
        name="prints_megabytes",
        does="prints 100 MB to stdout",
        code=method(
            "fit",
            """
            for _ in range(1000):
                try:
                    print('x' * 100_000)
                except Exception:
                    pass
        """,
        ),
        threads=fails("printed more than 1 MiB"),
        isolate="same",
    ),
    Case(
        name="closes_sys_stdout",
        does="closes `sys.stdout`",
        code=method(
            "fit",
            """
            sys.stdout.close()
            sys.stderr.close()
        """,
        ),
        threads=unharmed(),
        isolate="same",
    ),
    Case(
        name="raises_in_a_thread",
        does="starts a thread that raises, and one that calls `sys.exit`",
        code=method(
            "fit",
            """
            for f in (lambda: 1 / 0, lambda: sys.exit(5)):
                threading.Thread(target=f).start()
        """,
        ),
        threads=unharmed(),
    ),
    Case(
        name="no_contributions",
        does="raises when it is asked for reasons",
        code="""
            class Hostile(Good):
                def contributions(self, data):
                    raise RuntimeError('no reason')
        """,
        threads=unharmed("NAME of hostile-NAME cannot say why: RuntimeError: no reason"),
        isolate="same",
    ),
    Case(
        name="contributions_of_nan",
        does="gives NaN as reasons",
        code="""
            class Hostile(Good):
                def contributions(self, data):
                    return data.values * np.nan
        """,
        threads=unharmed("NAME of hostile-NAME cannot say why: contributions must return finite numbers"),
    ),
    Case(
        name="forks",
        does="forks, and both processes go on",
        code=method("fit", "os.fork()"),
        threads=unharmed(),
        alone=True,
        isolate="same",
    ),
)
