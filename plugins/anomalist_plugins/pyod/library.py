"""PyOD's modules, read from its installed files into a room of their own.

`import pyod` runs for seconds, and its detectors print, warn, start threads, and seed or use the global random
generators. Here each module of PyOD is executed once more, unchanged, under an `__import__` of its own that hands it
stand-ins: `print`, `warnings` and progress bars are silent, plots and pandas are not loaded, and random numbers come
from `anomalist_plugins.pyod.randomness`. Nobody else's PyOD, and no global state, is touched. Only the modules that a
detector needs are read.
"""

from __future__ import annotations

import builtins
import importlib.util
import threading
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from anomalist.errors import PluginError
from anomalist_plugins.pyod.mends import MENDS
from anomalist_plugins.pyod.stand_ins import EMPTY, OVERLAYS, silent_print

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Library", "library"]


class Library:
    """Reads modules of PyOD, each once; several threads may ask at the same time.

    Args:
        folder: Where PyOD is installed.
        mends: What is done to a module once it is read, by its name.
    """

    def __init__(self, folder: Path, mends: Mapping[str, Callable[[ModuleType], None]] = MENDS) -> None:
        self._folder = folder
        self._mends = mends
        self._modules: dict[str, ModuleType] = {}
        self._stand_ins: dict[str, ModuleType] = {}
        self._lock = threading.RLock()

    def module(self, name: str) -> ModuleType:
        """The module called `pyod...`; a package is empty until its modules are asked for.

        Raises:
            ImportError: There is no such module, or it needs one that is not installed.
        """
        with self._lock:
            if name not in self._modules:
                module = self._modules[name] = ModuleType(name)
                try:
                    self._fill(module, name)
                except BaseException:
                    del self._modules[name]
                    raise
            return self._modules[name]

    def find(self, module: str, name: str) -> Any:
        """A class of a module of PyOD."""
        return getattr(self.module(module), name)

    def _fill(self, module: ModuleType, name: str) -> None:
        path = self._folder.joinpath(*name.split(".")[1:])
        if path.is_dir():
            module.__path__ = [str(path)]
            module.__package__ = name
            return
        file = path.with_suffix(".py")
        if not file.is_file():
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        code = SourceFileLoader(name, str(file)).get_code(name)
        assert code is not None
        module.__file__ = str(file)
        module.__package__ = name.rpartition(".")[0]
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._import, "print": silent_print}
        exec(code, module.__dict__)  # noqa: S102 - the installed file of a library, as an import executes it
        if name in self._mends:
            self._mends[name](module)

    def _import(
        self,
        name: str,
        of: Mapping[str, Any] | None = None,
        local: Mapping[str, Any] | None = None,
        wanted: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """What an import statement in a module of PyOD gets."""
        if level:
            name = importlib.util.resolve_name("." * level + name, (of or {})["__package__"])
        if name in EMPTY:
            return EMPTY[name]
        if name.partition(".")[0] == "pyod":
            return self._own(name, wanted)
        real = builtins.__import__(name, of, local, wanted or (), 0)
        if real.__name__ not in OVERLAYS:
            return real
        with self._lock:
            if real.__name__ not in self._stand_ins:
                self._stand_ins[real.__name__] = OVERLAYS[real.__name__](real)
            return self._stand_ins[real.__name__]

    def _own(self, name: str, wanted: Sequence[str] | None) -> ModuleType:
        module = self.module(name)
        if not wanted:
            return self.module(name.partition(".")[0])
        if not hasattr(module, "__path__"):
            return module
        # a name taken from a package is one of its modules, or is in the one of the package's that has it
        found = ModuleType(name)
        for item in wanted:
            setattr(found, item, self._member(name, item))
        return found

    def _member(self, package: str, item: str) -> Any:
        if self._folder.joinpath(*package.split(".")[1:], item).with_suffix(".py").is_file():
            return self.module(f"{package}.{item}")
        return self.find(f"{package}.utility", item)


_lock = threading.Lock()
_library: Library | None = None


def library() -> Library:
    """The modules of the installed PyOD.

    Raises:
        PluginError: PyOD is not installed.
    """
    global _library
    with _lock:
        if _library is None:
            spec = importlib.util.find_spec("pyod")
            if spec is None or not spec.submodule_search_locations:
                raise PluginError("PyOD is not installed; pip install 'anomalist[pyod]'")
            _library = Library(Path(next(iter(spec.submodule_search_locations))))
        return _library
