"""Detectors that touch what all code of the process shares."""

from __future__ import annotations

from tests.hostile.case import Case, fails, method, scores

__all__ = ["SHARING"]

SHARING = (
    Case(
        name="seeds_numpy",
        does="seeds numpy for all",
        code=method("fit", "np.random.seed(0)"),
        threads=fails("changed numpy's global random state: use numpy.random.default_rng(seed)"),
        isolate="same",
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
        isolate="same",
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
        code=method(
            "fit",
            """
            import warnings
            warnings.simplefilter('ignore')
        """,
        ),
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
        code=method(
            "fit",
            """
            import gc
            gc.disable()
            gc.freeze()
        """,
        ),
        threads=fails(
            "changed the garbage collector, the recursion limit or the switch interval: leave them as they are"
        ),
    ),
)
