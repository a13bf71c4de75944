"""However a detector dies in its process, the host lives, says in one line what happened, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from anomalist.detector import deadline
from anomalist.errors import DetectorError, DetectorTimeoutError, ParameterError, PluginError
from anomalist.isolation.processes import Processes
from tests.helpers import environment
from tests.isolation.detectors import DATA, PACKAGE, lay, made, spec_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WHO = "^detector 'made' of evil-pkg 1.0 "


SHARES = """import mmap
kept = mmap.mmap(-1, 1 << 29)
for start in range(0, 1 << 29, 1 << 20):
    kept[start : start + (1 << 20)] = bytes(1 << 20)
time.sleep(60)"""


@contextlib.contextmanager
def seconds(number: float) -> Iterator[None]:
    """Run the body with so many seconds left, and see that it is over in time."""
    started = time.monotonic()
    token = deadline.set(started + number)
    try:
        yield
    finally:
        deadline.reset(token)
    assert time.monotonic() - started < number + 1.0


def gone(pid: int) -> bool:
    """Whether a process of this one ends soon, and does not stay as a zombie."""
    return _soon(lambda: not Path(f"/proc/{pid}").exists())


def empty(group: int) -> bool:
    """Whether all processes of a group end soon; nobody may be there to take the zombies of a host that is dead."""

    def ended() -> bool:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, _, members_of = stat.read_text().rpartition(")")[2].split()[:3]
                if int(members_of) == group and state != "Z":
                    return False
        return True

    return _soon(ended)


def _soon(true: Callable[[], bool]) -> bool:
    return any(true() or time.sleep(0.05) for _ in range(100))  # sleeping gives None, which is not true


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("os._exit(3)", WHO + "ended its process with code 3$"),
        ("ctypes.string_at(0)", WHO + "was killed by signal SIGSEGV$"),
        ("os.kill(os.getpid(), signal.SIGKILL)", WHO + "was killed by signal SIGKILL$"),
        ("os.closerange(0, 100)", WHO + "closed what connects its process with the run$"),
        (
            "while True: print('x' * 1000)",
            WHO + "printed more than 1 MiB: what a detector has to say goes to its notes$",
        ),
        ("while True: os.write(1, b'x' * 10**6)", WHO + "printed more than 1 MiB"),
        ("sys.exit(4)", "^SystemExit: 4$"),
        ("raise KeyboardInterrupt", "^KeyboardInterrupt$"),
        ("def f(): f()\nf()", "^RecursionError: maximum recursion depth exceeded"),
        ("pass\nclass E(Exception):\n    def __str__(self): 1 / 0\nraise E", "^E: its message cannot be read$"),
        ("pass\nclass E(Exception):\n    def __init__(self, a, b): pass\nraise E(lambda: 0, threading.Lock())", "^E: "),
        ("return None", "^fit must return the detector itself, got NoneType; end it with return self$"),
        ("np.random.seed(1)", "^changed numpy's global random state"),
    ],
)
def test_what_it_does_is_told_in_one_line(processes: Processes, folder: Path, body: str, message: str) -> None:
    detector = made(processes, folder, body)
    pid = detector._process.pid
    with pytest.raises(DetectorError, match=message) as caught, seconds(20):
        detector.fit(DATA)
    assert "\n" not in str(caught.value)
    if "detector 'made'" in message:
        assert gone(pid)


@pytest.mark.parametrize(
    "body",
    [
        "print('hello'); os.write(1, b'hello'); os.system('echo hello'); sys.stderr.write('x' * 10**5)",
        "sys.stdout.close(); sys.stderr.close(); os.close(1); os.close(2)",
        "sys.stdin.read(); subprocess.Popen(['sleep', '60']); threading.Thread(target=time.sleep, args=(60,)).start()",
        "c = ctypes.CDLL(None); c.printf(b'hello'); c.fflush(None); os.fork()",
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (6, 6)); open(os.devnull)",
    ],
)
def test_what_does_no_harm_there_does_none(
    processes: Processes, folder: Path, body: str, capfd: pytest.CaptureFixture[str]
) -> None:
    detector = made(processes, folder, body + "\nself.group = os.getpid()")
    with seconds(20):
        detector.fit(DATA)
        assert np.isfinite(detector.score(DATA)).all()
    group = detector._process.pid
    detector._process.end()
    assert capfd.readouterr() == ("", "")
    assert empty(group)


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)",
        "ctypes.PyDLL(None).pause()",
        "lock = threading.Lock(); lock.acquire(); lock.acquire()",
    ],
)
def test_over_its_time_it_is_killed(processes: Processes, folder: Path, body: str) -> None:
    detector = made(processes, folder, body)
    pid = detector._process.pid
    with pytest.raises(DetectorTimeoutError, match=WHO + "had no time left, and its process was ended$"), seconds(0.5):
        detector.fit(DATA)
    assert gone(pid)


def test_one_that_watches_its_deadline_stops_by_itself(processes: Processes, folder: Path) -> None:
    detector = made(processes, folder, "while True: check_deadline(); time.sleep(0.01)")
    child = detector._process
    with pytest.raises(DetectorTimeoutError, match=r"^stopped: the time that it was given is over$"), seconds(0.3):
        detector.fit(DATA)
    assert child.lives
    with pytest.raises(DetectorTimeoutError, match=r"^stopped"), seconds(-0.1):
        detector.score(DATA)


def test_import_and_building_have_their_time_too(processes: Processes, folder: Path) -> None:
    body = "class Made(Good):\n    def __post_init__(self):\n        time.sleep(60)\n"
    with pytest.raises(PluginError, match=WHO + "took too long to be imported and built$"), seconds(0.7):
        made(processes, folder, body)
    (folder / "ends.py").write_text("import os; os._exit(5)")
    with pytest.raises(PluginError, match=WHO + "ended its process with code 5$"):
        processes.parameters(spec_of("ends"), PACKAGE)


@pytest.mark.parametrize(
    "body",
    [
        "kept = [np.ones(10**6) for _ in range(1000)]",
        "kept = []\nwhile True: kept.append('x' * 10**6 + str(len(kept)))",
        SHARES,
    ],
)
def test_too_much_memory_is_told(folder: Path, body: str) -> None:
    processes = Processes(256 << 20)
    detector = made(processes, folder, body)
    with pytest.raises(DetectorError, match=WHO + r"needs more than the memory limit of 256 MiB \(--memory\)$"):
        detector.fit(DATA)
    assert made(processes, folder, "pass").fit(DATA).state()


def test_a_limit_that_is_too_small_for_anything_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"memory must be at least 128 MiB, got 1"):
        Processes(1)


@pytest.mark.parametrize("loop", ["time.sleep(600)", "while True: pass", "ctypes.PyDLL(None).pause()"])
def test_when_the_host_is_killed_nothing_of_it_is_left(folder: Path, loop: str) -> None:
    module = lay(
        folder,
        f"subprocess.Popen(['sleep', '600'])\nopen({str(folder / 'pid')!r}, 'w').write(str(os.getpid()))\n{loop}",
    )
    program = f"""
import sys
sys.path.insert(0, {str(folder)!r})
from anomalist.isolation.processes import Processes
from tests.isolation.detectors import DATA, spec_of
Processes().build(spec_of({module!r}), "evil-pkg 1.0", {{}}).made.fit(DATA)
"""
    root = str(Path(__file__).parents[2])
    host = subprocess.Popen(
        [sys.executable, "-c", program], cwd=root, env=environment(PYTHONPATH=root, TMPDIR=str(folder))
    )
    try:
        while not (folder / "pid").exists() or not (folder / "pid").read_text():
            assert host.poll() is None
            time.sleep(0.05)
    finally:
        host.kill()
        host.wait()
    group = int((folder / "pid").read_text())
    assert empty(group)
    assert {path.name for path in folder.iterdir()} <= {"pid", f"{module}.py", "__pycache__"}


def test_ctrl_c_ends_the_child(processes: Processes, folder: Path) -> None:
    detector = made(processes, folder, "time.sleep(60)")
    pid = detector._process.pid

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    earlier = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            detector.fit(DATA)
    finally:
        signal.signal(signal.SIGALRM, earlier)
    assert gone(pid)


def test_what_cannot_be_imported_for_want_of_memory_says_so(folder: Path) -> None:
    (folder / "greedy.py").write_text("import numpy as np\nkept = np.ones(10**9)\n")
    with pytest.raises(PluginError, match=WHO + r"needs more than the memory limit of 200 MiB \(--memory\)$"):
        Processes(200 << 20).build(spec_of("greedy"), PACKAGE, {})
