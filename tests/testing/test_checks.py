"""Every check of detectors has a detector that breaks its promise and no other, and is told how to mend it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from anomalist.detector import DetectorSpec, Trait
from anomalist.testing import checks_of, run_checks
from tests.helpers import install_plugin
from tests.testing import bad

if TYPE_CHECKING:
    from pathlib import Path

HANDLES = frozenset({Trait.TABULAR, Trait.EXPLAINS, Trait.WARM_START})

BREAKS: dict[str, tuple[type, str, str]] = {
    "typed": (bad.NoDefault, "default", "dataclass"),
    "documented": (bad.Undocumented, "nothing on power, clip", "'power: What it does.'"),
    "written": (bad.Unwritten, "method=none is read as 'none'", "None"),
    "refused": (bad.Refuses, "ValueError: power", "check_parameter"),
    "rebuilt": (bad.Rebuilt, "scores differ", "init=False"),
    "kept": (bad.Changes, "clip is 0.0 after fit", "init=False"),
    "fits": (bad.ReturnsNothing, "got: None", "return self"),
    "shape": (bad.Tall, "shape (80, 1)", "one number for each row"),
    "dtype": (bad.Whole, "scores of int64", "astype"),
    "finite": (bad.Infinite, "inf in row", "overflows"),
    "polarity": (bad.UpsideDown, "got: in 0%", "minus the score"),
    "tells-apart": (bad.Classifies, "got: 1", "how odd a row is"),
    "large": (bad.Small, "not finite", "float64"),
    "one-row": (bad.Lonely, "8 of 8 scores differ", "rows of fit"),
    "order": (bad.Ordered, "2 of 80 scores differ", "by itself"),
    "again": (bad.Forgetful, "80 of 80 scores differ", "score must change nothing"),
    "seed": (bad.Random, "100% of them differ", "default_rng(self.seed)"),
    "instances": (bad.Shares, "80 of 80 scores differ", "in self"),
    "fit-twice": (bad.Drifts, "80 of 80 scores differ", "nothing learned"),
    "refit": (bad.Remembers, "80 of 80 scores differ", "update"),
    "threads": (bad.OneAtATime, "80 of 80 scores differ", "in self"),
    "constant-column": (bad.Divides, "not finite", "spread of zero"),
    "duplicates": (bad.Unique, "ValueError: rows must be unique", "distance of zero"),
    "one-column": (bad.Pairs, "IndexError", "second column"),
    "few-rows": (bad.Greedy, "ValueError", "larger than the number of rows"),
    "many-columns": (bad.Square, "LinAlgError: singular matrix", "no inverse"),
    "wrong-columns": (bad.AnyWidth, "ValueError: operands", "data.check_width"),
    "not-fitted": (bad.Unfitted, "TypeError", "NotFittedError"),
    "plain-state": (bad.Objects, "at learned", "build the rest in restore"),
    "restored": (bad.RestoresNothing, "got: None", "return self"),
    "same-state": (bad.Ages, '"age": 1', "convert nothing twice"),
    "elsewhere": (bad.Keeps, "RuntimeError: nothing was fitted here", "no module state"),
    "no-pickle": (bad.Pickles, "collections.OrderedDict", "pickles=True"),
    "input": (bad.Writes, "of the values are changed", "work on a copy"),
    "shared-state": (bad.Seeds, "it changed numpy's global random state", "default_rng"),
    "silent": (bad.Prints, "'fitting\\n'", "logging"),
    "warnings": (bad.Warns, "UserWarning: not converged (bad.py", "catch_warnings"),
    "deadline": (bad.Slow, "it worked for 1.", "check_deadline"),
    "protocol": (bad.NoRestore, "no restore", "anomalist.detector.Detector"),
    "parts": (bad.Negative, "from -1", "0 where it did not matter"),
    "blame": (bad.Mistaken, "got: in 0%", "order of the columns"),
    "update": (bad.Turns, "got: in 0%", "higher more anomalous"),
    "update-columns": (bad.UpdatesAnything, "an answer", "data.check_width"),
    "transfer": (bad.Moves, "fitted on 4 columns, got 3", "see what was raised"),
}


def described(cls: type, **changes: Any) -> DetectorSpec:
    given = {
        "name": "bad",
        "summary": "Breaks a promise.",
        "factory": f"{cls.__module__}:{cls.__name__}",
        "family": "other",
        "handles": HANDLES,
        "search": ("power=0.5..4", "clip=0|1"),
        **changes,
    }
    return DetectorSpec(**given)


def broken(*args: Any, **kwargs: Any) -> dict[str, str]:
    return {result.id: result.message for result in run_checks(*args, **kwargs) if result.outcome == "failed"}


def unseen(cls: type) -> type:
    """The same where no other process finds it: the checks that need one take most of the time, and are left out."""
    return type(cls.__name__, (cls,), {"__qualname__": f"unseen.<locals>.{cls.__name__}"})


def test_there_are_many_checks_each_a_sentence_and_each_is_broken_here() -> None:
    checks = checks_of()
    assert len(checks) >= 25
    assert {check.id for check in checks} == {*BREAKS, "factory", "summary", "listing", "requires", "traits", "search"}
    for check in checks:
        assert len(check.sentence.split()) >= 3, check.id
        assert not check.sentence.endswith("."), check.id
    assert len({check.sentence for check in checks}) == len(checks)


def test_a_good_detector_passes() -> None:
    outcomes = {result.id: result.outcome for result in run_checks(described(bad.Good))}
    assert {name for name, outcome in outcomes.items() if outcome != "passed"} == {"listing", "requires", "transfer"}


@pytest.mark.parametrize("check", BREAKS)
def test_a_detector_that_breaks_one_promise_fails_one_check(check: str) -> None:
    cls, got, mend = BREAKS[check]
    if check not in ("elsewhere", "no-pickle"):
        cls = unseen(cls)
    found = broken(cls, params={"power": 3.0} if check == "rebuilt" else None)
    assert list(found) == [check], found
    lines = found[check].splitlines()
    assert [line.partition(":")[0].strip() for line in lines] == ["expected", "got", "mend"]
    assert got in found[check]
    assert mend in lines[2]


def test_one_that_cannot_be_fitted_fails_there_and_the_rest_does_not_apply() -> None:
    results = {result.id: result for result in run_checks(unseen(bad.Fails))}
    assert [result.id for result in results.values() if result.outcome == "failed"] == ["fits"]
    assert "ZeroDivisionError: by zero (bad.py, line " in results["fits"].message
    said = "it cannot be fitted on ordinary rows, which another check says"
    for check in ("polarity", "rebuilt", "restored", "threads", "warnings", "input", "deadline", "update-columns"):
        assert (results[check].outcome, results[check].message) == ("not applicable", said), check


def test_one_that_does_not_score_fails_there_and_the_rest_does_not_apply() -> None:
    results = {result.id: result for result in run_checks(unseen(bad.Mute))}
    assert [result.id for result in results.values() if result.outcome == "failed"] == ["shape"]
    assert "ZeroDivisionError: by zero (bad.py, line " in results["shape"].message
    assert results["polarity"].message == "it cannot score rows, which another check says"


@pytest.mark.parametrize(
    ("check", "changes", "got", "mend"),
    [
        ("factory", {"factory": "tests.testing.bad:Nothing"}, "no attribute 'Nothing'", "'package.module:Name'"),
        ("factory", {"factory": "tests.testing.bad:_KEPT"}, "a list", "the class or the function"),
        ("summary", {"summary": "finds things"}, "'finds things'", "one sentence"),
        ("summary", {"summary": "One. Two."}, "'One. Two.'", "one sentence"),
        (
            "search",
            {"search": ("force=1..2",)},
            "bad has no parameter 'force' to search; it has power, clip",
            "in search",
        ),
        ("search", {"search": ("power=1..",)}, "power is searched between two numbers", "'power=0.5..4'"),
        (
            "search",
            {"search": ("power=0..4", "clip=0|1")},
            "power must be above 0, got 0.0",
            "only values that it takes",
        ),
        ("search", {"search": ("clip=0|much",)}, "clip must be float, got 'much'", "only values that it takes"),
        ("traits", {"handles": frozenset({Trait.TABULAR, Trait.EXPLAINS})}, "the method without", "add the trait"),
        ("traits", {"handles": frozenset({Trait.EXPLAINS, Trait.WARM_START})}, "explains", "Trait.TABULAR"),
    ],
)
def test_a_bad_description_fails_one_check(check: str, changes: dict[str, Any], got: str, mend: str) -> None:
    found = broken(described(bad.Good, **changes))
    assert list(found) == [check], found
    assert got in found[check]
    assert mend in found[check]


def test_what_cannot_be_built_inside_a_space_fails_though_its_ends_can() -> None:
    found = broken(described(bad.Gapped, search=("power=0.5..4",)))
    assert list(found) == ["search"]
    assert "power must be outside of 2.5 to 3.9" in found["search"]


def test_the_trait_without_the_method_fails() -> None:
    found = broken(described(bad.Silent))
    assert list(found) == ["traits"]
    assert "the trait without the method" in found["traits"]
    assert "take the trait out of handles" in found["traits"]


PLUGIN = """
from anomalist.detector import DetectorSpec, Trait, hookimpl
IMPORTS
from tests.testing.bad import Good as Kept

@hookimpl
def anomalist_detectors():
    return [DetectorSpec(name="NAME", summary="Good.", factory=__name__ + ":Kept", family="other",
                         handles=frozenset({Trait.TABULAR, Trait.EXPLAINS, Trait.WARM_START}))]
"""


def test_an_entry_point_that_imports_much_and_what_nobody_installs_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    source = PLUGIN.replace("IMPORTS", "import numpy\nimport pexpect").replace("NAME", "heavy_one")
    install_plugin(tmp_path, "heavy-package", source, entry="heavy_one")
    found = broken("heavy_one")
    assert list(found) == ["listing", "requires"]
    assert "it imports numpy" in found["listing"]
    assert "in the module that factory names" in found["listing"]
    assert "pexpect, which neither heavy-package nor anomalist depends on" in found["requires"]
