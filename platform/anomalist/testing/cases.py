"""The kit in pytest: each check of each thing is a test case with a name that people can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anomalist.testing.bench import bench_of, checks_for
from anomalist.testing.kit import reasons_for
from anomalist.testing.promise import Failure, result_of
from anomalist.testing.subject import Subject, name_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest

    from anomalist.plugins.plugin import Kind
    from anomalist.testing.bench import Bench
    from anomalist.testing.promise import Promise
    from anomalist.testing.subject import Target

__all__ = ["Check", "parametrize_with_checks"]


def parametrize_with_checks(
    targets: Sequence[Target],
    *,
    kind: Kind = "detector",
    params: Mapping[str, Mapping[str, Any]] | None = None,
    sample: Any = None,
    expected_failures: Mapping[str, Mapping[str, str]] | None = None,
) -> pytest.MarkDecorator:
    """Make each check of each target a test case, with an id such as `polarity-knn`, of a test that takes `check`.

    The test calls `check()`. A declared failure is shown as xfailed with its reason, and fails where it passes; a check
    that does not apply is skipped. What is tested is imported when the first case runs, not while tests are collected.

    Args:
        targets: What to check: names of installed things, descriptions, classes or functions.
        kind: What they are.
        params: Parameters to build them with, by name.
        sample: What `check_features` and `check_reader` take.
        expected_failures: Why checks are known to fail, by name and by the id of the check.
    """
    import pytest

    cases = []
    for target in targets:
        name = name_of(target)
        bench = _Late(target, kind, (params or {}).get(name), sample, (expected_failures or {}).get(name))
        cases += [pytest.param(Check(check, bench), id=f"{check.id}-{name}") for check in checks_for(kind)]
    return pytest.mark.parametrize("check", cases)


class _Late:
    """The bench of a target, made when it is first asked for, and its declared failures."""

    def __init__(
        self,
        target: Target,
        kind: Kind,
        params: Mapping[str, Any] | None,
        sample: Any,
        declared: Mapping[str, str] | None,
    ) -> None:
        self._what = target, kind, params
        self._sample = sample
        self._declared = declared
        self._made: tuple[Bench, dict[str, str]] | None = None

    def get(self) -> tuple[Bench, dict[str, str]]:
        if self._made is None:
            bench = bench_of(Subject.find(*self._what), self._sample)
            self._made = bench, reasons_for(bench, self._declared)
        return self._made


class Check:
    """One check of one thing; call it in a test."""

    def __init__(self, check: Promise, bench: _Late) -> None:
        self._check = check
        self._bench = bench

    def __call__(self) -> None:
        """Do the check.

        Raises:
            AssertionError: It fails, or passes though it was declared to fail.
        """
        import pytest

        __tracebackhide__ = True
        result, failure = result_of(self._check, *self._bench.get())
        if result.outcome == "expected":
            pytest.xfail(result.message)
        if result.outcome == "not applicable":
            pytest.skip(result.message)
        if isinstance(failure, Failure):
            failure.args = (f"{result.sentence}\n{failure}",)
            raise failure

    def __repr__(self) -> str:
        return f"<{self._check.id}: {self._check.sentence}>"
