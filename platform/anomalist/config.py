"""Settings: flags > environment (`ANOMALIST_*`) > `anomalist.toml` > defaults, each remembering where it came from.

The file is the one given by `--config` or `ANOMALIST_CONFIG`, or else the nearest `anomalist.toml` from the working
directory upwards. It holds the names below as keys, nothing else. Relative paths in it start at its own folder. An
empty environment variable counts as not set.

>>> settings = load_settings({"budget": "1%"}, environ={"ANOMALIST_SEED": "7"}, folder=Path("/"))
>>> settings.budget, settings.seed, settings.origins["seed"], settings.origins["panel"]
(0.01, 7, 'environment ANOMALIST_SEED', 'default')
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anomalist.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["FILE_NAME", "SETTINGS", "Setting", "Settings", "hide_password", "load_settings"]

FILE_NAME = "anomalist.toml"
_PREFIX = "ANOMALIST_"
_CONFIG_VARIABLE = "ANOMALIST_CONFIG"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings in force.

    Attributes:
        store: The database, as an SQLAlchemy URL.
        data_home: The folder of model files and of the default store.
        panel: The detectors of a run that names none.
        budget: How many rows a run may flag: a share where below 1, a number of rows from 1 on.
        combiner: How the members' surprises become one score.
        threads: How many threads a run may use; None for one a core.
        timeout: Seconds that one detector may take; None for no limit.
        seed: Where all randomness starts.
        device: Where deep detectors train.
        analyst: Who gives verdicts; None for whoever is logged in.
        disable_plugins: Plugins not to load.
        no_plugins: Whether to load only the plugins that come with anomalist.
        isolate: Whether each detector works in a process of its own.
        memory: Bytes that such a process may take; None for most of what is free.
        trust_pickle: Whether models may be read that hold pickles, which can execute code.
        origins: Where each value came from, by name.
    """

    store: str
    data_home: Path
    panel: str
    budget: float
    combiner: str
    threads: int | None
    timeout: float | None
    seed: int
    device: str
    analyst: str | None
    disable_plugins: tuple[str, ...]
    no_plugins: bool
    isolate: bool
    memory: int | None
    trust_pickle: bool
    origins: Mapping[str, str] = field(compare=False)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Each value and where it came from, by name, for people and programs to read: no password in it."""
        shown = {name: getattr(self, name) for name in SETTINGS}
        shown |= {
            "store": hide_password(self.store),
            "data_home": str(self.data_home),
            "disable_plugins": list(self.disable_plugins),
        }
        return {name: {"value": value, "source": self.origins[name]} for name, value in shown.items()}


class _UnfitError(Exception):
    """A value is not one that its setting can have."""


def _text(value: object, _: Path) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _UnfitError
    return value.strip()


def _path(value: object, base: Path) -> Path:
    return Path(os.path.abspath(base / Path(_text(value, base)).expanduser()))  # noqa: PTH100 - resolve() would follow links


def _store(value: object, base: Path) -> str:
    text = _text(value, base)
    scheme, separator, rest = text.partition("://")
    if not separator:
        if "?" in text:
            raise _UnfitError
        return f"sqlite:///{_path(text, base)}"
    if scheme.partition("+")[0] == "sqlite" and rest.startswith("/") and rest[1:] and not rest.startswith("/:memory:"):
        path, mark, query = rest[1:].partition("?")
        return f"{scheme}:///{_path(path, base)}{mark}{query}"
    return text


def _budget(value: object, base: Path) -> float:
    """A share (`"1%"`, `0.01`) or a number of rows (`50`)."""
    if isinstance(value, str):
        text, percent, rest = value.strip().partition("%")
        value = _number(text)
        if percent:
            value = value / 100 if isinstance(value, (int, float)) and value < 100 and not rest else None
    budget = _positive(value, base)
    if budget > 1 and not budget.is_integer():
        raise _UnfitError
    return budget


def _positive(value: object, _: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        raise _UnfitError
    return float(value)


def _at_least(low: int, high: float = math.inf) -> Callable[[object, Path], int]:
    def check(value: object, _: Path) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _UnfitError
        return value

    return check


def _or_none(check: Callable[[object, Path], Any]) -> Callable[[object, Path], Any]:
    return lambda value, base: None if value == "none" else check(value, base)


def _device(value: object, base: Path) -> str:
    text = _text(value, base)
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", text):
        raise _UnfitError
    return text


def _names(value: object, _: Path) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [name for name in value.split(",") if name.strip()]
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) and name.strip() for name in value):
        raise _UnfitError
    return tuple(name.strip() for name in value)


def _truth(value: object, _: Path) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if not isinstance(value, str) or value.strip().lower() not in words:
        raise _UnfitError
    return words[value.strip().lower()]


_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def _size(value: object, _: Path) -> int:
    """Bytes, from a number of them or a text such as `500M` or `2 GiB`; a unit counts by 1024."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    match = (
        re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", text.strip().lower()) if isinstance(text, str) else None
    )
    if match is None or float(match[1]) == 0:
        raise _UnfitError
    return int(float(match[1]) * _UNITS[match[2]])


def _number(text: str) -> object:
    """The number that a text from the command line or the environment spells, or else the text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its check, what it must be in words, its default, and what it is for."""

    check: Callable[[object, Path], Any]
    expected: str
    default: object
    help: str
    numeric: bool = False


SETTINGS: Mapping[str, Setting] = {
    "data_home": Setting(_path, "a folder", None, "folder of model files and of the default store"),
    "store": Setting(_store, "a database URL or the path of an SQLite file", None, "the database"),
    "panel": Setting(_text, "the name of a panel", "default", "detectors of a run that names none"),
    "budget": Setting(
        _budget, "a share below 100% such as 1%, or a whole number of rows such as 50", "1%", "rows to flag"
    ),
    "combiner": Setting(_text, "the name of a combiner", "upper_half", "how members become one score"),
    "threads": Setting(
        _or_none(_at_least(1)), "a whole number of at least 1, or none", "none", "threads of a run", numeric=True
    ),
    "timeout": Setting(
        _or_none(_positive), "a number of seconds above 0, or none", "none", "seconds for one detector", numeric=True
    ),
    "seed": Setting(
        _at_least(0, 2**32 - 1), "a whole number from 0 to 4294967295", 0, "where all randomness starts", numeric=True
    ),
    "device": Setting(_device, "auto, cpu, cuda, cuda:N or mps", "auto", "where deep detectors train"),
    "analyst": Setting(
        _or_none(_text), "a name, or none", "none", "who gives verdicts; none for the name of the login"
    ),
    "disable_plugins": Setting(_names, "names of plugins", "", "plugins not to load"),
    "no_plugins": Setting(_truth, "true or false", False, "load only the plugins that come with anomalist"),
    "isolate": Setting(_truth, "true or false", False, "each detector in a process of its own"),
    "memory": Setting(
        _or_none(_size), "a size such as 500M or 2G, or none", "none", "what such a process may take; none: most of it"
    ),
    "trust_pickle": Setting(_truth, "true or false", False, "read models that hold pickles, which can execute code"),
}
"""Every setting by name, which is its key in the file and, in capitals after `ANOMALIST_`, its environment variable."""


def load_settings(
    flags: Mapping[str, object] | None = None,
    *,
    config: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """Put the layers together.

    Args:
        flags: Values given on the command line or in a call, by name; None stands for not given.
        config: The file to read, in place of the one that would be found.
        environ: The environment; that of the process unless given.
        folder: The working directory; that of the process unless given.

    Raises:
        ConfigError: A key is unknown, a value is wrong or stands alone, or the file cannot be read; the message names
            the place.
    """
    environ = os.environ if environ is None else environ
    folder = Path.cwd() if folder is None else folder
    path = _find_file(config or environ.get(_CONFIG_VARIABLE) or None, folder, from_variable=not config)
    given = {name: (setting.default, "default", folder) for name, setting in SETTINGS.items()}
    if path is not None:
        given |= {name: (value, f"file {path}", path.parent) for name, value in _read_file(path).items()}
    given |= {name: (value, f"environment {_PREFIX}{name.upper()}", folder) for name, value in _read(environ).items()}
    for name, value in (flags or {}).items():
        if name not in SETTINGS:
            raise ConfigError(f"there is no setting {name!r}{_suggestion(name, SETTINGS)}")
        if value is not None:
            given[name] = value, f"flag --{name.replace('_', '-')}", folder
    if given["data_home"][0] is None:
        given["data_home"] = _default_home(), "default", folder
    values: dict[str, Any] = {name: _value(name, *given[name]) for name in SETTINGS if given[name][0] is not None}
    values.setdefault("store", f"sqlite:///{values['data_home'] / 'anomalist.db'}")
    settings = Settings(**values, origins={name: origin for name, (_, origin, _) in given.items()})
    if settings.memory is not None and not settings.isolate and settings.origins["memory"].startswith("flag "):
        raise ConfigError("flag --memory: it limits the processes of detectors; add --isolate")
    return settings


def hide_password(url: str) -> str:
    """A database URL fit to be printed.

    A password ends at the last `@`, whatever else is in it: rather too much is hidden than a part of it shown.

    >>> hide_password("postgresql://ann:s3cret/2@db.example/anomalies")
    'postgresql://ann:***@db.example/anomalies'
    """
    hidden = re.sub(r"(://[^/?@:]*):.*@", r"\1:***@", url, flags=re.DOTALL)
    return re.sub(r"([?&][^=&]*(?:pass|secret|token)[^=&]*=)[^&]*", r"\1***", hidden, flags=re.IGNORECASE)


def _value(name: str, value: object, origin: str, base: Path) -> Any:
    setting = SETTINGS[name]
    typed = _number(value) if setting.numeric and isinstance(value, str) and not origin.startswith("file ") else value
    try:
        return setting.check(typed, base)
    except _UnfitError:
        shown = hide_password(value) if name == "store" and isinstance(value, str) else value
        raise ConfigError(f"{origin}: {name} must be {setting.expected}, got {shown!r}") from None


def _find_file(named: str | Path | None, folder: Path, *, from_variable: bool) -> Path | None:
    if named is None:
        return next(
            (parent / FILE_NAME for parent in (folder, *folder.parents) if (parent / FILE_NAME).is_file()), None
        )
    path = _path(str(named), folder)
    if not path.is_file():
        origin = f"environment {_CONFIG_VARIABLE}" if from_variable else "flag --config"
        raise ConfigError(f"{origin}: there is no file {path}")
    return path


def _read_file(path: Path) -> dict[str, object]:
    import tomllib

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"file {path} cannot be read as TOML: {error}") from error
    for key in content:
        if key not in SETTINGS:
            raise ConfigError(f"file {path}: there is no setting {key!r}{_suggestion(key, SETTINGS)}")
    return content


def _read(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings in the environment. A variable of another name may be a plugin's, unless it looks like a slip."""
    variables = {f"{_PREFIX}{name.upper()}": name for name in SETTINGS}
    found = {}
    for variable, value in environ.items():
        if variable in variables and value.strip():
            found[variables[variable]] = value
        elif variable.startswith(_PREFIX) and variable not in variables and variable != _CONFIG_VARIABLE:
            hint = _suggestion(variable, variables, cutoff=0.9)
            if hint:
                raise ConfigError(f"environment {variable}: there is no such setting{hint}")
    return found


def _default_home() -> str:
    import platformdirs

    return platformdirs.user_data_dir("anomalist", appauthor=False)


def _suggestion(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"; did you mean {close[0]!r}?" if close else ""
