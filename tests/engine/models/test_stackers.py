"""Stackers by name, those of plugins among them, and that one which fails harms neither the champion nor the user."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from anomalist.engine.models.stackers import BUILT_IN, build_stacker, recipe_from_text, recipe_of
from anomalist.engine.review.questions import ReviewOptions
from anomalist.engine.review.review import Review
from anomalist.engine.runs.sources import Source
from anomalist.engine.workspace import Workspace
from anomalist.ensemble.stack import Stacker
from anomalist.ensemble.stackers.gp import Gp
from anomalist.errors import (
    AnomalistError,
    DetectorError,
    ParameterError,
    PluginError,
    UnknownNameError,
)
from anomalist.plugins.registry import Registry
from anomalist.store.repository import Store
from tests.engine.looping import asked, first, next_version, scores_of, verdicts
from tests.helpers import environment, install_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anomalist.data.table import Table
    from anomalist.store.rows import RunRow

STACKERS = '''
import os
import signal
from dataclasses import dataclass
import numpy as np
from anomalist.detector import StackerSpec, hookimpl

@dataclass
class Lean:
    """The consensus, and a lean to one column.

    Attributes:
        factor: How much the mean of what was called an anomaly counts.
    """
    factor: float = 2.0

    def fit(self, lesson):
        self.lean = lesson.judged.columns[lesson.labels == 1].mean(axis=0, dtype=np.float64)
        return self

    def log_odds(self, rows):
        return rows.consensus + self.factor * (rows.columns @ self.lean)

    def state(self):
        return {"lean": self.lean}

    def restore(self, state):
        self.lean = state["lean"]
        return self

class RaisesInFit(Lean):
    def fit(self, lesson):
        raise RuntimeError("out of\\nluck")

class RaisesInScore(Lean):
    def log_odds(self, rows):
        return [1.0, "x", object()]

class RaisesInState(Lean):
    def state(self):
        raise KeyError("lean")

class RaisesOnFewer(Lean):
    """Fails when it is compared: the folds are smaller than what it was taught."""
    def fit(self, lesson):
        if len(lesson.judged) < 40:
            raise ValueError("too few for me")
        return super().fit(lesson)

class NotPlain(Lean):
    def state(self):
        return {"lean": object()}

class NotFinite(Lean):
    def log_odds(self, rows):
        found = super().log_odds(rows)
        found[3:5] = np.nan
        return found

class WrongShape(Lean):
    def log_odds(self, rows):
        return super().log_odds(rows)[:-1]

class Kills(Lean):
    def fit(self, lesson):
        os.kill(os.getpid(), signal.SIGKILL)

class Interrupts(Lean):
    def fit(self, lesson):
        raise KeyboardInterrupt

class MovesWrongly(Lean):
    def moved(self, rows):
        return np.zeros((1, 1)), np.zeros((1, 1))

class ForgetsToRestore(Lean):
    def restore(self, state):
        raise ValueError("what was that")

class Picky(Lean):
    def __init__(self, factor=2.0):
        raise RuntimeError("not today")

class NoStacker:
    pass

@hookimpl
def anomalist_combiners():
    classes = [
        Lean, RaisesInFit, RaisesInScore, RaisesInState, RaisesOnFewer, NotPlain, NotFinite, WrongShape, Kills,
        Interrupts, MovesWrongly, ForgetsToRestore, Picky, NoStacker,
    ]
    specs = [
        StackerSpec(name=c.__name__.lower(), summary="A stacker.", factory=f"{__name__}:{c.__name__}") for c in classes
    ]
    return [*specs, StackerSpec(name="lost", summary="Not there.", factory="no.such.module:Stacker")]
'''


@pytest.fixture
def stacking(tmp_path: Path, registry: Registry) -> Iterator[Workspace]:
    """A workspace with the stackers above."""
    install_plugin(tmp_path / "site", "stackers", STACKERS)
    with Workspace(
        store=Store.open(data_home=tmp_path), registry=Registry.load(), models=tmp_path / "models"
    ) as opened:
        yield opened


@pytest.fixture
def made(stacking: Workspace, tmp_path: Path) -> RunRow:
    """A champion that has learned from 40 verdicts on the rows of a file."""
    run = first(stacking, tmp_path / "payments.csv")
    verdicts(stacking, read(stacking, run), asked(stacking, run.id, 40))
    assert next_version(stacking).outcome.promoted
    return run


def read(workspace: Workspace, run: RunRow) -> Table:
    return Source.from_dict(run.params["origin"]).read(workspace.registry)


def test_every_stacker_of_anomalist_can_be_built_by_its_name(registry: Registry) -> None:
    for name, spec in BUILT_IN.items():
        recipe = recipe_from_text(registry, name)
        assert recipe.name == name
        assert spec.summary.endswith(".")
        assert isinstance(recipe.make(), Stacker)
        assert recipe.make() is not recipe.make()
        again = recipe_of(registry, name, recipe.params)
        assert again.params == recipe.params


def test_parameters_are_read_as_their_types_and_all_of_them_are_kept(registry: Registry) -> None:
    recipe = recipe_from_text(registry, "gp:local=4,most=50")
    assert (recipe.params["local"], recipe.params["most"], recipe.params["anchor"]) == (4.0, 50, Gp().anchor)
    made = recipe.make()
    assert isinstance(made, Gp)
    assert (made.local, made.most) == (4.0, 50)
    assert "_fitted" not in recipe.params


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("gqp", UnknownNameError, "no stacker is called 'gqp'; there are gp, logistic, boosting, consensus, forgets"),
        ("gp:locale=4", ParameterError, "gp has no parameter 'locale'"),
        ("gp:weak=many", ParameterError, "gp: weak must be"),
        ("gp:weak=1.5", ParameterError, "gp: weak must be"),
        ("gp:local=inf", ParameterError, "gp: local must be"),
        ("gp:most=5", ParameterError, "gp: most must be a whole number of at least 10, got 5"),
        ("gp:local", UnknownNameError, "no stacker is called 'gp:local'"),
        ("consensus:_offset=3", ParameterError, "consensus has no parameter '_offset'"),
        ("nostacker", PluginError, "'nostacker'"),
        ("picky", PluginError, "picky.*not today"),
        ("lost", PluginError, "stacker 'lost' of stackers cannot be imported: ModuleNotFoundError"),
    ],
)
def test_what_cannot_be_built_is_one_line(stacking: Workspace, text: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        recipe_from_text(stacking.registry, text)
    assert "\n" not in str(caught.value)


def test_a_stacker_of_a_plugin_learns_is_saved_and_reads_itself_again(stacking: Workspace, made: RunRow) -> None:
    found = next_version(stacking, stacker="lean:factor=3", promote=True)
    assert stacking.find("m").details["stack"]["name"] == "stackers:lean"
    model, _ = stacking.load("m")
    assert model.stack is not None
    assert model.stack.params == {"factor": 3.0}
    np.testing.assert_array_equal(scores_of(stacking, "m", read(stacking, made)), found.result.scores.score)
    assert all(finding.moved is None for finding in found.result.findings)  # it does not say what moved a row


@pytest.mark.parametrize(
    ("stacker", "says"),
    [
        ("raisesinfit", "stacker stackers:raisesinfit failed: RuntimeError: out of luck"),
        ("raisesinscore", "stacker stackers:raisesinscore failed: "),
        ("raisesinstate", "stacker stackers:raisesinstate failed: KeyError: 'lean'"),
        ("notplain", "lean"),
        ("notfinite", "stacker stackers:notfinite must give a finite number for each of 400 rows, got some that"),
        ("wrongshape", r"stacker stackers:wrongshape must give .* each of 400 rows, got numbers of shape \(399,\)"),
        ("moveswrongly", r"stacker stackers:moveswrongly must say what moved rows in shapes"),
    ],
)
def test_a_stacker_that_fails_is_one_line_and_the_champion_stays(
    stacking: Workspace, made: RunRow, stacker: str, says: str
) -> None:
    table = read(stacking, made)
    before, folders = scores_of(stacking, "m", table), set(stacking.models.iterdir())
    with pytest.raises(AnomalistError, match=says) as caught:
        next_version(stacking, stacker=stacker, promote=True)
    assert "\n" not in str(caught.value)
    newest = stacking.store.runs()[0]
    assert (newest.kind, newest.status, newest.error) == ("retrain", "failed", str(caught.value))
    assert stacking.store.aliases("m") == {"champion": 2}
    assert [model.version for model in stacking.store.models("m")] == [2, 1]
    assert set(stacking.models.iterdir()) == folders
    np.testing.assert_array_equal(scores_of(stacking, "m", table), before)


@pytest.mark.parametrize("stacker", ["raisesinfit", "raisesinscore", "notfinite", "wrongshape"])
def test_one_that_fails_in_a_review_is_named(stacking: Workspace, made: RunRow, stacker: str) -> None:
    with pytest.raises(DetectorError, match=f"^stacker stackers:{stacker} (failed|must give)"):
        Review.open(stacking, made.id, ReviewOptions(analyst="ann", stacker=stacker))


def test_one_that_fails_when_it_is_compared_is_kept_as_a_challenger(stacking: Workspace, made: RunRow) -> None:
    found = next_version(stacking, stacker="raisesonfewer")
    assert not found.outcome.promoted
    assert found.outcome.reason == (
        "the new version cannot be compared with m:2: stacker stackers:raisesonfewer failed: ValueError: too few for me"
    )
    assert stacking.store.aliases("m") == {"champion": 2, "challenger": 3}


def test_a_model_whose_stacker_cannot_be_read_says_so(stacking: Workspace, made: RunRow) -> None:
    next_version(stacking, stacker="forgetstorestore", promote=True)
    with pytest.raises(DetectorError, match="stacker stackers:forgetstorestore failed: ValueError: what was that"):
        stacking.load("m")
    assert stacking.store.rollback("m").version == 2
    assert stacking.load("m")[1].version == 2


def test_a_model_whose_stacker_is_not_installed_any_more_says_which(
    stacking: Workspace, made: RunRow, registry: Registry
) -> None:
    next_version(stacking, stacker="lean", promote=True)
    without = Workspace(store=stacking.store, registry=registry, models=stacking.models)
    with pytest.raises(UnknownNameError, match="no stacker is called 'stackers:lean'"):
        without.load("m")


def test_one_that_is_interrupted_leaves_a_cancelled_run(stacking: Workspace, made: RunRow) -> None:
    with pytest.raises(KeyboardInterrupt):
        next_version(stacking, stacker="interrupts", promote=True)
    assert stacking.store.runs()[0].status == "cancelled"
    assert stacking.store.aliases("m") == {"champion": 2}


def test_one_that_is_killed_in_the_middle_leaves_the_champion_alone(
    stacking: Workspace, made: RunRow, tmp_path: Path
) -> None:
    table = read(stacking, made)
    before = scores_of(stacking, "m", table)
    arguments = ["-m", "anomalist", "--quiet", "retrain", "m", "--stacker", "kills", "--promote", "--threads", "1"]
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment(PYTHONPATH=str(tmp_path / "site"), ANOMALIST_DATA_HOME=str(tmp_path), OMP_NUM_THREADS="1"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-9, "", "")
    newest = stacking.store.runs()[0]
    assert (newest.kind, newest.status) == ("retrain", "crashed")
    assert stacking.store.aliases("m") == {"champion": 2}
    np.testing.assert_array_equal(scores_of(stacking, "m", table), before)
    assert next_version(stacking, promote=True).outcome.promoted
    assert {folder.name for folder in stacking.models.iterdir()} == {model.hash for model in stacking.store.models("m")}


def test_a_stacker_built_from_values_refuses_those_of_another_type(registry: Registry) -> None:
    with pytest.raises(ParameterError, match="gp: weak must be"):
        build_stacker(registry, "gp", {"weak": 2.5})
