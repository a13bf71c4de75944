"""The kit as its users meet it: one call, declared failures, and cases of pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from anomalist.errors import UnknownNameError, UsageError
from anomalist.testing import check_detector, checks_of, parametrize_with_checks, run_checks
from anomalist.testing.alone import run_checks_alone
from anomalist.testing.subject import Subject
from tests.helpers import install_plugin
from tests.testing import bad

if TYPE_CHECKING:
    from pathlib import Path

    from anomalist.testing import CheckResult


class Quiet(bad.UpsideDown):  # no docstring: the help of its parameters is in that of Good
    expected_failures: ClassVar[dict[str, str]] = {"polarity": "its field counts the other way round"}
    __qualname__ = "no.<locals>.process finds it"


class Noisy(bad.Prints):
    __qualname__ = "no.<locals>.process finds it"


def one(results: list[CheckResult], name: str) -> CheckResult:
    return next(result for result in results if result.id == name)


def test_a_good_detector_passes_in_one_call() -> None:
    check_detector(bad.Good)


def test_every_failed_check_is_listed_with_its_sentence() -> None:
    with pytest.raises(
        AssertionError, match="1 of 50 checks failed\nsilent: it prints nothing\n  expected: "
    ) as caught:
        check_detector(Noisy)
    assert "mend: use logging.getLogger" in str(caught.value)


def test_a_failure_declared_by_the_class_or_in_the_call_is_expected() -> None:
    result = one(run_checks(Quiet), "polarity")
    assert (result.outcome, result.message, result.ok) == ("expected", "its field counts the other way round", True)
    check_detector(Quiet)
    check_detector(Noisy, expected_failures={"silent": "it is proud of its work"})


def test_a_declared_failure_that_passes_fails() -> None:
    result = one(run_checks(Noisy, expected_failures={"finite": "it once was not", "silent": "is"}), "finite")
    assert result.outcome == "unexpectedly passed"
    assert not result.ok
    assert result.message.splitlines()[0] == "expected: a failure, as declared: it once was not"
    assert "take it out of expected_failures" in result.message


@pytest.mark.parametrize(
    ("declared", "why"), [({"nothing": "so"}, "no check is called"), ({"finite": " "}, "a reason")]
)
def test_what_is_declared_must_be_a_check_and_have_a_reason(declared: dict[str, str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        run_checks(Noisy, expected_failures=declared)


def test_names_may_carry_parameters_and_unknown_ones_are_refused() -> None:
    subject = Subject.find("knn:neighbours=3", "detector", {"seed": 1})
    assert (subject.name, dict(subject.params)) == ("knn", {"neighbours": "3", "seed": 1})
    assert subject.plugin is not None
    assert Subject.find(subject.load(), "detector").spec == subject.spec
    with pytest.raises(UnknownNameError, match="knnn"):
        run_checks("knnn")
    with pytest.raises(UnknownNameError, match="there are gp, logistic"):
        run_checks("knn", kind="stacker")


CASES = """
from anomalist.testing import parametrize_with_checks
from tests.testing.test_kit import Noisy, Quiet

@parametrize_with_checks([Quiet, Noisy], expected_failures={"Noisy": {"finite": "it once was not"}})
def test_conformance(check):
    check()
"""


def test_in_pytest_each_check_is_a_case_with_a_name(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(CASES, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "-W", "error", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    out = done.stdout
    assert "PASSED test_it.py::test_conformance[shape-Quiet]" in out
    assert "XFAIL test_it.py::test_conformance[polarity-Quiet] - its field counts the other way round" in out
    assert "FAILED test_it.py::test_conformance[silent-Noisy]" in out
    assert "FAILED test_it.py::test_conformance[finite-Noisy]" in out
    assert "it prints nothing" in out
    assert "expected: not a letter on stdout or stderr" in out
    assert "Traceback" not in out
    assert "2 failed" in out
    assert "it has no method transfer" in out


def test_nothing_is_imported_while_cases_are_collected() -> None:
    cases = parametrize_with_checks(["no_such_detector"]).args[1]
    assert [case.id for case in cases] == [f"{check.id}-no_such_detector" for check in checks_of()]
    with pytest.raises(UnknownNameError, match="no_such_detector"):
        cases[0].values[0]()


KILLER = '''
import os
from dataclasses import dataclass
from anomalist.detector import DetectorSpec, Trait, hookimpl

@dataclass
class Killer:
    """Ends everything."""

    def fit(self, data):
        os._exit(3)
    def score(self, data): ...
    def state(self): ...
    def restore(self, state): ...

@hookimpl
def anomalist_detectors():
    return [DetectorSpec(name="killer", summary="Kills.", factory=__name__ + ":Killer", family="other")]
'''


def test_apart_a_detector_that_ends_the_process_fails_and_we_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_plugin(tmp_path, "killer", KILLER, entry="killer")
    monkeypatch.syspath_prepend(str(tmp_path))
    here = tmp_path / "here"
    here.mkdir()
    for shadow in ("numpy", "json"):  # files of the user's that happen to have names of modules
        (here / f"{shadow}.py").write_text("raise SystemExit('not meant')", encoding="utf-8")
    monkeypatch.chdir(here)
    results: dict[str, Any] = {result.id: result for result in run_checks_alone("killer", "detector")}
    assert list(results) == [check.id for check in checks_of()]
    assert results["typed"].outcome == results["listing"].outcome == "passed"
    failed = [result for result in results.values() if result.outcome == "failed"]
    assert len(failed) == 1
    assert "it ended the process with code 3" in failed[0].message
    assert results["transfer"].message == "not done: the process had ended"


def test_apart_a_detector_that_does_not_end_fails_and_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_plugin(tmp_path, "killer", KILLER.replace("os._exit(3)", "[None for _ in iter(int, 1)]"), entry="killer")
    monkeypatch.syspath_prepend(str(tmp_path))
    results = run_checks_alone("killer", "detector", timeout=3.0)
    (failed,) = (result for result in results if result.outcome == "failed")
    assert failed.id == "rebuilt"  # the first check that fits it
    assert "it was still working after 3 s" in failed.message
    assert results[-1].message == "not done: the process had ended"
