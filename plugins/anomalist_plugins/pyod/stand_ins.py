"""What PyOD's modules get in place of modules that touch global state, print, or are slow to load and not needed."""

from __future__ import annotations

from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from anomalist.detector import check_deadline
from anomalist_plugins.pyod.randomness import current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

__all__ = ["EMPTY", "OVERLAYS", "silent_print"]


class Overlay(ModuleType):
    """A module with some names of its own before those of the real one."""

    def __init__(self, real: Any, **own: Any) -> None:
        super().__init__(real.__name__)
        self.__dict__.update(own)
        self.__dict__["_real"] = real

    def __getattr__(self, name: str) -> Any:
        check_deadline()  # whatever PyOD computes it asks of one of these: the one place where a long loop can be left
        return getattr(self.__dict__["_real"], name)


class _NumpyRandom(ModuleType):
    """`numpy.random`, whose functions draw from the generator of the call that they run in."""

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and hasattr(np.random.RandomState, name):
            return getattr(current().numpy, name)
        return getattr(np.random, name)


class _PythonRandom(ModuleType):
    """`random`, in the same way."""

    def __getattr__(self, name: str) -> Any:
        return getattr(current().python, name)


class _Idle(ModuleType):
    """A module of which only the name is needed, such as that of a plot that nobody asks for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Idle(f"{self.__name__}.{name}")


def silent_print(*values: object, **options: object) -> None:
    """Print nothing: results go to stdout, and the run says what there is to say."""


def _check_random_state(seed: Any) -> np.random.RandomState:
    """scikit-learn's `check_random_state`, without the global generator."""
    if seed is None or seed is np.random:
        return current().numpy
    return seed if isinstance(seed, np.random.RandomState) else np.random.RandomState(seed)


def _exact_distances(x: Any, y: Any, *, squared: bool = False) -> NDArray[Any]:
    """scikit-learn's `euclidean_distances`, each pair by itself.

    As a matrix product its last digits depend on the rows beside, and a row that lies on a radius is in or out by them.
    """
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(x, y, "sqeuclidean" if squared else "euclidean"))


class _Filters:
    """A list of filters that there are none in, and that may be taken from."""

    def pop(self, index: int = -1) -> None:
        """Take nothing."""


def _warnings() -> ModuleType:
    @contextmanager
    def catch_warnings(**_: Any) -> Iterator[list[Any]]:
        yield []

    module = ModuleType("warnings")
    module.__dict__.update(
        warn=silent_print, simplefilter=silent_print, filterwarnings=silent_print, catch_warnings=catch_warnings
    )
    module.__dict__["filters"] = _Filters()
    return module


def _tqdm() -> ModuleType:
    module = ModuleType("tqdm")
    module.__dict__.update(
        tqdm=lambda items, **_: items, trange=lambda *counts, **_: range(*counts), auto=module, notebook=module
    )
    return module


def _combo() -> ModuleType:
    """The two functions that FeatureBagging takes from a package that PyOD does not bring."""

    def average(scores: Any, *_: None) -> NDArray[Any]:
        return np.asarray(np.mean(scores, axis=1))

    def maximization(scores: Any) -> NDArray[Any]:
        return np.asarray(np.max(scores, axis=1))

    module = _Idle("combo.models.score_comb")
    module.__dict__.update(average=average, maximization=maximization)
    return module


def _numba() -> ModuleType:
    """A `numba` that compiles nothing: that takes seconds in every process; the long loops are mended instead."""

    def njit(*functions: Callable[..., Any], **_: Any) -> Any:
        return functions[0] if functions else njit

    module = ModuleType("numba")
    module.__dict__.update(njit=njit, jit=njit, prange=range)
    return module


def _torch(real: Any) -> Overlay:
    def manual_seed(seed: int) -> Any:
        return current().start_torch(int(seed))

    # which device to use is a parameter: what looks for one by itself finds the processor
    return Overlay(real, manual_seed=manual_seed, cuda=Overlay(real.cuda, is_available=lambda: False))


def _torch_data(real: Any) -> Overlay:
    def loader(*args: Any, **options: Any) -> Any:
        """A loader that pins no memory, which warns where there is no accelerator."""
        return real.DataLoader(*args, **{**options, "pin_memory": False})

    return Overlay(real, DataLoader=loader)


def _svm(real: Any) -> Overlay:
    def one_class(**options: Any) -> Any:
        """A one-class machine with a seed, without which it draws one from the global generator."""
        machine = real.OneClassSVM(**options)
        machine.random_state = 0
        return machine

    return Overlay(real, OneClassSVM=one_class)


def _cluster(real: Any) -> Overlay:
    def hdbscan(**options: Any) -> Any:
        """With `copy` said, as it warns that the default will change."""
        return real.HDBSCAN(copy=True, **options)

    return Overlay(real, HDBSCAN=hdbscan)


def _with_check(real: Any) -> Overlay:
    return Overlay(real, check_random_state=_check_random_state)


def _os(real: Any) -> Overlay:
    return Overlay(real, environ=dict(real.environ))


def _idle(names: Iterable[str]) -> dict[str, ModuleType]:
    return {name: _Idle(name.partition(".")[0]) for name in names}


EMPTY: dict[str, ModuleType] = {
    **_idle(("matplotlib", "matplotlib.pyplot", "pandas", "multiprocessing")),
    "combo": _Idle("combo"),
    "combo.models.score_comb": _combo(),
    "numba": _numba(),
    "pyod.models.embedding": _Idle("pyod.models.embedding"),  # where TimeSeriesOD looks other detectors up
    "random": _PythonRandom("random"),
    "tqdm": _tqdm(),
    "warnings": _warnings(),
}
"""By the name imported: modules that are replaced as a whole, and never loaded."""

OVERLAYS: dict[str, Callable[[Any], ModuleType]] = {
    "numpy": lambda real: Overlay(real, random=_NumpyRandom("numpy.random")),
    "os": _os,
    "sklearn.cluster": _cluster,
    "sklearn.metrics": lambda real: Overlay(real, euclidean_distances=_exact_distances),
    "sklearn.metrics.pairwise": lambda real: Overlay(real, euclidean_distances=_exact_distances),
    "sklearn.svm": _svm,
    "sklearn.utils": _with_check,
    "sklearn.utils.validation": _with_check,
    "torch": _torch,
    "torch.utils.data": _torch_data,
}
"""By the name of the module that an import gives: what replaces some of its names."""
