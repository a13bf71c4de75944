"""The hostile plugins: what each does, and what must become of it in one process (`threads`) and in several (`--isolate`).

Each is a distribution of its own called `hostile-NAME` with a detector NAME. Its code goes on from a good detector,
`Good`, unless it is a whole module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["CASES", "TIMEOUT", "Case", "Fate"]

TIMEOUT = 2.0
"""Seconds that a member may take in these runs."""

GOOD = '''
import os, signal, sys, threading, time
from dataclasses import dataclass, field
import numpy as np
from anomalist import DetectorSpec, hookimpl

@dataclass
class Good:
    """Distance from the mean, in spreads."""

    def fit(self, data):
        self.mean = data.values.mean(axis=0, dtype=np.float64)
        self.spread = data.values.std(axis=0, dtype=np.float64) + 1e-9
        return self

    def score(self, data):
        return (((data.values - self.mean) / self.spread) ** 2).sum(axis=1)

    def state(self):
        return {"mean": self.mean, "spread": self.spread}

    def restore(self, state):
        self.mean, self.spread = state["mean"], state["spread"]
        return self

@hookimpl
def anomalist_detectors():
    return [DetectorSpec(name="NAME", summary="A detector.", factory=__name__ + ":Hostile", family="other")]

'''


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What becomes of a run with a hostile plugin.

    Attributes:
        line: What the user is told of the member; empty where nothing is wrong with it.
        status: Of the member.
        dies: In place of all that: how the whole program ends, in words.
        told: A line that must be on stderr.
    """

    line: str = ""
    status: Literal["failed", "timed_out", "done"] = "failed"
    dies: str = ""
    told: str = ""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One hostile plugin.

    Attributes:
        name: Of its detector.
        does: What it does, as a phrase.
        code: The class `Hostile`, or the whole module.
        whole: The code is a whole module.
        metadata: More lines of its metadata.
        threads: What becomes of it in one process.
        isolate: What becomes of it with `--isolate`; the same where it is None.
        alone: It must have a run to itself.
        waits: It runs into its deadline.
        options: More options of the command line.
    """

    name: str
    does: str
    code: str
    threads: Fate
    isolate: Fate | None = None
    whole: bool = False
    metadata: str = ""
    alone: bool = False
    waits: bool = False
    options: tuple[str, ...] = field(default=())

    @property
    def distribution(self) -> str:
        """The distribution that brings it."""
        return f"hostile-{self.name.replace('_', '-')}"

    @property
    def source(self) -> str:
        """Its module."""
        return (self.code if self.whole else GOOD + self.code).replace("NAME", self.name)

    def fate(self, *, isolate: bool) -> Fate:
        """What becomes of it."""
        return self.isolate if isolate and self.isolate is not None else self.threads


def fails(line: str) -> Fate:
    """The member fails with this line."""
    return Fate(line=line)


def overdue(line: str = "did not finish within 2 seconds and was abandoned") -> Fate:
    """The member runs out of time."""
    return Fate(line=line, status="timed_out")


def unharmed(told: str = "") -> Fate:
    """Nothing is wrong with the member."""
    return Fate(status="done", told=told)


def method(name: str, body: str, before: str = "") -> str:
    """A detector one of whose methods does this first."""
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    return f"{before}\nclass Hostile(Good):\n    def {name}(self, *given):\n{lines}\n        return super().{name}(*given)\n"


def scores(expression: str) -> str:
    """A detector that makes this of its scores."""
    return f"class Hostile(Good):\n    def score(self, data):\n        s = super().score(data)\n        return {expression}\n"


PLUGIN = "it has the name 'NAME'"
HOOKS = "from anomalist import DetectorSpec, hookimpl\n"
NOTHING_TOLD = Fate(status="done")

AT_IMPORT = (
    Case(
        name="import_error",
        does="imports a module that is not there",
        code="import no_such_module_anywhere",
        whole=True,
        threads=fails("ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
    ),
    Case(
        name="syntax_error",
        does="is no Python",
        code="def",
        whole=True,
        threads=fails("SyntaxError: invalid syntax"),
    ),
    Case(
        name="exits_at_import",
        does="raises `SystemExit` when imported",
        code="raise SystemExit(3)",
        whole=True,
        threads=fails("SystemExit: 3"),
    ),
    Case(
        name="changes_the_process",
        does="sets a variable of the environment and replaces `sys.stdout` when imported",
        code="import sys, os\nos.environ['PATH'] = ''\nsys.stdout = None\n" + GOOD + "class Hostile(Good): pass",
        whole=True,
        threads=fails("changed"),
    ),
    Case(
        name="ignores_signals",
        does="ignores Ctrl-C and termination from its import on",
        code="import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        + GOOD
        + "class Hostile(Good): pass",
        whole=True,
        threads=fails("changed a signal handler of the process"),
    ),
    Case(
        name="prints_at_import",
        does="prints to stdout when imported",
        code="print('hello from the import')\n" + GOOD + "class Hostile(Good): pass",
        whole=True,
        threads=unharmed(),
    ),
    Case(
        name="misspelt_hook",
        does="marks a function `anomalist_detector` as a hook",
        code=HOOKS + "@hookimpl\ndef anomalist_detector():\n    return []",
        whole=True,
        threads=fails("anomalist_detector"),
    ),
    Case(
        name="wrong_arguments",
        does="has a hook that takes an argument that there is not",
        code=HOOKS + "@hookimpl\ndef anomalist_detectors(app):\n    return []",
        whole=True,
        threads=fails("app"),
    ),
    Case(
        name="hook_of_garbage",
        does="has a hook that returns a number",
        code=HOOKS + "@hookimpl\ndef anomalist_detectors():\n    return 3",
        whole=True,
        threads=fails("must return a list of DetectorSpec, got int"),
    ),
    Case(
        name="hook_raises",
        does="has a hook that raises",
        code=HOOKS + "@hookimpl\ndef anomalist_detectors():\n    raise RuntimeError('no\\nluck')",
        whole=True,
        threads=fails("RuntimeError: no luck"),
    ),
    Case(
        name="newer_anomalist",
        does="requires a newer anomalist",
        code="class Hostile(Good): pass",
        metadata="Requires-Dist: anomalist>=99\n",
        threads=fails("anomalist>=99"),
    ),
    Case(
        name="missing_module",
        does="says that it requires a module that is not installed",
        code=HOOKS
        + "@hookimpl\ndef anomalist_detectors():\n    return [DetectorSpec(name='NAME', summary='A detector.', "
        "factory='m:C', family='other', requires=('no_such_module_anywhere',), extra='no-such-package')]",
        whole=True,
        threads=fails("needs no_such_module_anywhere: pip install 'no-such-package'"),
    ),
    Case(
        name="missing_factory",
        does="names a factory that is not there",
        code="",
        threads=fails("has no attribute 'Hostile'"),
    ),
    Case(
        name="no_dataclass",
        does="names a function as its factory",
        code="def Hostile():\n    return Good()",
        threads=fails("is not a dataclass; its fields are its parameters"),
    ),
    Case(
        name="exits_when_built",
        does="raises `SystemExit` in its constructor",
        code="class Hostile(Good):\n    def __init__(self):\n        sys.exit('no')",
        threads=fails("SystemExit: no"),
    ),
    Case(
        name="parameter_raises",
        does="has a parameter that raises when it is read",
        code="@dataclass\nclass Hostile(Good):\n    depth: int = 3\n    def __getattribute__(self, name):\n"
        "        if name == 'depth':\n            raise RuntimeError('not for you')\n        return super().__getattribute__(name)",
        threads=fails("RuntimeError: not for you"),
    ),
)

FITTING = (
    Case(
        name="raises",
        does="raises in `fit`",
        code=method("fit", "raise RuntimeError('out of\\nluck')"),
        threads=fails("RuntimeError: out of luck"),
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
            "class Odd(BaseException):\n    def __init__(self, lock):\n        super().__init__('locked')\n        self.lock = lock\n"
            "    def __reduce__(self):\n        raise RuntimeError('not this way')\n",
        ),
        threads=fails("Odd: locked"),
    ),
    Case(
        name="cannot_be_said",
        does="raises an exception whose message raises",
        code=method(
            "fit", "raise Mute", "class Mute(Exception):\n    def __str__(self):\n        raise SystemExit(4)\n"
        ),
        threads=fails("Mute: its message cannot be read"),
    ),
    Case(
        name="long_message",
        does="raises an exception with a message of 10 MB",
        code=method("fit", "raise RuntimeError('no ' * 3_000_000)"),
        threads=fails("RuntimeError: no no no"),
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
        code="class Hostile(Good):\n    def fit(self, data):\n        super().fit(data)",
        threads=fails("fit must return the detector itself, got NoneType; end it with return self"),
    ),
    Case(
        name="nan",
        does="gives NaN as scores",
        code=scores("np.where(np.arange(len(s)) % 20 == 3, np.nan, s)"),
        threads=fails("score must return finite numbers, got nan in row 3"),
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
            "array = given[0].values\nwhile isinstance(array.base, np.ndarray):\n    array = array.base\n"
            "array.flags.writeable = True\narray[:] = 0",
        ),
        threads=fails("ValueError: cannot set WRITEABLE flag to True of this array"),
    ),
    Case(
        name="state_of_objects",
        does="has a state that is no state",
        code="class Hostile(Good):\n    def state(self):\n        return {'me': self}",
        threads=fails("a state holds arrays of bool, int or float and plain values only, got a Hostile at me"),
    ),
    Case(
        name="state_in_itself",
        does="has a state that holds itself",
        code="class Hostile(Good):\n    def state(self):\n        s = {}\n        s['s'] = s\n        return s",
        threads=fails("the state is nested too deeply or holds itself"),
    ),
    Case(
        name="state_too_large",
        does="has a state of 7 TiB",
        code="class Hostile(Good):\n    def state(self):\n        return {'all': np.broadcast_to(np.float64(0), 10**12)}",
        threads=fails("MemoryError: Unable to allocate 7.28 TiB"),
    ),
    Case(
        name="state_once",
        does="gives its state once and never again",
        code="class Hostile(Good):\n    calls = 0\n    def state(self):\n        self.calls += 1\n        if self.calls > 1:\n            raise RuntimeError('again?')\n        return super().state()",
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
        code=method("fit", "print('a word')\nprint('another', file=sys.stderr)\nsys.stdout.buffer.write(b'bytes')"),
        threads=unharmed(),
    ),
    Case(
        name="prints_megabytes",
        does="prints 100 MB to stdout",
        code=method(
            "fit", "for _ in range(1000):\n    try:\n        print('x' * 100_000)\n    except Exception:\n        pass"
        ),
        threads=fails("printed more than 1 MiB"),
    ),
    Case(
        name="closes_sys_stdout",
        does="closes `sys.stdout`",
        code=method("fit", "sys.stdout.close()\nsys.stderr.close()"),
        threads=unharmed(),
    ),
    Case(
        name="raises_in_a_thread",
        does="starts a thread that raises, and one that calls `sys.exit`",
        code=method("fit", "for f in (lambda: 1 / 0, lambda: sys.exit(5)):\n    threading.Thread(target=f).start()"),
        threads=unharmed(),
    ),
    Case(
        name="no_contributions",
        does="raises when it is asked for reasons",
        code="class Hostile(Good):\n    def contributions(self, data):\n        raise RuntimeError('no reason')",
        threads=unharmed("NAME of hostile-NAME cannot say why: RuntimeError: no reason"),
    ),
    Case(
        name="contributions_of_nan",
        does="gives NaN as reasons",
        code="class Hostile(Good):\n    def contributions(self, data):\n        return data.values * np.nan",
        threads=unharmed(
            "NAME of hostile-NAME cannot say why: DetectorError: contributions must return finite numbers"
        ),
    ),
    Case(
        name="forks",
        does="forks, and both processes go on",
        code=method("fit", "os.fork()"),
        threads=unharmed(),
        alone=True,
    ),
)

SHARED = (
    Case(
        name="seeds_numpy",
        does="seeds numpy for all",
        code=method("fit", "np.random.seed(0)"),
        threads=fails("changed numpy's global random state: use numpy.random.default_rng(seed)"),
    ),
    Case(
        name="draws_from_numpy",
        does="draws from numpy's global generator",
        code=scores("s + np.random.rand(len(s))"),
        threads=fails("changed numpy's global random state: use numpy.random.default_rng(seed)"),
    ),
    Case(
        name="sets_threads",
        does="sets the number of threads of torch",
        code="import torch\n" + method("fit", "torch.set_num_threads(5)"),
        threads=fails(
            "changed the number of threads of torch: leave it to anomalist, which runs detectors side by side"
        ),
    ),
    Case(
        name="sets_the_environment",
        does="sets variables of the environment",
        code=method("fit", "os.environ['OMP_NUM_THREADS'] = '64'"),
        threads=fails("changed the environment variables of the process: pass values as arguments"),
    ),
    Case(
        name="changes_the_folder",
        does="changes the working directory",
        code=method("fit", "os.chdir('/')"),
        threads=fails("changed the working directory of the process: use absolute paths"),
    ),
    Case(
        name="silences_warnings",
        does="silences all warnings",
        code=method("fit", "import warnings\nwarnings.simplefilter('ignore')"),
        threads=fails("changed the filters of warnings: use 'with warnings.catch_warnings()'"),
    ),
    Case(
        name="replaces_stdout",
        does="replaces `sys.stdout`",
        code=method("fit", "sys.stdout = open(os.devnull, 'w')"),
        threads=fails(
            "changed sys.stdin, sys.stdout or sys.stderr: they belong to the program; give file= where text is written"
        ),
    ),
    Case(
        name="stops_collecting",
        does="disables the garbage collector",
        code=method("fit", "import gc\ngc.disable()\ngc.freeze()"),
        threads=fails(
            "changed the garbage collector, the recursion limit or the switch interval: leave them as they are"
        ),
    ),
)

LATE = (
    Case(name="loops", does="loops without end", code=method("fit", "while True: pass"), threads=overdue(), waits=True),
    Case(
        name="sleeps",
        does="sleeps past its deadline with all signals blocked",
        code=method("score", "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\ntime.sleep(60)"),
        threads=overdue(),
        waits=True,
    ),
    Case(
        name="deadlocks",
        does="waits for a lock that it holds",
        code=method("fit", "lock = threading.Lock()\nlock.acquire()\nlock.acquire()"),
        threads=overdue(),
        waits=True,
    ),
    Case(
        name="waits_for_input",
        does="waits for input from stdin",
        code=method("fit", "sys.stdin.readline()"),
        threads=overdue(),
        waits=True,
        isolate=unharmed(),
    ),
    Case(
        name="notes_without_end",
        does="has notes without end",
        code=method("fit", "import itertools\nself.notes = itertools.repeat('on and on')"),
        threads=fails("notes may be 20 lines, got more"),
    ),
    Case(
        name="prints_without_end",
        does="prints until it is stopped",
        code=method(
            "fit",
            "while True:\n    try:\n        print('still here')\n        time.sleep(0.01)\n    except BaseException:\n        pass",
        ),
        threads=overdue(),
        waits=True,
    ),
    Case(
        alone=True,
        name="stubborn_thread",
        does="leaves a thread running that keeps the program from ending",
        code=method("fit", "threading.Thread(target=time.sleep, args=(60,), daemon=False).start()"),
        threads=unharmed(),
    ),
    Case(
        alone=True,
        name="stubborn_exit",
        does="sleeps, prints and raises when the program ends",
        code=method("fit", "import atexit\natexit.register(lambda: (print('bye'), time.sleep(60), 1 / 0))"),
        threads=unharmed(),
    ),
)

ENDS = Fate(dies="exit code 3")
LETHAL = (
    Case(
        alone=True,
        name="os_exit_at_import",
        does="calls `os._exit` when imported",
        code="import os\nos._exit(3)",
        whole=True,
        threads=ENDS,
        isolate=fails("code 3"),
    ),
    Case(
        alone=True,
        name="loops_at_import",
        does="loops without end when imported",
        code="while True: pass",
        whole=True,
        threads=Fate(dies="no end"),
        isolate=fails("seconds"),
    ),
    Case(
        alone=True,
        name="loops_when_built",
        does="loops without end in its constructor",
        code="class Hostile(Good):\n    def __init__(self):\n        while True: pass",
        threads=Fate(dies="no end"),
        isolate=fails("seconds"),
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
        code=method("fit", "import ctypes\nctypes.string_at(0)"),
        threads=Fate(dies="SIGSEGV"),
        isolate=fails("was killed by signal SIGSEGV"),
    ),
    Case(
        alone=True,
        name="overflows_the_stack",
        does="lifts the limit of recursion and recurses in C code",
        code=method(
            "fit", "sys.setrecursionlimit(10**9)\nnest = []\nfor _ in range(10**6):\n    nest = [nest]\nrepr(nest)"
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
        code=method("fit", "os.killpg(0, signal.SIGTERM)\ntime.sleep(1)"),
        threads=Fate(dies="SIGTERM"),
        isolate=fails("was killed by signal SIGTERM"),
    ),
    Case(
        alone=True,
        name="interrupts_the_host",
        does="sends SIGINT, as Ctrl-C does",
        code=method("fit", "os.kill(os.getpid(), signal.SIGINT)\ntime.sleep(1)"),
        threads=Fate(dies="exit code 130"),
        isolate=fails("SIGINT"),
    ),
    Case(
        alone=True,
        name="holds_the_interpreter",
        does="sleeps in C code that holds the interpreter",
        code=method("fit", "import ctypes\nctypes.PyDLL(None).sleep(60)"),
        threads=Fate(dies="no end"),
        isolate=overdue("2 seconds"),
    ),
    Case(
        alone=True,
        name="memory_hog",
        does="takes all memory that it gets",
        code=method("fit", "hog = []\nwhile True: hog.append(bytearray(10**8))"),
        threads=Fate(dies="no memory"),
        isolate=fails("memory"),
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
            "self.files = []\ntry:\n    while True: self.files.append(open(os.devnull))\nexcept OSError:\n    pass",
        ),
        threads=Fate(dies="exit code 1"),
        isolate=unharmed(),
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
CASES: tuple[Case, ...] = (*AT_IMPORT, *FITTING, *SHARED, *LATE, *LETHAL)
