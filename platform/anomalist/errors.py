"""Every error that anomalist raises on purpose, and the exit code that the command line gives it.

```
AnomalistError                 1   anything below; catch this to catch them all
├── UsageError                 2   a wrong option, parameter or combination of them
│   ├── ConfigError            2   a bad value in the environment or in anomalist.toml
│   ├── ParameterError         2   a detector parameter that is unknown or out of its range
│   └── UnknownNameError       2   no such detector, model, run or row
├── StoreError                 1   the database refused, is locked or is broken
│   └── MigrationNeededError   3   the schema is older or newer than this version
├── DataError                  4   the data cannot be read or is not fit to be used
│   └── SchemaMismatchError    4   the data does not have the columns that the model was fitted on
├── DetectorError              1   a detector failed
│   ├── NotFittedError         1   scored, saved or updated before it was fitted
│   ├── TrainingError          1   training diverged
│   └── DetectorTimeoutError   1   a detector did not finish in the time it was given
├── PluginError                1   a plugin is broken, blocked or incompatible
├── ModelFileError             1   a model folder is damaged, incomplete, of an unknown format, or not trusted
└── RunError                   1   a run could not be completed
```

A message is one line: what was wrong, what was got, what to do.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST, _LONGEST_OF_OURS = 500, 4000  # characters; one of ours may name what is wrong with every member of a panel


class AnomalistError(Exception):
    """Base of every error raised on purpose."""

    exit_code: ClassVar[int] = 1


class UsageError(AnomalistError):
    """A wrong option, parameter or combination of them."""

    exit_code: ClassVar[int] = 2


class ConfigError(UsageError):
    """A bad value in the environment or in the configuration file."""


class ParameterError(UsageError):
    """A detector parameter that is unknown, of the wrong type or out of its range."""


class UnknownNameError(UsageError):
    """No such detector, model, run or row."""


class StoreError(AnomalistError):
    """The database refused, is locked or is broken."""


class MigrationNeededError(StoreError):
    """The schema of the store is older or newer than this version of anomalist."""

    exit_code: ClassVar[int] = 3


class DataError(AnomalistError):
    """The data cannot be read or is not fit to be used."""

    exit_code: ClassVar[int] = 4


class SchemaMismatchError(DataError):
    """The data does not have the columns, or the types, that the model was fitted on."""


class DetectorError(AnomalistError):
    """A detector failed."""


class NotFittedError(DetectorError):
    """A detector was scored, saved or updated before it was fitted."""


class TrainingError(DetectorError):
    """Training diverged."""


class DetectorTimeoutError(DetectorError):
    """A detector did not finish in the time it was given."""


class PluginError(AnomalistError):
    """A plugin is broken, blocked or incompatible."""


class ModelFileError(AnomalistError):
    """A model folder is damaged, incomplete, of an unknown format, or not trusted."""


class RunError(AnomalistError):
    """A run could not be completed."""


def message_of(error: BaseException, longest: int = _LONGEST) -> str:
    r"""The message of an error as one line of printable characters, whatever whoever raised it made of it.

    An error of a plugin may be of a class of its own, with a message that is long, colours the terminal or raises.

    >>> message_of(ValueError("no\n  luck")), message_of(ValueError("\x1b[31mred"))
    ('no luck', '?[31mred')
    """
    try:
        text = " ".join(str.__str__(str(error)).split())
    except BaseException:  # noqa: BLE001 - the message of an error of a plugin is code of the plugin
        return "its message cannot be read"
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= longest else f"{text[:longest]} ..."


def one_line(error: BaseException) -> str:
    """An error in one line of printable characters, with its kind unless it is one of ours.

    >>> one_line(ValueError("no luck")), one_line(SystemExit()), one_line(PluginError("it is broken"))
    ('ValueError: no luck', 'SystemExit', 'it is broken')
    """
    if isinstance(error, AnomalistError):
        return message_of(error, _LONGEST_OF_OURS)
    text = message_of(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextmanager
def blaming(name: str, kind: type[AnomalistError]) -> Iterator[None]:
    """Turn whatever goes wrong in the body into an error that says whose it is; those of anomalist pass as they are.

    >>> with blaming("stacker mine", PluginError):
    ...     raise ValueError("no luck")
    Traceback (most recent call last):
    anomalist.errors.PluginError: stacker mine failed: ValueError: no luck
    """
    try:
        yield
    except AnomalistError:
        raise
    except (Exception, SystemExit) as error:
        raise kind(f"{name} failed: {one_line(error)}") from error
