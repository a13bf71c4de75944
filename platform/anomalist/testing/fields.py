"""What parameters are, whatever they are of: fields with types, defaults and help, that can be typed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from anomalist.errors import ParameterError
from anomalist.plugins.parameters import as_typed, check_parameters, describe_parameters
from anomalist.testing.promise import Failure, NotApplicable, attempting, told

if TYPE_CHECKING:
    from anomalist.testing.bench import Bench
    from anomalist.testing.promise import Checks

__all__ = ["add_fields", "buildable", "fields_of"]

_WRONG: tuple[Any, ...] = (-1, -1e9, 1e300, "no such choice", float("nan"))


def add_fields(checks: Checks) -> None:
    """Add the checks."""
    checks.add("typed", "it is a dataclass whose fields have types and defaults")(typed)
    checks.add("documented", "every parameter has an entry of help")(documented)
    checks.add("written", "every default can be typed on the command line")(written)
    checks.add("refused", "a value that it refuses is refused in one line")(refused)


def typed(bench: Bench) -> None:
    """It can be built with nothing, and each field says what it takes."""
    with attempting("a dataclass, each field with a type and a default", "write it as a @dataclass"):
        describe_parameters(bench.subject.name, bench.loaded)
        bench.new({})
        bench.new(bench.subject.params)


def documented(bench: Bench) -> None:
    """`anomalist detectors NAME` shows a line for each parameter."""
    buildable(bench)
    silent = [each.name for each in describe_parameters(bench.subject.name, bench.loaded) if not each.help]
    if silent:
        raise Failure(
            expected="each parameter is described under 'Attributes:' in the docstring of the class",
            got=f"nothing on {', '.join(silent)}",
            mend=f"add a line such as '{silent[0]}: What it does.'",
        )


def written(bench: Bench) -> None:
    """The default that is shown is the default that is read."""
    buildable(bench)
    for field in fields_of(bench.loaded):
        default = field.default if field.default is not dataclasses.MISSING else _made(field)
        text = as_typed(default)
        mend = f"give {field.name} a type and a default of numbers, texts, truth values, None, or lists of them"
        with attempting(f"{field.name}={text}, its default, can be read from that text", mend):
            found = check_parameters(bench.subject.name, bench.loaded, {field.name: text})[field.name]
        if found != default:
            raise Failure(expected=f"{field.name}={text} is read as {default!r}", got=repr(found), mend=mend)


def refused(bench: Bench) -> None:
    """A value out of range is the user's mistake, not the program's: it is said in one line."""
    buildable(bench)
    for field in fields_of(bench.loaded):
        for wrong in _WRONG:
            try:
                values = check_parameters(bench.subject.name, bench.loaded, {field.name: wrong})
            except ParameterError:
                continue  # of another type: refused before the class sees it
            try:
                bench.loaded(**values)
            except ParameterError as error:
                if len(str(error).splitlines()) == 1:
                    continue
                got = f"a message of {len(str(error).splitlines())} lines"
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises is what was got
                got = told(error)
            else:
                continue  # it takes the value
            raise Failure(
                expected=f"{field.name}={wrong!r} is taken, or refused by a ParameterError in one line",
                got=got,
                mend="check it in __post_init__ by anomalist.detector.check_parameter(ok, name, got, expected)",
            )


def buildable(bench: Bench) -> None:
    """Go on only where it can be built at all.

    Raises:
        NotApplicable: It cannot, which a check of its own says.
    """
    try:
        describe_parameters(bench.subject.name, bench.loaded)
        bench.new({})
    except NotApplicable:
        raise
    except (Exception, SystemExit) as error:
        raise NotApplicable(f"it cannot be built with its defaults: {told(error)}") from error


def fields_of(cls: type) -> list[dataclasses.Field[Any]]:
    """The fields that are parameters."""
    return [field for field in dataclasses.fields(cls) if field.init]


def _made(field: dataclasses.Field[Any]) -> Any:
    assert field.default_factory is not dataclasses.MISSING
    return field.default_factory()
