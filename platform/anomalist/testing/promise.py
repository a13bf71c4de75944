"""Promise: what is promised in a sentence; and what came of holding somebody to it."""

from __future__ import annotations

import traceback
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from anomalist.engine.execution.executor import one_thread_each
from anomalist.errors import message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from anomalist.errors import AnomalistError

__all__ = [
    "CheckResult",
    "Checks",
    "Failure",
    "NotApplicable",
    "Outcome",
    "Promise",
    "attempting",
    "itself",
    "refuses",
    "result_of",
    "told",
]

Outcome: TypeAlias = Literal["passed", "failed", "expected", "not applicable", "unexpectedly passed"]
"""What came of a check; `expected` is a failure that was declared with a reason."""


class Failure(AssertionError):  # noqa: N818 - it is of a promise; the program is in order
    """A promise that is not kept: what was expected, what was got, and how to mend it, each in one line."""

    def __init__(self, *, expected: str, got: str, mend: str) -> None:
        super().__init__(f"expected: {expected}\n     got: {got}\n    mend: {mend}")


class NotApplicable(Exception):  # noqa: N818 - says that there is nothing to check, which is no error
    """A check does not apply; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promise.

    Attributes:
        id: A short name, for the ids of test cases and for declaring an expected failure.
        sentence: What is promised, as people read it.
        function: Takes the bench with what is checked on it; raises where the promise is not kept.
    """

    id: str
    sentence: str
    function: Callable[[Any], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What came of one check.

    Attributes:
        id: Of the check.
        sentence: Of the check.
        outcome: What came of it.
        message: Of a failure what was expected, what was got and how to mend it; or the declared reason, or why the
            check does not apply; empty where it passed.
    """

    id: str
    sentence: str
    outcome: Outcome
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing has to be done about it."""
        return self.outcome not in ("failed", "unexpectedly passed")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {"id": self.id, "sentence": self.sentence, "outcome": self.outcome, "message": self.message or None}


class Checks:
    """The checks of one kind, in the order in which they were written."""

    def __init__(self) -> None:
        self._checks: dict[str, Promise] = {}

    def add(self, id: str, sentence: str) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:  # noqa: A002 - the name that it has there
        """Make a function that raises where a promise is not kept the check of that promise."""

        def keep(function: Callable[[Any], None]) -> Callable[[Any], None]:
            assert id not in self._checks, id
            self._checks[id] = Promise(id=id, sentence=sentence, function=function)
            return function

        return keep

    def all(self) -> tuple[Promise, ...]:
        """Every check."""
        return tuple(self._checks.values())


@contextmanager
def attempting(
    expected: str, mend: str = "follow the place that is named; it has to work on any rows"
) -> Iterator[None]:
    """Turn whatever the body raises into a Failure that says where; what is one already passes through.

    Raises:
        Failure: The body raised.
    """
    try:
        yield
    except (Failure, NotApplicable):
        raise
    except (Exception, SystemExit) as error:
        raise Failure(expected=expected, got=told(error), mend=mend) from error


def told(error: BaseException) -> str:
    """An error in one line with its kind and the place that raised it."""
    text = message_of(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno}, in {frames[-1].name})" if frames else ""
    return f"{type(error).__name__}: {text}{where}" if text else f"{type(error).__name__}{where}"


def itself(found: object, it: object, method: str) -> None:
    """Hold a method to returning the object that it is of.

    Raises:
        Failure: It returned something else.
    """
    if found is not it:
        raise Failure(
            expected=f"{method} returns the object itself",
            got="None" if found is None else f"another {type(found).__name__}",
            mend=f"end {method} with 'return self'",
        )


def refuses(kind: type[AnomalistError], function: Callable[..., object], *args: object, when: str, mend: str) -> str:
    """Hold a call to failing with an error of a kind, in one line; gives that line.

    Raises:
        Failure: It gave an answer, or failed in another way.
    """
    expected = f"{getattr(function, '__name__', 'it')} {when} is a {kind.__name__} in one line"
    try:
        function(*args)
    except (Exception, SystemExit) as error:
        if isinstance(error, kind) and str(error).strip() and "\n" not in str(error):
            return str(error)
        raise Failure(expected=expected, got=told(error), mend=mend) from error
    raise Failure(expected=expected, got="an answer", mend=mend)


def result_of(check: Promise, bench: Any, reasons: Mapping[str, str]) -> tuple[CheckResult, BaseException | None]:
    """Do a check; gives what came of it, and the error that says so where it failed.

    Args:
        check: The check.
        bench: What it takes.
        reasons: Why it is known to fail, by the ids of checks.
    """
    outcome, message, failure = _outcome(check, bench)
    reason = reasons.get(check.id)
    if reason is not None:
        if outcome == "failed":
            outcome, message, failure = "expected", reason, None
        else:
            why = "it passes" if outcome == "passed" else f"it does not apply: {message}"
            failure = Failure(
                expected=f"a failure, as declared: {reason}", got=why, mend="take it out of expected_failures"
            )
            outcome, message = "unexpectedly passed", str(failure)
    return CheckResult(id=check.id, sentence=check.sentence, outcome=outcome, message=message), failure


def _outcome(check: Promise, bench: Any) -> tuple[Outcome, str, BaseException | None]:
    try:
        with one_thread_each(), warnings.catch_warnings(), attempting("no error"):
            warnings.simplefilter("ignore")  # they have a check of their own
            check.function(bench)
    except NotApplicable as why:
        return "not applicable", str(why), None
    except Failure as failure:
        return "failed", str(failure), failure
    return "passed", "", None
