"""Watched state: the pieces of what all code of one process shares, each with how to read it and to put it back.

Modules that are not loaded are not imported for it: where this module names numpy or torch, somebody else loaded them.
"""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import threading
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["WATCHED", "Objects", "Watched"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One piece of shared state.

    Attributes:
        module: It is there once this module is loaded.
        read: What it is now; compared with `==`.
        write: Makes it what `read` gave.
        line: What a change is called and how to do without it.
        imports: Whether importing a library may change it, so that a change beside an import proves nothing.
    """

    module: str
    read: Callable[[], Any]
    write: Callable[[Any], Any]
    line: str
    imports: bool = False


class Objects(tuple[Any, ...]):
    """What is compared by identity: an object of a plugin may say anything of itself."""

    __slots__ = ()


_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGALRM", "SIGCHLD") if hasattr(signal, name))


def _signals() -> tuple[Any, ...]:
    return tuple(signal.getsignal(number) for number in _SIGNALS)


def _set_signals(handlers: tuple[Any, ...]) -> None:
    for number, handler in zip(_SIGNALS, handlers, strict=True):
        if handler is not None:  # None: set from C, which Python cannot do
            signal.signal(number, handler)


def _environment() -> dict[str, str]:
    return dict(os.environ)


def _set_environment(values: dict[str, str]) -> None:
    for name in os.environ.keys() - values.keys():
        del os.environ[name]
    os.environ.update(values)


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - text is all that is needed, and pathlib would be imported for it
    except OSError:
        return None  # somebody removed it


def _set_folder(folder: str | None) -> None:
    if folder is not None:
        os.chdir(folder)


def _filters() -> list[Any]:
    return list(warnings.filters)


def _set_filters(filters: list[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]  # typeshed says Sequence; it is a list, which C code reads
    warnings._filters_mutated()  # type: ignore[attr-defined]  # the one way to tell C code that keeps a copy


def _streams() -> Objects:
    return Objects((sys.stdin, sys.stdout, sys.stderr))


def _set_streams(streams: Objects) -> None:
    sys.stdin, sys.stdout, sys.stderr = streams


def _last_words() -> Objects:
    return Objects((sys.excepthook, sys.unraisablehook, threading.excepthook))


def _set_last_words(hooks: Objects) -> None:
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks


def _interpreter() -> tuple[Any, ...]:
    return gc.isenabled(), gc.get_threshold(), sys.getrecursionlimit(), sys.getswitchinterval()


def _set_interpreter(values: tuple[Any, ...]) -> None:
    enabled, threshold, recursion, interval = values
    (gc.enable if enabled else gc.disable)()
    gc.set_threshold(*threshold)
    sys.setrecursionlimit(recursion)
    sys.setswitchinterval(interval)


def _locale() -> str:
    locale = sys.modules["locale"]
    return str(locale.setlocale(locale.LC_ALL))


def _set_locale(name: str) -> None:
    locale = sys.modules["locale"]
    locale.setlocale(locale.LC_ALL, name)


def _numpy_random() -> tuple[Any, ...]:
    name, keys, position, has_gauss, gauss = sys.modules["numpy"].random.get_state(legacy=True)
    return name, keys.tobytes(), position, has_gauss, gauss


def _set_numpy_random(state: tuple[Any, ...]) -> None:
    name, keys, *rest = state
    numbers = sys.modules["numpy"].frombuffer(keys, dtype="uint32")
    sys.modules["numpy"].random.set_state((name, numbers, *rest))


def _numpy_errors() -> Any:
    return sys.modules["numpy"].geterr()


def _set_numpy_errors(values: Any) -> None:
    sys.modules["numpy"].seterr(**values)


def _torch_random() -> bytes:
    return bytes(sys.modules["torch"].get_rng_state().numpy())


def _set_torch_random(state: bytes) -> None:
    torch = sys.modules["torch"]
    torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))


def _torch_defaults() -> tuple[Any, ...]:
    torch = sys.modules["torch"]
    return torch.get_default_dtype(), torch.get_default_device(), torch.get_float32_matmul_precision()


def _set_torch_defaults(values: tuple[Any, ...]) -> None:
    torch, (dtype, device, precision) = sys.modules["torch"], values
    torch.set_default_dtype(dtype)
    if torch.get_default_device() != device:  # to set it costs time in every call from then on
        torch.set_default_device(device)
    torch.set_float32_matmul_precision(precision)


def _torch_modes() -> tuple[Any, ...]:
    torch = sys.modules["torch"]
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_grad_enabled(),
        torch.is_anomaly_enabled(),
        torch.backends.cudnn.benchmark,
        torch.backends.cudnn.deterministic,
    )


def _set_torch_modes(values: tuple[Any, ...]) -> None:
    torch = sys.modules["torch"]
    deterministic, gradients, anomalies, torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = values
    torch.use_deterministic_algorithms(deterministic)
    torch.set_grad_enabled(gradients)
    torch.autograd.set_detect_anomaly(anomalies)


def _torch_threads() -> int:
    return int(sys.modules["torch"].get_num_threads())


def _set_torch_threads(threads: int) -> None:
    sys.modules["torch"].set_num_threads(threads)


WATCHED: Mapping[str, Watched] = {
    "random": Watched(
        module="sys",
        read=random.getstate,
        write=random.setstate,
        line="Python's global random state: use random.Random(seed)",
    ),
    "numpy random": Watched(
        module="numpy",
        read=_numpy_random,
        write=_set_numpy_random,
        line="numpy's global random state: use numpy.random.default_rng(seed)",
    ),
    "numpy errors": Watched(
        module="numpy",
        read=_numpy_errors,
        write=_set_numpy_errors,
        line="how numpy treats floating-point errors: use 'with numpy.errstate(...)'",
    ),
    "torch random": Watched(
        module="torch",
        read=_torch_random,
        write=_set_torch_random,
        line="torch's global random state: use torch.Generator().manual_seed(seed)",
    ),
    "torch threads": Watched(
        module="torch",
        read=_torch_threads,
        write=_set_torch_threads,
        line="the number of threads of torch: leave it to anomalist, which runs detectors side by side",
    ),
    "torch defaults": Watched(
        module="torch",
        read=_torch_defaults,
        write=_set_torch_defaults,
        line="torch's default dtype, device or precision: give dtype= and device= where tensors are made",
    ),
    "torch modes": Watched(
        module="torch",
        read=_torch_modes,
        write=_set_torch_modes,
        line="a global mode of torch: use it as a context manager, such as 'with torch.no_grad()'",
    ),
    "warnings": Watched(
        module="sys",
        read=_filters,
        write=_set_filters,
        line="the filters of warnings: use 'with warnings.catch_warnings()'",
        imports=True,
    ),
    "environment": Watched(
        module="sys",
        read=_environment,
        write=_set_environment,
        line="the environment variables of the process: pass values as arguments",
        imports=True,
    ),
    "folder": Watched(
        module="sys", read=_folder, write=_set_folder, line="the working directory of the process: use absolute paths"
    ),
    "locale": Watched(
        module="locale",
        read=_locale,
        write=_set_locale,
        line="the locale of the process, by which C code reads numbers: format and parse without it",
    ),
    "streams": Watched(
        module="sys",
        read=_streams,
        write=_set_streams,
        line="sys.stdin, sys.stdout or sys.stderr: they belong to the program; give file= where text is written",
    ),
    "last words": Watched(
        module="sys",
        read=_last_words,
        write=_set_last_words,
        line="what is done with errors that nobody catches (sys.excepthook and its like): raise them where they belong",
    ),
    "signals": Watched(
        module="sys",
        read=_signals,
        write=_set_signals,
        line="a signal handler of the process: leave signals to anomalist",
    ),
    "interpreter": Watched(
        module="sys",
        read=_interpreter,
        write=_set_interpreter,
        line="the garbage collector, the recursion limit or the switch interval: leave them as they are",
    ),
}
