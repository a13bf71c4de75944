"""The kit as functions: do all checks on one thing, and say what came of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anomalist.errors import UsageError
from anomalist.testing.bench import bench_of, checks_for
from anomalist.testing.promise import result_of
from anomalist.testing.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import polars as pl

    from anomalist.detector import CombinerSpec, DetectorSpec, FeatureSpec, ReaderSpec, StackerSpec
    from anomalist.plugins.plugin import Kind
    from anomalist.testing.bench import Bench
    from anomalist.testing.promise import CheckResult, Promise
    from anomalist.testing.subject import Target

__all__ = [
    "check_combiner",
    "check_detector",
    "check_features",
    "check_reader",
    "check_stacker",
    "checks_of",
    "each_check",
    "reasons_for",
    "run_checks",
]


def check_detector(
    detector: str | type | DetectorSpec,
    *,
    params: Mapping[str, Any] | None = None,
    expected_failures: Mapping[str, str] | None = None,
) -> None:
    """Hold a detector to every promise of detectors.

    Args:
        detector: The name of an installed one (`knn`, `my-package:knn`, `knn:neighbours=3`), its description, or its
            class.
        params: Parameters to build it with, in place of its defaults: fewer epochs make the check of a network fast.
        expected_failures: Why a check is known to fail, by the id of the check, beside those that the class declares
            in its own `expected_failures`.

    Raises:
        AssertionError: It fails a check, or passes one that was declared to fail; the message lists them all.
        UnknownNameError: No detector has that name.
        UsageError: A failure is declared of a check that there is not.
    """
    _hold("detector", detector, params, expected_failures)


def check_combiner(
    combiner: str | Callable[..., Any] | CombinerSpec, *, expected_failures: Mapping[str, str] | None = None
) -> None:
    """Hold a label-free combiner to every promise of combiners; raises as `check_detector` does."""
    _hold("combiner", combiner, None, expected_failures)


def check_stacker(
    stacker: str | type | StackerSpec,
    *,
    params: Mapping[str, Any] | None = None,
    expected_failures: Mapping[str, str] | None = None,
) -> None:
    """Hold a combiner that learns from verdicts to every promise of stackers; raises as `check_detector` does."""
    _hold("stacker", stacker, params, expected_failures)


def check_features(
    features: str | type | FeatureSpec,
    *,
    params: Mapping[str, Any] | None = None,
    sample: Path | str | pl.DataFrame | None = None,
    expected_failures: Mapping[str, str] | None = None,
) -> None:
    """Hold a maker of features to every promise of them; raises as `check_detector` does.

    Args:
        features: Its name, its description or its class.
        params: Parameters to build it with.
        sample: Rows with the columns that it needs, or a file of them; a table of payments where it is not given.
        expected_failures: Why a check is known to fail, by its id.
    """
    _hold("features", features, params, expected_failures, sample)


def check_reader(
    reader: str | Callable[..., Any] | ReaderSpec,
    *,
    sample: Path | str | None = None,
    expected_failures: Mapping[str, str] | None = None,
) -> None:
    """Hold a reader of files to every promise of readers; raises as `check_detector` does.

    Args:
        reader: Its name, its description or its function.
        sample: A file that it reads; without one, only what it does with files that it cannot read is checked.
        expected_failures: Why a check is known to fail, by its id.
    """
    _hold("reader", reader, None, expected_failures, sample)


def checks_of(kind: Kind = "detector") -> tuple[Promise, ...]:
    """The checks of a kind, each with its id and its sentence.

    >>> checks_of("combiner")[0].sentence
    'it can be imported from where its description says'
    """
    return checks_for(kind)


def run_checks(
    target: Target,
    *,
    kind: Kind = "detector",
    params: Mapping[str, Any] | None = None,
    sample: Any = None,
    expected_failures: Mapping[str, str] | None = None,
) -> list[CheckResult]:
    """Do every check and give what came of each, in the order of `checks_of`; takes what `check_detector` takes.

    Raises:
        UnknownNameError: Nothing of that kind has the name.
        UsageError: A failure is declared of a check that there is not.
    """
    return list(each_check(target, kind=kind, params=params, sample=sample, expected_failures=expected_failures))


def each_check(
    target: Target,
    *,
    kind: Kind = "detector",
    params: Mapping[str, Any] | None = None,
    sample: Any = None,
    expected_failures: Mapping[str, str] | None = None,
) -> Iterator[CheckResult]:
    """The same, one check after the other."""
    bench = bench_of(Subject.find(target, kind, params), sample)
    reasons = reasons_for(bench, expected_failures)
    for check in checks_for(kind):
        yield result_of(check, bench, reasons)[0]


def reasons_for(bench: Bench, given: Mapping[str, str] | None) -> dict[str, str]:
    """The declared failures, those of the class and those that were given.

    Raises:
        UsageError: One is of a check that there is not, or lacks its reason.
    """
    reasons = {**bench.declared(), **(given or {})}
    known = [check.id for check in checks_for(bench.subject.kind)]
    for name, reason in reasons.items():
        if name not in known:
            raise UsageError(
                f"expected_failures of {bench.subject.name}: no check is called {name!r}; there are {', '.join(known)}"
            )
        if not isinstance(reason, str) or not reason.strip():
            raise UsageError(f"expected_failures of {bench.subject.name}: {name!r} needs a reason, got {reason!r}")
    return reasons


def _hold(
    kind: Kind,
    target: Target,
    params: Mapping[str, Any] | None,
    expected_failures: Mapping[str, str] | None,
    sample: Any = None,
) -> None:
    results = run_checks(target, kind=kind, params=params, sample=sample, expected_failures=expected_failures)
    bad = [result for result in results if not result.ok]
    if bad:
        lines = [f"{result.id}: {result.sentence}\n{_indented(result.message)}" for result in bad]
        raise AssertionError(f"{len(bad)} of {len(results)} checks failed\n" + "\n".join(lines))


def _indented(message: str) -> str:
    return "\n".join(f"  {line}" for line in message.splitlines())
